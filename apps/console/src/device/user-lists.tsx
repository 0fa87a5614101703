import { Group, Stack, Text, Title } from "@mantine/core";
import type { Reply } from "@holdfast/client";
import { routes } from "@holdfast/protocol";
import { useQuery } from "@tanstack/react-query";
import { apiFor } from "../api/index.ts";
import { Empty, EntityId, Moment, ProblemNotice, Scroll } from "../kit/index.ts";
import { useOrg } from "../session/index.ts";
import { words } from "../words/index.ts";

type Entry = Reply<typeof routes.listDeviceUserEntries>["items"][number];
const own = words.userLists;
const columns = words.lists;
const heads = [
  columns.list,
  columns.what,
  columns.value,
  columns.comment,
  own.about,
  columns.hits,
  columns.lastHit,
  columns.expires,
];
const everySeconds = 10_000; // hits go up by themselves

/** What the customer whose a device is lets reach it, and what not: to be read, for it is hers. */
export function UserLists({ device, user }: { readonly device: string; readonly user: string }) {
  const org = useOrg();
  const { data, error } = useQuery({
    queryKey: ["user-lists", org.id, device, user],
    queryFn: ({ signal }) => apiFor(org.id).call(routes.listDeviceUserEntries, { params: { device }, signal }),
    refetchInterval: everySeconds,
  });
  return (
    <Stack gap="sm">
      <Title order={2} fz="lg">
        {own.title(data?.items.length)}
      </Title>
      <Text fz="sm" c="var(--hf-dim)">
        {own.lead}
      </Text>
      <Group gap="xs" fz="sm">
        {own.whose}
        <EntityId id={user} />
      </Group>
      {error && !data && <ProblemNotice error={error} />}
      {data && (data.items.length === 0 ? <Empty>{own.empty}</Empty> : <Entries entries={data.items} />)}
    </Stack>
  );
}

function Entries({ entries }: { readonly entries: readonly Entry[] }) {
  return (
    <Scroll label={own.label}>
      <table className="hf-table">
        <caption className="hf-visually-hidden">{own.label}</caption>
        <thead>
          <tr>
            {heads.map((head) => (
              <th key={head} scope="col">
                {head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {entries.map(({ id, list, what, value, comment, device, hits, lastHitAt, expiresAt }) => (
            <tr key={id} title={id}>
              <td>{columns.names[list]}</td>
              <td>{own.whats[what]}</td>
              <td>{value}</td>
              <td style={{ whiteSpace: "normal", minWidth: 200 }}>{comment}</td>
              <td>{device === undefined ? own.abouts.all : own.abouts.device}</td>
              <td>{hits}</td>
              <td>{lastHitAt === undefined ? words.common.never : <Moment at={lastHitAt} />}</td>
              <td>{expiresAt === undefined ? words.common.never : <Moment at={expiresAt} />}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  );
}
