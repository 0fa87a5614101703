import { routes } from "@holdfast/protocol";
import { Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { ranges, stepFor } from "../chart/index.ts";
import { Moment } from "../kit/index.ts";
import { words } from "../words/index.ts";
import { combined, type Summed } from "./combine.ts";
import { useBoard, type Board } from "./data.ts";
import type { Of } from "./of.ts";
import { said } from "./said.ts";

const own = words.dashboards;

/** One number, and how it was before. */
export function ValueWidget({ widget }: { readonly widget: Of<"value"> }) {
  const board = useBoard();
  const { device, attribute, aggregate, decimals, unit = "" } = widget;
  const newest = board.newest(device, attribute);
  const summed = aggregate === "last" || aggregate === "first" ? undefined : aggregate;
  const spans = useSpans(board, widget, summed ?? "avg", summed !== undefined || widget.compare);
  const value = summed ? spans.now : newest?.value;
  const span = own.ranges[widget.range];
  return (
    <div>
      <p className="hf-board-value">
        {said(value, decimals)} <small>{value === undefined ? "" : unit}</small>
      </p>
      <Text fz="xs" c="var(--hf-dim)" component="div">
        {board.deviceOf(device)?.name ?? device} · {attribute} ·{" "}
        {summed ? `${own.aggregates[aggregate]} ${own.of} ${span}` : <When at={newest?.time} />}
      </Text>
      {widget.compare && spans.before !== undefined && typeof value === "number" && (
        <p className="hf-board-trend">
          {trend(value - spans.before, { unit, decimals, by: own.aggregates[summed ?? "avg"], span })}
        </p>
      )}
    </div>
  );
}

const When = ({ at }: { readonly at: number | undefined }) =>
  at === undefined ? own.nothing : <Moment at={new Date(at).toISOString()} />;

/** In words, with a shape before them. */
function trend(
  change: number,
  told: { readonly unit: string; readonly decimals: number | undefined; readonly by: string; readonly span: string },
): string {
  const { unit, decimals, by, span } = told;
  const number = said(Math.abs(change), decimals);
  const amount = unit === "" ? number : `${number} ${unit}`;
  if (Number(number) === 0) return own.same(by, span);
  return change > 0 ? own.more(amount, by, span) : own.less(amount, by, span);
}

/** What was measured in the span of time that ends now, and in the one before it, each as one number. */
function useSpans(
  { client, key, begun }: Board,
  { device, attribute, range }: Of<"value">,
  by: Summed,
  isAsked: boolean,
): { readonly now: number | undefined; readonly before: number | undefined } {
  const span = ranges[range];
  const step = stepFor(span, 60);
  const { data } = useQuery({
    queryKey: ["dashboard-value", key, device, attribute, range, by, begun],
    queryFn: async ({ signal }) => {
      const now = Math.ceil(Date.now() / step.milliseconds) * step.milliseconds;
      const aggregates = by === "avg" ? "avg,count" : `${by},count`;
      const query = {
        attribute,
        from: String(now - 2 * span),
        every: step.every,
        aggregate: aggregates,
        limit: 10_000,
      };
      const { items } = await client.call(routes.readTelemetry, { params: { device }, query, signal });
      const isBefore = ({ time }: { readonly time: string }) => Date.parse(time) < now - span;
      return {
        now: combined(
          items.filter((item) => !isBefore(item)),
          by,
        ),
        before: combined(items.filter(isBefore), by),
      };
    },
    enabled: isAsked,
    refetchInterval: 15_000,
  });
  return data ?? { now: undefined, before: undefined };
}
