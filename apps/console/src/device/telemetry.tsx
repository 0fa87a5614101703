import { Checkbox, Group, SegmentedControl, Stack, Switch, Text } from "@mantine/core";
import { useViewportSize } from "@mantine/hooks";
import { routes } from "@holdfast/protocol";
import { keepPreviousData, queryOptions, useQueries, useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useEffect, useMemo, useState } from "react";
import { apiFor, queryClient } from "../api/index.ts";
import { aligned, Chart, parseRange, ranges, spacing, stepFor, type Bucket, type RangeName } from "../chart/index.ts";
import { columnsOf, DataTable, Empty, Moment, ProblemNotice, Slow, useShown } from "../kit/index.ts";
import { useOrg } from "../session/index.ts";
import { words } from "../words/index.ts";
import { Export } from "./export.tsx";
import { DeviceFrame, useDevice, type Device } from "./frame.tsx";
import { useLive } from "../live/index.ts";

const own = words.device.telemetry;

/** What a device measured: live and long ago, several attributes at once, as lines and as numbers. */
export function DeviceTelemetry() {
  const device = useDevice();
  return (
    <DeviceFrame device={device}>
      <Measured device={device} />
    </DeviceFrame>
  );
}

function Measured({ device }: { readonly device: Device }) {
  const org = useOrg();
  const navigate = useNavigate();
  const { range: wanted, attributes: chosen } = useShown();
  const range = parseRange(wanted);
  const api = apiFor(org.id);
  const latest = useQuery({
    queryKey: ["latest", org.id, device.id],
    queryFn: ({ signal }) => api.call(routes.readLatest, { params: { device: device.id }, signal }),
    refetchInterval: 15_000,
  });
  const units = useUnits(device);
  const known = useMemo(() => latest.data?.items ?? [], [latest.data]);
  const numbers = useMemo(() => known.filter(({ value }) => isDrawn(value)).map(({ attribute }) => attribute), [known]);
  const shown = useMemo(() => {
    const asked = chosen?.split(",").filter((name) => numbers.includes(name)) ?? [];
    return asked.length > 0 ? asked : numbers.slice(0, 3);
  }, [chosen, numbers]);
  const choose = (next: { range?: RangeName; attributes?: readonly string[] }) =>
    void navigate({
      to: ".",
      replace: true,
      search: { range: next.range ?? range, attributes: (next.attributes ?? shown).join(",") },
    });

  const { width } = useViewportSize();
  const [now, setNow] = useState(Date.now);
  const [isFollowing, setFollowing] = useState(true);
  const span = ranges[range];
  const step = stepFor(span, Math.max(200, Math.min(width, 1_600)));
  useEffect(() => {
    if (!isFollowing) return undefined;
    const timer = setInterval(() => setNow(Date.now()), Math.max(1_000, step.milliseconds));
    return () => clearInterval(timer);
  }, [isFollowing, step.milliseconds]);
  // The history is asked for from whole steps on, so that moving on by a second asks nothing again.
  const from = Math.floor((now - span) / step.milliseconds) * step.milliseconds;
  const askedFrom = Math.floor((now - span) / (span / 4)) * (span / 4);

  const histories = useQueries({
    queries: shown.map((attribute) => historyQuery(org.id, device.id, attribute, askedFrom, step.milliseconds)),
  });
  const live = useLive(org.id, device.id);
  // Between the history that was asked for and the stream that began nothing may be missed: it is asked once more.
  useEffect(() => {
    if (live.begun > 0) void queryClient.invalidateQueries({ queryKey: ["history", org.id, device.id] });
  }, [live.begun, org.id, device.id]);
  const arrived = useMemo(() => {
    const fresh = new Map<string, Arrived[]>();
    for (const event of live.events) {
      if (event.type !== "reading") continue;
      for (const [name, value] of Object.entries(event.data.values)) {
        if (!isDrawn(value)) continue;
        const points = fresh.get(name) ?? [];
        points.push({ ...pointOf(Date.parse(event.data.time), Number(value)), heardAt: event.heardAt });
        fresh.set(name, points);
      }
    }
    return fresh;
  }, [live.events]);

  const lines = shown.map((attribute, at) => together(histories[at], arrived.get(attribute) ?? [], from));
  const data = aligned(lines, Math.max(step.milliseconds, spacing(lines)));
  // What is drawn stays while the platform is away: the page says since when.
  const error = latest.data ? histories.find((one) => one.error && !one.data)?.error : latest.error;
  if (latest.isPending) return <Slow />;
  if (error) return <ProblemNotice error={error} retry={() => void latest.refetch()} />;
  if (known.length === 0) return <Empty>{words.device.noReadings}</Empty>;
  const isLoading = histories.some(({ isPending }) => isPending);
  return (
    <Stack gap="sm">
      <Group gap="md">
        <SegmentedControl
          aria-label={own.range}
          value={range}
          data={Object.keys(ranges)}
          onChange={(value) => choose({ range: parseRange(value) })}
        />
        <Switch
          label={own.follow}
          checked={isFollowing}
          onChange={(event) => setFollowing(event.currentTarget.checked)}
        />
        <Export device={device} attributes={known.map(({ attribute }) => attribute)} shown={shown} from={now - span} />
      </Group>
      <Checkbox.Group label={own.attributes} value={[...shown]} onChange={(names) => choose({ attributes: names })}>
        <Group gap="md" mt={4}>
          {numbers.map((name) => (
            <Checkbox key={name} value={name} label={name} />
          ))}
        </Group>
      </Checkbox.Group>
      {isLoading && <Slow />}
      {shown.length === 0 ? (
        <Empty>{own.onlyText}</Empty>
      ) : (
        <Chart
          label={own.chart(shown.join(", "))}
          lines={shown.map((name) => ({ name, unit: units.get(name) }))}
          data={data}
          from={from}
          to={now}
        />
      )}
      <Text fz="xs" c="var(--hf-dim)">
        {own.resolution(step.every)}
      </Text>
      <Numbers lines={lines} names={shown} />
    </Stack>
  );
}

