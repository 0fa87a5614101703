import { Group, Modal, Stack, Text, Title } from "@mantine/core";
import type { Reply } from "@holdfast/client";
import { routes } from "@holdfast/protocol";
import { useQuery } from "@tanstack/react-query";
import { apiFor, useAct } from "../api/index.ts";
import { Moment, Press, RowPress, ProblemNotice } from "../kit/index.ts";
import { useOrg } from "../session/index.ts";
import { words } from "../words/index.ts";

type User = Reply<typeof routes.listUsers>["items"][number];
const own = words.customers;

/** Where a customer is signed in and with which passkeys she comes in, and how each of them ends. */
export function CustomerSignIns({
  user,
  why,
  close,
}: {
  readonly user: User;
  /** Why nothing may be ended here. */
  readonly why: string | undefined;
  readonly close: () => void;
}) {
  const org = useOrg();
  const api = apiFor(org.id);
  const params = { application: user.application, user: user.id };
  const sessions = useQuery({
    queryKey: ["customer-sessions", org.id, user.id],
    queryFn: ({ signal }) => api.call(routes.listUserSessions, { params, signal }),
  });
  const passkeys = useQuery({
    queryKey: ["customer-passkeys", org.id, user.id],
    queryFn: ({ signal }) => api.call(routes.listUserPasskeys, { params, signal }),
  });
  const end = useAct((session: { id: string } | "every") =>
    session === "every"
      ? api.call(routes.endUserSessions, { params })
      : api.call(routes.endUserSession, { params: { ...params, session: session.id } }),
  );
  const remove = useAct(({ id }: { id: string }) =>
    api.call(routes.removeUserPasskey, { params: { ...params, passkey: id } }),
  );
  const error = end.error ?? remove.error ?? sessions.error ?? passkeys.error;
  return (
    <Modal
      opened
      onClose={close}
      size="lg"
      title={own.signInsOf(user.login)}
      closeButtonProps={{ "aria-label": words.common.close }}
    >
      <Stack gap="sm">
        <Title order={3} fz="sm">
          {own.sessions}
        </Title>
        {sessions.data?.items.length === 0 && <Text fz="sm">{own.noSessions}</Text>}
        {sessions.data?.items.map(({ id, from = own.somewhere, createdAt, seenAt, exposedAt }) => (
          <Row key={id} act={own.end} name={`${from} ${id}`} why={why} onClick={() => end.mutate({ id })}>
            {from}, {own.since} <Moment at={createdAt} />, {own.renewed} <Moment at={seenAt} />
            {exposedAt !== undefined && (
              <>
                . {own.exposed} <Moment at={exposedAt} />
              </>
            )}
          </Row>
        ))}
        {(sessions.data?.items.length ?? 0) > 1 && (
          <Press variant="outline" color="red" why={why} onClick={() => end.mutate("every")}>
            {own.endAll}
          </Press>
        )}
        <Title order={3} fz="sm">
          {own.passkeys}
        </Title>
        {passkeys.data?.items.length === 0 && <Text fz="sm">{own.noPasskeys}</Text>}
        {passkeys.data?.items.map(({ id, name, site, createdAt, lastUsedAt, clonedAt }) => (
          <Row key={id} act={own.remove} name={name} why={why} onClick={() => remove.mutate({ id })}>
            {name}, {site}, {own.since} <Moment at={createdAt} />
            {lastUsedAt !== undefined && (
              <>
                , {own.used} <Moment at={lastUsedAt} />
              </>
            )}
            {clonedAt !== undefined && <>. {own.cloned}</>}
          </Row>
        ))}
        {error && <ProblemNotice error={error} />}
      </Stack>
    </Modal>
  );
}

/** One thing, and the button that ends it. */
function Row({
  children,
  act,
  name,
  why,
  onClick,
}: {
  readonly children: React.ReactNode;
  readonly act: string;
  readonly name: string;
  readonly why: string | undefined;
  readonly onClick: () => void;
}) {
  return (
    <Group justify="space-between" wrap="nowrap">
      <Text fz="sm">{children}</Text>
      <RowPress flex="none" why={why} onClick={onClick} aria-label={`${act} ${name}`}>
        {act}
      </RowPress>
    </Group>
  );
}
