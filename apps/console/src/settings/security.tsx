import { Alert, Button, Stack, Text, Title } from "@mantine/core";
import { routes } from "@holdfast/protocol";
import { useSuspenseQuery } from "@tanstack/react-query";
import { apiFor } from "../api/index.ts";
import { Facts, Moment, Page, save, Scroll } from "../kit/index.ts";
import { useOrg } from "../session/index.ts";
import type { Reply } from "@holdfast/client";
import type { ReactNode } from "react";
import { words } from "../words/index.ts";
import { Authorities } from "./authorities.tsx";
import { Demands } from "./demands.tsx";
import { SessionLimits } from "./session-limits.tsx";
import { Upkeep } from "./upkeep.tsx";

const own = words.security;

/** How this very platform protects what it holds, made from its running configuration. */
export function Security() {
  const org = useOrg();
  const { data } = useSuspenseQuery({
    queryKey: ["platform", org.id],
    queryFn: ({ signal }) => apiFor(org.id).call(routes.readPlatform, { signal }),
  });
  const { tls, keys, backups, mail, certificates, listeners, limits, folders, version, caPem } = data;
  return (
    <Page title={words.places.security} lead={own.lead}>
      <Section title={own.transport}>
        <Facts
          facts={[
            [own.minimum, tls.minimum],
            [own.groups, tls.groups.join(", ")],
            [own.suites, tls.suites.join(", ")],
            ...listeners.map(
              ({ protocol, port, transports }) =>
                [own.listener(protocol), `${port} · ${transports.join(", ")}`] as const,
            ),
          ]}
        />
      </Section>
      <Section title={own.certificates}>
        <Scroll label={own.certificates}>
          <table className="hf-table">
            <caption className="hf-visually-hidden">{own.certificates}</caption>
            <thead>
              <tr>
                <th scope="col">{own.what}</th>
                <th scope="col">{words.common.state}</th>
                <th scope="col">{own.since}</th>
                <th scope="col">{own.until}</th>
                <th scope="col">SHA-256</th>
              </tr>
            </thead>
            <tbody>
              {certificates.map(({ what, state, notBefore, notAfter, sha256 }) => (
                <tr key={sha256}>
                  <td>{own.whats[what]}</td>
                  <td>{own.states[state]}</td>
                  <td>
                    <Moment at={notBefore} />
                  </td>
                  <td>
                    <Moment at={notAfter} exactly />
                  </td>
                  <td>
                    <span className="hf-id">{sha256}</span>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </Scroll>
        {caPem !== undefined && (
          <div>
            <Button variant="default" onClick={() => save("ca.pem", "application/x-pem-file", caPem)}>
              {words.devices.adding.takeCa}
            </Button>
          </div>
        )}
      </Section>
      <Section title={own.keys}>
        {keys.besideData && (
          <Alert color="yellow" variant="outline" c="var(--hf-text)" title={own.besideData}>
            <Text fz="sm">{own.besideDataHint}</Text>
          </Alert>
        )}
        <Facts
          facts={[
            [own.place, own.places[keys.place]],
            [
              own.backedUp,
              keys.backedUpAt === undefined ? words.common.never : <Moment key="backup" at={keys.backedUpAt} exactly />,
            ],
            [
              own.dataBackedUp,
              backups?.lastAt === undefined ? words.common.never : <Moment key="data" at={backups.lastAt} exactly />,
            ],
            [
              own.backupEvery,
              backups?.everyHours === undefined ? own.backupByHand : own.backupHours(backups.everyHours),
            ],
            [own.newSince, String(keys.newSinceBackup)],
            [own.ofOrganisation, <Age key="organisation" of={keys.made.organisation} />],
            [own.root, <Age key="root" of={keys.made.root} />],
            [own.lasting, <Age key="lasting" of={keys.made.lasting} />],
            [own.passing, <Age key="passing" of={keys.made.passing} />],
            ...(folders === undefined
              ? []
              : ([
                  [own.dataFolder, <code key="data">{folders.data}</code>],
                  ...(folders.keys === undefined
                    ? []
                    : [[own.keysFolder, <code key="keys">{folders.keys}</code>] as const]),
                ] as const)),
          ]}
        />
      </Section>
      {mail && (
        <Section title={own.mail}>
          {mail.by === "file" && (
            <Alert color="yellow" variant="outline" c="var(--hf-text)" title={own.mailNone}>
              <Text fz="sm">{own.mailNoneHint}</Text>
            </Alert>
          )}
          {!mail.isTaken && (
            <Alert color="yellow" variant="outline" c="var(--hf-text)" title={own.mailAway}>
              <Text fz="sm">{own.mailAwayHint}</Text>
            </Alert>
          )}
          <Facts
            facts={[
              [own.mailBy, own.mailWays[mail.by]],
              [own.mailWaiting, String(mail.waiting)],
            ]}
          />
        </Section>
      )}
      <Section title={words.demands.title}>
        <Demands />
      </Section>
      <Section title={words.sessionLimits.title}>
        <SessionLimits />
      </Section>
      <Section title={own.authorities.title}>
        <Authorities />
      </Section>
      <Section title={own.secrets}>
        <Upkeep />
      </Section>
      <Section title={own.limits}>
        <Facts
          facts={[
            [own.maximumMessage, own.bytes(limits.maximumMessage)],
            [own.version, version],
          ]}
        />
      </Section>
    </Page>
  );
}

type Made = Reply<typeof routes.readPlatform>["keys"]["made"]["root"];

/** How old a key is. One from before the platform kept that is at least as old as it says. */
function Age({ of }: { readonly of: Made }) {
  if (of === undefined) return own.notKnown;
  return (
    <>
      {of.known === "exactly" ? own.made : own.madeBefore} <Moment at={of.at} />
    </>
  );
}

function Section({ title, children }: { readonly title: string; readonly children: ReactNode }) {
  return (
    <Stack gap="xs">
      <Title order={2} fz="lg">
        {title}
      </Title>
      {children}
    </Stack>
  );
}
