import { List, Stack, Text } from "@mantine/core";
import type { Reply } from "@holdfast/client";
import { routes } from "@holdfast/protocol";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { apiFor } from "../api/index.ts";
import { paths, ProblemNotice } from "../kit/index.ts";
import { useOrg } from "../session/index.ts";
import { kindWord, words } from "../words/index.ts";

const own = words.revoking;
const mostShown = 12;

/** What a revocation would end at this moment; asked again while one thinks about it, because connections come and go. */
export function WhatEnds({ credential }: { readonly credential: string }) {
  const org = useOrg();
  const { data, error } = useQuery({
    queryKey: ["what-ends", org.id, credential],
    queryFn: ({ signal }) => apiFor(org.id).call(routes.previewRevocation, { params: { credential }, signal }),
    refetchInterval: 2_000,
  });
  if (error) return <ProblemNotice error={error} />;
  if (!data) return <Text fz="sm">{words.common.loading}</Text>;
  return <Ending ends={data} also={own.alsoEnds} none={own.open} />;
}

/** The same of all that is under something: a thing's id, or `tag:KEY=VALUE`. */
export function WhatEndsUnder({ about, ends }: { readonly about: string; readonly ends: readonly string[] }) {
  const org = useOrg();
  const { data, error } = useQuery({
    queryKey: ["what-ends-under", org.id, about, ends],
    queryFn: ({ signal }) =>
      apiFor(org.id).call(routes.previewRevocationUnder, { query: { about, ends: ends.join(",") }, signal }),
    refetchInterval: 2_000,
    retry: false,
  });
  if (error) return <ProblemNotice error={error} />;
  if (!data) return <Text fz="sm">{words.common.loading}</Text>;
  return <Ending ends={data} also={own.manyEnd} none={own.openOfMany} />;
}

/** What ends, or is refused: credentials, connections, and the devices behind them. */
export function Ending({
  ends: { credentials, connections, devices },
  also,
  none,
}: {
  readonly ends: Reply<typeof routes.previewRevocation>;
  readonly also: (count: number) => string;
  readonly none: (connections: Reply<typeof routes.previewRevocation>["connections"]) => string;
}) {
  const named = devices.items.slice(0, mostShown);
  return (
    <Stack gap="xs" aria-live="polite">
      {credentials.count > 0 && (
        <>
          <Text fz="sm">{also(credentials.count)}</Text>
          <List size="sm">
            {credentials.items.slice(0, mostShown).map(({ id, kind, name }) => (
              <List.Item key={id}>
                {name || id} ({kindWord(kind)})
              </List.Item>
            ))}
          </List>
        </>
      )}
      <Text fz="sm">{none(connections)}</Text>
      {devices.count > 0 && (
        <>
          <Text fz="sm">{own.devices(devices.count, named.length)}</Text>
          <List size="sm">
            {named.map((device) => (
              <List.Item key={device}>
                <DeviceLink id={device} />
              </List.Item>
            ))}
          </List>
        </>
      )}
    </Stack>
  );
}

/** By its name, which the answer does not have: names are for who may read the device. */
function DeviceLink({ id }: { readonly id: string }) {
  const org = useOrg();
  const { data } = useQuery({
    queryKey: ["device", org.id, id],
    queryFn: ({ signal }) => apiFor(org.id).call(routes.readDevice, { params: { device: id }, signal }),
  });
  return (
    <Link to={paths.device} params={{ org: org.id, device: id }}>
      {data?.name ?? id}
    </Link>
  );
}
