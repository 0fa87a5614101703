import { Alert, Stack, Text, Title } from "@mantine/core";
import type { Reply } from "@holdfast/client";
import type { routes } from "@holdfast/protocol";
import { Link } from "@tanstack/react-router";
import { Facts, Moment, paths } from "../kit/index.ts";
import { useOrg } from "../session/index.ts";
import { GrantList } from "./grant-list.tsx";
import { words } from "../words/index.ts";
import { madeAgain } from "./grants.ts";

type Credential = Reply<typeof routes.readCredential>;

const own = words.wear;

/** What somebody should look at, first of all on the page. */
export function Findings({ findings, exposed, leakedAt }: Pick<Credential, "findings" | "exposed" | "leakedAt">) {
  const said = {
    leaked: [own.leaked, leakedAt],
    exposed: [own.exposed(exposed?.where ?? "url"), exposed?.at],
    old: [own.old, undefined],
  } as const;
  return findings.map((finding) => {
    const [sentence, at] = said[finding];
    return (
      <Alert key={finding} color="yellow" variant="outline" c="var(--hf-text)" title={own.findings[finding]}>
        <Text fz="sm">
          {sentence} {at !== undefined && <Moment at={at} exactly />}
        </Text>
      </Alert>
    );
  });
}

/** How much of what it may do it was used for, and the way to one that may do no more than that. */
export function Worn({ credential }: { readonly credential: Credential }) {
  const org = useOrg();
  const { use, former, id } = credential;
  if (!use) return null;
  const canNarrow = use.narrower.length > 0 && madeAgain({ ...credential, narrower: use.narrower }) !== undefined;
  return (
    <Stack gap="xs">
      <Title order={2} fz="lg">
        {own.title}
      </Title>
      <Facts
        facts={[
          [
            own.grants,
            <span key="grants">
              {own.used(use.used, use.granted)} <Moment at={use.since} />
            </span>,
          ],
          ...(use.from === undefined
            ? []
            : ([[own.from, `${use.from}${use.transport ? ` · ${use.transport}` : ""}`]] as const)),
          ...(former === undefined
            ? []
            : ([
                [own.formerEnds, <Moment key="ends" at={former.endsAt} exactly />],
                [
                  own.formerUsed,
                  former.lastUsedAt === undefined ? (
                    own.neverSince
                  ) : (
                    <Moment key="former" at={former.lastUsedAt} exactly />
                  ),
                ],
              ] as const)),
        ]}
      />
      {use.narrower.length > 0 && (
        <>
          <Text fz="sm">{own.enough}</Text>
          <GrantList grants={use.narrower} />
          {canNarrow && (
            <p>
              <Link to={paths.addCredential} params={{ org: org.id }} search={{ q: id }}>
                {own.narrow}
              </Link>
            </p>
          )}
        </>
      )}
    </Stack>
  );
}