/** What can be a line: texts, locations and JSON are on the overview. */
const isDrawn = (value: unknown): boolean => typeof value === "number" || typeof value === "boolean";

/** The newest numbers of each line, for whoever wants digits or cannot see the lines. */
function Numbers({
  lines,
  names,
}: {
  readonly lines: readonly (readonly Bucket[])[];
  readonly names: readonly string[];
}) {
  const rows = useMemo(
    () =>
      lines
        .flatMap((line, at) => line.map((bucket) => ({ name: names[at] ?? "", ...bucket })))
        .sort((a, b) => b.time - a.time)
        .slice(0, 2_000)
        .map((row, number) => ({ ...row, number })),
    [lines, names],
  );
  const columns = columnsOf<(typeof rows)[number]>([
    {
      id: "time",
      head: words.device.time,
      width: 220,
      cell: ({ time }) => <Moment at={new Date(time).toISOString()} exactly />,
    },
    { id: "name", head: words.device.attribute, width: 140, grows: true, cell: ({ name }) => name },
    { id: "value", head: words.device.value, width: 140, cell: ({ avg }) => shortest(avg) },
  ]);
  if (rows.length === 0) return <Empty>{own.nothingInRange}</Empty>;
  return (
    <DataTable
      label={own.numbers}
      rows={rows}
      columns={columns}
      idOf={({ number }) => String(number)}
      nameOf={({ name }) => name}
      height="320px"
    />
  );
}

const shortest = (value: number): string => String(Number(value.toPrecision(7)));

type Arrived = Bucket & { readonly heardAt: number };
type History = { readonly data: readonly Bucket[] | undefined; readonly dataUpdatedAt: number };

/** What came shortly before the history was read may not be in it, in milliseconds. Shown twice it is the same line. */
const overlap = 2_000;

/** What the history knows, and what came since it was read. */
function together(past: History | undefined, fresh: readonly Arrived[], from: number): readonly Bucket[] {
  const since = fresh.filter(({ heardAt }) => heardAt > (past?.dataUpdatedAt ?? 0) - overlap);
  return [...(past?.data ?? []), ...since].filter(({ time }) => time >= from).sort((a, b) => a.time - b.time);
}

const historyQuery = (org: string, device: Device["id"], attribute: string, from: number, step: number) =>
  queryOptions({
    queryKey: ["history", org, device, attribute, from, step],
    queryFn: ({ signal }) => history(org, device, attribute, from, step, signal),
    staleTime: Infinity,
    // The lines stay while the next ones come.
    placeholderData: keepPreviousData,
  });

async function history(
  org: string,
  device: Device["id"],
  attribute: string,
  from: number,
  step: number,
  signal: AbortSignal,
): Promise<readonly Bucket[]> {
  // Whole columns, so that one of them is as long as a step and sums of quarter hours do where they can.
  const to = Math.ceil(Date.now() / step) * step;
  const first = Math.floor(from / step) * step;
  const body = {
    devices: [device],
    attributes: [attribute],
    from: first,
    to,
    width: Math.max(10, (to - first) / step),
  };
  const { series } = await apiFor(org).call(routes.queryTelemetry, { body, signal });
  return (series[0]?.items ?? []).map(({ time, value }) => pointOf(Date.parse(time), Number(value)));
}

/** A point is its own mean, least and greatest. */
const pointOf = (time: number, value: number): Bucket => ({ time, avg: value, min: value, max: value });

function useUnits(device: Device): ReadonlyMap<string, string | undefined> {
  const org = useOrg();
  const { product } = device;
  const { data } = useQuery({
    queryKey: ["product", org.id, product],
    queryFn: ({ signal }) => apiFor(org.id).call(routes.readProduct, { params: { product: product ?? "" }, signal }),
    enabled: product !== undefined,
  });
  return new Map(Object.entries(data?.attributes ?? {}).map(([name, { unit }]) => [name, unit]));
}
