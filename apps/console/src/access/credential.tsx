import { Code, List, Stack, Text, Title } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { routes } from "@holdfast/protocol";
import { useQuery, useSuspenseQuery } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import { apiFor, queryClient } from "../api/index.ts";
import { Confirm, EntityId, Facts, Moment, Page, paths, StateMark, Press } from "../kit/index.ts";
import { useCan, useOrg } from "../session/index.ts";
import { words } from "../words/index.ts";
import { kindWord, type Credential } from "./kinds.ts";

const own = words.access;

/** One credential: what it may do, when it was last used, what hangs on it, and how to end it. */
export function CredentialPage() {
  const org = useOrg();
  const can = useCan();
  const { credential: id = "" } = useParams({ strict: false });
  const [isEnding, ending] = useDisclosure(false);
  const { data: credential } = useSuspenseQuery({
    queryKey: ["credential", org.id, id],
    queryFn: ({ signal }) => apiFor(org.id).call(routes.readCredential, { params: { credential: id }, signal }),
  });
  const { data: below } = useQuery({
    queryKey: ["credentials-below", org.id, id],
    queryFn: ({ signal }) => madeWith(org.id, id, signal),
  });
  const title = credential.name === "" ? kindWord(credential.kind) : credential.name;
  const mayEnd = can("credential.revoke");
  const because =
    credential.state !== "active" ? own.isOver : mayEnd ? undefined : words.common.notAllowed("credential.revoke");
  return (
    <Page
      title={title}
      lead={<EntityId id={credential.id} />}
      actions={
        <Press color="red" variant="outline" onClick={ending.open} why={because}>
          {own.revoke}
        </Press>
      }
    >
      <Facts
        facts={[
          [own.kind, kindWord(credential.kind)],
          [words.common.state, <StateMark key="state" state={credential.state} />],
          [words.common.created, <Moment key="created" at={credential.createdAt} exactly />],
          [
            own.lastUsed,
            credential.lastUsedAt === undefined ? (
              words.common.never
            ) : (
              <Moment key="used" at={credential.lastUsedAt} exactly />
            ),
          ],
          [
            own.expires,
            credential.expiresAt === undefined ? (
              words.common.never
            ) : (
              <Moment key="expires" at={credential.expiresAt} exactly />
            ),
          ],
          ...(credential.parent === undefined
            ? []
            : ([
                [
                  own.madeWith,
                  <Link key="parent" to={paths.credential} params={{ org: org.id, credential: credential.parent }}>
                    {credential.parent}
                  </Link>,
                ],
              ] as const)),
          ...(credential.device === undefined
            ? []
            : ([
                [
                  own.ofDevice,
                  <Link key="device" to={paths.device} params={{ org: org.id, device: credential.device }}>
                    {credential.device}
                  </Link>,
                ],
              ] as const)),
          ...(credential.application === undefined
            ? []
            : ([[own.ofApplication, <EntityId key="application" id={credential.application} />]] as const)),
        ]}
      />
      <Stack gap="xs">
        <Title order={2} fz="lg">
          {own.grants}
        </Title>
        <List size="sm" listStyleType="none">
          {credential.grants.map((grant) => (
            <List.Item key={grant}>
              <Code>{grant}</Code>
            </List.Item>
          ))}
        </List>
      </Stack>
      <Confirm
        opened={isEnding}
        close={ending.close}
        title={own.revoke}
        label={own.revoke}
        name={title}
        act={async () => {
          await apiFor(org.id).call(routes.revokeCredential, { params: { credential: id } });
          await queryClient.invalidateQueries();
        }}
      >
        <Stack gap="xs">
          <Text fz="sm">{own.revokeHint}</Text>
          {below !== undefined && below.length > 0 && (
            <>
              <Text fz="sm">{own.alsoEnds(below.length)}</Text>
              <List size="sm">
                {below.slice(0, 12).map((one) => (
                  <List.Item key={one.id}>
                    {one.name || one.id} ({kindWord(one.kind)})
                  </List.Item>
                ))}
              </List>
            </>
          )}
        </Stack>
      </Confirm>
    </Page>
  );
}

/** Every credential that was made with this one, directly or not, and is still good. */
async function madeWith(org: string, id: string, signal: AbortSignal): Promise<readonly Credential[]> {
  const all: Credential[] = [];
  let cursor: string | undefined;
  do {
    const page = await apiFor(org).call(routes.listCredentials, { query: { cursor, limit: 1_000 }, signal });
    all.push(...page.items);
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  const found = new Set([id]);
  // The list is oldest first, so whoever made one stands before it.
  return all.filter((one) => {
    if (one.parent === undefined || !found.has(one.parent)) return false;
    found.add(one.id);
    return one.state === "active";
  });
}
