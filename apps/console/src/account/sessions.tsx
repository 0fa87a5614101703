import { Button, Group, List, Modal, Stack, Text } from "@mantine/core";
import type { Reply } from "@holdfast/client";
import { routes } from "@holdfast/protocol";
import { useSuspenseQuery } from "@tanstack/react-query";
import { useState } from "react";
import { apiFor, useAct } from "../api/index.ts";
import { Moment, ProblemNotice } from "../kit/index.ts";
import { words } from "../words/index.ts";
import { Asking } from "./asking.tsx";
import { AccountCard } from "./card.tsx";

type Session = Reply<typeof routes.listAccountSessions>["items"][number];
const own = words.account.sessions;

/** Where she is signed in with a browser, and how that ends. */
export function AccountSessions() {
  const [isAsked, ask] = useState(false);
  const close = () => ask(false);
  const { data } = useSuspenseQuery({
    queryKey: ["account-sessions"],
    queryFn: ({ signal }) => apiFor().call(routes.listAccountSessions, { signal }),
  });
  const end = useAct((session: string) => apiFor().call(routes.endAccountSession, { params: { session } }));
  const endOthers = useAct(async () => {
    await apiFor().call(routes.endOtherAccountSessions);
    close();
  });
  const others = data.items.filter(({ isCurrent }) => !isCurrent).length;
  return (
    <Stack gap="md">
      <Text fz="sm" maw={720}>
        {own.lead}
      </Text>
      {end.error && <ProblemNotice error={end.error} />}
      {data.items.map((session) => (
        <OneSession
          key={session.id}
          session={session}
          isEnding={end.isPending && end.variables === session.id}
          end={() => end.mutate(session.id)}
        />
      ))}
      {others > 1 && (
        <Group>
          <Button color="red" variant="outline" onClick={() => ask(true)}>
            {own.endOthers}
          </Button>
        </Group>
      )}
      {isAsked && (
        <Modal opened onClose={close} title={own.endOthers} closeButtonProps={{ "aria-label": words.common.close }}>
          <Asking label={own.endOthers} color="red" act={endOthers} close={close}>
            <Text fz="sm">{own.endOthersHint(others)}</Text>
          </Asking>
        </Modal>
      )}
    </Stack>
  );
}

function OneSession({
  session: { program, address, isCurrent, isNewBrowser, proofs, createdAt, lastUsedAt, orgs },
  isEnding,
  end,
}: {
  readonly session: Session;
  readonly isEnding: boolean;
  readonly end: () => void;
}) {
  const name = words.signedIn.program(program);
  return (
    <AccountCard title={name} lead={words.signedIn.from(address)}>
      <Group gap="xs">
        {isCurrent && <span className="hf-state hf-disc hf-good">{own.current}</span>}
        {isNewBrowser && <span className="hf-state hf-ring hf-warn">{own.isNew}</span>}
      </Group>
      <Text fz="sm">
        {words.signedIn.since} <Moment at={createdAt} /> {words.signedIn.by(proofs)}, {words.signedIn.used}{" "}
        <Moment at={lastUsedAt} />
      </Text>
      {orgs.length > 0 && (
        <List size="sm" aria-label={own.where}>
          {orgs.map((org) => (
            <List.Item key={org.id}>
              {org.name}: {own.until} <Moment at={org.expiresAt} />
            </List.Item>
          ))}
        </List>
      )}
      {isCurrent ? (
        <Text fz="sm" c="var(--hf-dim)">
          {own.currentHint}
        </Text>
      ) : (
        <Button size="compact-sm" variant="default" loading={isEnding} onClick={end} aria-label={`${own.end} ${name}`}>
          {own.end}
        </Button>
      )}
    </AccountCard>
  );
}
