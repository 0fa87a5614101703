import { Text } from "@mantine/core";
import { routes } from "@holdfast/protocol";
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useMemo, type ReactNode } from "react";
import { apiFor, everyPage } from "../api/index.ts";
import { Listing, paths, pathTo, PlainLink, ProblemNotice, Slow } from "../kit/index.ts";
import { marksOf, placesIn, WorldMap } from "../map/index.ts";
import { useCan } from "../session/index.ts";
import { words } from "../words/index.ts";
import type { Filter } from "./filter.ts";

const own = words.devices;
const refresh = 15_000; // milliseconds
/** As many names are listed below; more are found by the filter. */
const mostListed = 200;

/** Where the devices are that a filter finds: all of them, not a page. */
export function DeviceMap({
  org,
  filter,
  empty,
}: {
  readonly org: string;
  readonly filter: Filter;
  readonly empty: ReactNode;
}) {
  const navigate = useNavigate();
  const can = useCan();
  const api = apiFor(org);
  const found = useQuery({
    queryKey: ["devices-on-map", org, filter],
    queryFn: ({ signal }) =>
      everyPage((cursor) => api.call(routes.listDevices, { query: { ...filter, cursor, limit: 1_000 }, signal })),
    refetchInterval: refresh,
  });
  const latest = useQuery({
    queryKey: ["places-on-map", org, filter.application, filter.product],
    queryFn: async ({ signal }) => {
      const products = await everyPage((cursor) => api.call(routes.listProducts, { query: { cursor }, signal }));
      const { application, product } = filter;
      const body = { attributes: placesIn(products), application, product };
      return (await api.call(routes.readLatestOfMany, { body, signal })).items;
    },
    refetchInterval: refresh,
    enabled: can("telemetry.read"),
  });
  const devices = found.data;
  const marks = useMemo(() => marksOf(devices ?? [], latest.data ?? []), [devices, latest.data]);
  if (!can("telemetry.read")) return <Text>{words.common.notAllowed("telemetry.read")}</Text>;
  const list = { ...found, rows: devices ?? [], retry: () => void found.refetch() };
  return (
    <Listing list={list} empty={empty}>
      {latest.isPending && <Slow />}
      {latest.error && <ProblemNotice error={latest.error} retry={() => void latest.refetch()} />}
      {latest.data && marks.length === 0 && <Text maw={640}>{own.noPlaces}</Text>}
      {marks.length > 0 && (
        <>
          <div className="hf-map-page">
            <WorldMap
              title={words.places.devices}
              marks={marks}
              choose={({ id }) => void navigate({ to: paths.device, params: { org, device: id } })}
            />
          </div>
          <details>
            <summary>
              {`${words.map.places}: ${marks.length}`}
              {list.rows.length > marks.length && ` · ${words.map.unplaced(list.rows.length - marks.length)}`}
            </summary>
            <ul>
              {marks.slice(0, mostListed).map(({ id, name, x, y, isOnline }) => (
                <li key={id}>
                  <PlainLink href={pathTo("device", { org, device: id })}>{name}</PlainLink>
                  {` ${(-y).toFixed(4)}, ${x.toFixed(4)} · ${words.state[isOnline === true ? "online" : "offline"]}`}
                </li>
              ))}
            </ul>
            {marks.length > mostListed && <Text fz="sm">{own.morePlaces(marks.length - mostListed)}</Text>}
            <Text fz="xs" c="var(--hf-dim)">
              {words.map.outline}
            </Text>
          </details>
        </>
      )}
    </Listing>
  );
}
