import { Button, Group as Row, NativeSelect, SegmentedControl, Stack, Text } from "@mantine/core";
import { routes, usageGroups, usageSteps } from "@holdfast/protocol";
import { useMutation } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useMemo } from "react";
import { apiFor, useList } from "../api/index.ts";
import { Chart } from "../chart/index.ts";
import {
  columnsOf,
  DataTable,
  Empty,
  EntityId,
  Listing,
  Moment,
  pathTo,
  PlainLink,
  ProblemNotice,
  useShown,
} from "../kit/index.ts";
import { Quotas } from "../quotas/index.ts";
import { useOrg } from "../session/index.ts";
import { words } from "../words/index.ts";
import { exportUsage } from "./export.ts";
import { UsageFrame } from "./frame.tsx";
import { counted, drawn, measures, mostLines, oneOf, type Group, type Measure, type Step } from "./measures.ts";

const own = words.usage;

/** The most that the platform tells at once. A large fleet has more by the hour: then the chart is shorter. */
const mostRows = 10_000;

const number = (value: number): string => value.toLocaleString("en");

const isMeasure = (text: string): text is Measure => Object.hasOwn(measures, text);

/** What was used, over time and as numbers, and how much of the plan that is. */
export function Usage() {
  const org = useOrg();
  const navigate = useNavigate();
  const shown = useShown();
  const every = oneOf(["day", ...usageSteps], shown.range);
  const by = oneOf(usageGroups, shown.by);
  const measure = shown.measure !== undefined && isMeasure(shown.measure) ? shown.measure : "messages";
  const list = useList(["usage", org.id, every, by], (cursor, signal) =>
    apiFor(org.id).call(routes.readUsage, { query: { cursor, every, by, limit: mostRows }, signal }),
  );
  const show = (next: { range?: string; by?: string; measure?: string }) =>
    void navigate({ to: ".", replace: true, search: { range: every, by, measure, ...next } });
  const after = list.more ? list.rows.at(-1)?.time : undefined;
  const { names, data } = useMemo(
    () => drawn(list.rows, { measure, by, every, now: Date.now(), after }),
    [list.rows, measure, by, every, after],
  );
  const isNothing = data.slice(1).every((line) => line.every((value) => value === 0));
  const times = data[0] ?? [];
  const columns = columnsOf<Step>([
    { id: "time", head: own.from, width: 200, cell: ({ time }) => <Moment at={time} exactly /> },
    ...(by === "organisation"
      ? []
      : [
          {
            id: "about",
            head: own.heads[by],
            width: 310,
            cell: ({ about }: Step) => <About by={by} id={about} org={org.id} />,
          },
        ]),
    ...counted.map((name) => ({
      id: name,
      head: own.counted[name],
      width: 120,
      grows: true as const,
      cell: (step: Step) => number(step[name]),
    })),
  ]);
  const exporting = useMutation({ mutationFn: () => exportUsage(org.id, { every, by }) });
  const download = (
    <Button variant="default" loading={exporting.isPending} onClick={() => exporting.mutate()}>
      {own.download}
    </Button>
  );
  return (
    <UsageFrame actions={download}>
      <Quotas />
      {exporting.error && <ProblemNotice error={exporting.error} />}
      <Stack gap="sm">
        <Row gap="md" align="flex-end">
          <SegmentedControl
            aria-label={own.step}
            value={every}
            data={usageSteps.map((step) => ({ value: step, label: own.steps[step] }))}
            onChange={(range) => show({ range })}
          />
          <NativeSelect
            label={own.by}
            value={by}
            data={usageGroups.map((group) => ({ value: group, label: own.groups[group] }))}
            onChange={(event) => show({ by: event.currentTarget.value })}
          />
          <NativeSelect
            label={own.measure}
            value={measure}
            data={Object.keys(measures)
              .filter(isMeasure)
              .map((one) => ({ value: one, label: own.names[one] }))}
            onChange={(event) => show({ measure: event.currentTarget.value })}
          />
        </Row>
        <Listing list={list} empty={<Empty>{own.empty}</Empty>}>
          {isNothing ? (
            <Empty>{own.none(own.names[measure])}</Empty>
          ) : (
            <Chart
              label={own.chart(own.names[measure])}
              lines={names.map((name) => ({ name: isCounted(name) ? own.counted[name] : name, unit: undefined }))}
              data={data}
              from={(times[0] ?? 0) * 1_000}
              to={(times.at(-1) ?? 0) * 1_000 + 1}
            />
          )}
          {names.length === mostLines && by !== "organisation" && <Text fz="sm">{own.mostOnly(mostLines)}</Text>}
          {after !== undefined && <Text fz="sm">{own.shorter(list.rows.length)}</Text>}
          <DataTable
            label={own.numbers}
            {...list}
            columns={columns}
            idOf={({ time, about = "" }) => `${time} ${about}`}
            nameOf={({ time, about = "" }) => `${time} ${about}`}
            height="480px"
          />
        </Listing>
      </Stack>
    </UsageFrame>
  );
}

/** Of whom it is, and the way to it. */
function About({ by, id, org }: { readonly by: Group; readonly id: string | undefined; readonly org: string }) {
  if (id === undefined) return words.common.none;
  if (by === "device") return <PlainLink href={pathTo("device", { org, device: id })}>{id}</PlainLink>;
  // What a browser shows is in no list of credentials.
  if (by === "credential" && !id.startsWith("ses_"))
    return <PlainLink href={pathTo("credential", { org, credential: id })}>{id}</PlainLink>;
  return <EntityId id={id} />;
}

const isCounted = (name: string): name is (typeof counted)[number] => counted.some((one) => one === name);
