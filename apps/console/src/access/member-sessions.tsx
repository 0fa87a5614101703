import { Group, Modal, Stack, Text } from "@mantine/core";
import type { Reply } from "@holdfast/client";
import { routes } from "@holdfast/protocol";
import { useQuery } from "@tanstack/react-query";
import { apiFor, useAct } from "../api/index.ts";
import { Moment, Press, RowPress, ProblemNotice } from "../kit/index.ts";
import { useCan, useOrg } from "../session/index.ts";
import { words } from "../words/index.ts";

type Member = Reply<typeof routes.listMembers>["items"][number];
const own = words.people.sessions;

/** Where a member is signed in to this organisation, and how that ends. */
export function MemberSessions({ member, close }: { readonly member: Member; readonly close: () => void }) {
  const org = useOrg();
  const can = useCan();
  const api = apiFor(org.id);
  const { person, email } = member;
  const sessions = useQuery({
    queryKey: ["member-sessions", org.id, person],
    queryFn: ({ signal }) => api.call(routes.listMemberSessions, { params: { person }, signal }),
  });
  const end = useAct((credential: string) => api.call(routes.revokeCredential, { params: { credential } }));
  const endAll = useAct(() => api.call(routes.endMemberSessions, { params: { person } }));
  const error = end.error ?? endAll.error ?? sessions.error;
  const why = can("credential.revoke") ? undefined : words.common.notAllowed("credential.revoke");
  return (
    <Modal
      opened
      onClose={close}
      size="lg"
      title={own.of(email)}
      closeButtonProps={{ "aria-label": words.common.close }}
    >
      <Stack gap="sm">
        <Text fz="sm">{own.lead}</Text>
        {sessions.isPending && <Text fz="sm">{words.common.loading}</Text>}
        {sessions.data?.items.length === 0 && <Text fz="sm">{own.none}</Text>}
        {sessions.data?.items.map(({ id, program, address, proofs, createdAt, lastUsedAt, expiresAt }) => (
          <Group key={id} justify="space-between" wrap="nowrap" align="flex-start">
            <Text fz="sm">
              {words.signedIn.program(program)}, {words.signedIn.from(address)}, {words.signedIn.since}{" "}
              <Moment at={createdAt} /> {words.signedIn.by(proofs)}, {words.signedIn.used} <Moment at={lastUsedAt} />,{" "}
              {own.until} <Moment at={expiresAt} />
            </Text>
            <RowPress
              flex="none"
              why={why}
              onClick={() => end.mutate(id)}
              aria-label={`${own.end} ${words.signedIn.program(program)}`}
            >
              {own.end}
            </RowPress>
          </Group>
        ))}
        {error && <ProblemNotice error={error} />}
        <Group>
          <Press
            color="red"
            variant="outline"
            why={why}
            loading={endAll.isPending}
            onClick={() => endAll.mutate(undefined)}
          >
            {own.endAll}
          </Press>
        </Group>
      </Stack>
    </Modal>
  );
}
