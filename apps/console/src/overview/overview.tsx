import { Alert, Card, SimpleGrid, Stack, Text, Title } from "@mantine/core";
import type { Reply } from "@holdfast/client";
import { routes } from "@holdfast/protocol";
import { useQuery, useSuspenseQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { apiFor } from "../api/index.ts";
import { Empty, Moment, Page, paths, ProblemNotice, Scroll, Slow, Press } from "../kit/index.ts";
import type { ReactNode } from "react";
import { sessionQuery, useCan, useOrg } from "../session/index.ts";
import { QuotaFindings } from "../quotas/index.ts";
import { entryWord, words } from "../words/index.ts";
import { Posture } from "./posture.tsx";

const own = words.overview;

/** How everything is, and what to do next. */
export function Overview() {
  const org = useOrg();
  const can = useCan();
  const navigate = useNavigate();
  const api = apiFor(org.id);
  const { data, error, refetch } = useQuery({
    queryKey: ["summary", org.id],
    queryFn: ({ signal }) => api.call(routes.summariseDevices, { signal }),
    refetchInterval: 5_000,
  });
  const add = (
    <Press
      why={can("device.create") ? undefined : words.common.notAllowed("device.create")}
      onClick={() => void navigate({ to: paths.addDevice, params: { org: org.id } })}
    >
      {words.devices.add}
    </Press>
  );
  return (
    <Page title={words.places.overview} actions={add}>
      <Findings />
      <QuotaFindings />
      {error && <ProblemNotice error={error} retry={() => void refetch()} />}
      {!data && !error && <Slow />}
      {data?.total === 0 && <Empty next={<Next add={add} />}>{words.devices.empty}</Empty>}
      {data !== undefined && data.total > 0 && (
        <SimpleGrid cols={{ base: 2, sm: 4 }}>
          {shownOf(data).map((state) => (
            <Card key={state} withBorder bg="var(--hf-raised)" p="md">
              <Link to={paths.devices} params={{ org: org.id }} search={{ q: `status:${state}` }}>
                <Text component="span" fz="xl" fw={700} display="block">
                  {data[state]}
                </Text>
                {words.state[state]}
              </Link>
            </Card>
          ))}
        </SimpleGrid>
      )}
      {can("device.read") && <Posture />}
      {can("audit.read") && <Recent />}
    </Page>
  );
}

const always = ["online", "offline", "suspended", "retired"] as const;
const troubles = ["silent", "notReceiving", "flapping"] as const;

/** What is wrong with devices is shown as long as there are any: they are among those that are online or offline, too. */
const shownOf = (counts: Reply<typeof routes.summariseDevices>) => [
  ...always,
  ...troubles.filter((state) => counts[state] > 0),
];

/** A first device, or what there is to see before one has any. */
function Next({ add }: { readonly add: ReactNode }) {
  const { data } = useSuspenseQuery(sessionQuery);
  const simulated = data.orgs.find(({ isSimulated }) => isSimulated);
  return (
    <>
      {add}
      {simulated && (
        <Link to={paths.overview} params={{ org: simulated.id }}>
          {own.toSimulation}
        </Link>
      )}
    </>
  );
}

/** What of the platform itself wants looking after: a disk without room, and copies without which a broken disk is the end of keys and data. */
function Findings() {
  const org = useOrg();
  const { data } = useQuery({
    queryKey: ["platform", org.id],
    queryFn: ({ signal }) => apiFor(org.id).call(routes.readPlatform, { signal }),
    refetchInterval: 10_000,
  });
  return (
    <>
      {(data ? [...fullOf(data), ...lacking(data)] : []).map(({ title, hint, color = "yellow" }) => (
        <Alert key={title} color={color} variant="outline" title={title} c="var(--hf-text)">
          <Text fz="sm">{hint}</Text>
        </Alert>
      ))}
    </>
  );
}

type Finding = { readonly title: string; readonly hint: string; readonly color?: "red" };

function fullOf({ storage }: Reply<typeof routes.readPlatform>): readonly Finding[] {
  if (storage?.isFull) return [{ title: own.full, hint: own.fullHint, color: "red" }]; // which holds up moves, too
  return storage?.isMoveHeldUp ? [{ title: own.moveHeldUp, hint: own.moveHeldUpHint }] : [];
}

/** The keys first: without them a backup of the data is noise. */
function lacking({ keys, backups }: Reply<typeof routes.readPlatform>): readonly Finding[] {
  if (keys.backedUpAt === undefined) return [{ title: own.noBackup, hint: own.backupHint }];
  const ofKeys = keys.stale === undefined ? [] : [{ title: own.staleBackup[keys.stale], hint: own.backupHint }];
  if (backups?.isLate) return [...ofKeys, { title: own.lateBackup, hint: own.lateBackupHint }];
  const isNever = backups !== undefined && backups.lastAt === undefined;
  return isNever ? [...ofKeys, { title: own.noDataBackup, hint: own.dataBackupHint }] : ofKeys;
}

function Recent() {
  const org = useOrg();
  const { data } = useQuery({
    queryKey: ["audit-recent", org.id],
    queryFn: ({ signal }) => apiFor(org.id).call(routes.listAudit, { query: { limit: 12 }, signal }),
    refetchInterval: 10_000,
  });
  if (!data) return null;
  return (
    <Stack gap="xs">
      <Title order={2} fz="lg">
        {own.recent}
      </Title>
      <Scroll label={own.recent}>
        <table className="hf-table">
          <caption className="hf-visually-hidden">{own.recent}</caption>
          <thead>
            <tr>
              <th scope="col">{words.audit.time}</th>
              <th scope="col">{words.audit.what}</th>
              <th scope="col">{words.audit.about}</th>
            </tr>
          </thead>
          <tbody>
            {data.items.map(({ id, time, what, about }) => (
              <tr key={id}>
                <td>
                  <Moment at={time} />
                </td>
                <td title={what} style={{ whiteSpace: "normal" }}>
                  {entryWord(what)}
                </td>
                <td>
                  <Link to={paths.audit} params={{ org: org.id }} search={{ q: about }}>
                    <span className="hf-id">{about}</span>
                  </Link>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
    </Stack>
  );
}
