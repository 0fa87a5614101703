import { Button, Group, NativeSelect, SegmentedControl, Stack } from "@mantine/core";
import { routes, usageGroups, usageSteps } from "@holdfast/protocol";
import { useNavigate } from "@tanstack/react-router";
import { useMemo } from "react";
import { apiFor, useList } from "../api/index.ts";
import { Chart } from "../chart/index.ts";
import { columnsOf, DataTable, Empty, EntityId, Listing, Moment, save, useShown } from "../kit/index.ts";
import { Quotas } from "../quotas/index.ts";
import { useOrg } from "../session/index.ts";
import { words } from "../words/index.ts";
import { UsageFrame } from "./frame.tsx";
import { drawn, measures, oneOf, type Measure, type Step } from "./measures.ts";

const own = words.usage;

const number = (value: number): string => value.toLocaleString("en");
const counted = ["connections", "messagesIn", "messagesOut", "bytesIn", "bytesOut", "requests", "points"] as const;

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
    apiFor(org.id).call(routes.readUsage, { query: { cursor, every, by }, signal }),
  );
  const show = (next: { range?: string; by?: string; measure?: string }) =>
    void navigate({ to: ".", replace: true, search: { range: every, by, measure, ...next } });
  const { names, data } = useMemo(
    () => drawn(list.rows, { measure, by, every, now: Date.now() }),
    [list.rows, measure, by, every],
  );
  const times = data[0] ?? [];
  const columns = columnsOf<Step>([
    { id: "time", head: own.from, width: 200, cell: ({ time }) => <Moment at={time} exactly /> },
    ...(by === "organisation"
      ? []
      : [
          {
            id: "about",
            head: own.heads[by],
            width: 290,
            cell: ({ about }: Step) => (about === undefined ? words.common.none : <EntityId id={about} />),
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
  const download = (
    <Button
      variant="default"
      onClick={() => {
        const head = ["time", "about", ...counted];
        const rows = list.rows.map((step) => [step.time, step.about ?? "", ...counted.map((name) => step[name])]);
        // Times, ids and numbers: nothing in it needs a quote.
        save("usage.csv", "text/csv", [head, ...rows].map((row) => `${row.join(",")}\r\n`).join(""));
      }}
    >
      {own.download}
    </Button>
  );
  return (
    <UsageFrame actions={download}>
      <Quotas />
      <Stack gap="sm">
        <Group gap="md" align="flex-end">
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
        </Group>
        <Listing list={list} empty={<Empty>{own.empty}</Empty>}>
          <Chart
            label={own.chart(own.names[measure])}
            lines={names.map((name) => ({ name: isCounted(name) ? own.counted[name] : name, unit: undefined }))}
            data={data}
            from={(times[0] ?? 0) * 1_000}
            to={(times.at(-1) ?? 0) * 1_000 + 1}
          />
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

const isCounted = (name: string): name is (typeof counted)[number] => counted.some((one) => one === name);
