import { routes } from "@holdfast/protocol";
import { useElementSize } from "@mantine/hooks";
import { keepPreviousData, useQueries } from "@tanstack/react-query";
import { useEffect, useMemo, useState } from "react";
import { aligned, Chart, ranges, spacing, stepFor, type Bucket } from "../chart/index.ts";
import { Moment, Scroll } from "../kit/index.ts";
import { words } from "../words/index.ts";
import { useBoard } from "./data.ts";
import { Nothing } from "./nothing.tsx";
import { titleOf, type Of } from "./of.ts";
import { said } from "./said.ts";

const own = words.dashboards;
const mostLines = 12;
/** What came shortly before the history was read may not be in it, in milliseconds. */
const overlap = 2_000;
/** Pixels of the legend and what is below it; where it is narrow each line of the chart is a line of the legend. */
const besideOf = (width: number, lines: number): number => (width < 480 ? 84 + 24 * Math.min(lines, 6) : 84);

type Line = {
  readonly device: string;
  readonly attribute: string;
  readonly name: string;
  readonly unit: string | undefined;
};

/** Lines over the last hour, day or month, that go on as it is measured. */
export function LineWidget({ widget }: { readonly widget: Of<"line"> }) {
  const { client, key, devicesOf, arrived, begun } = useBoard();
  const { ref, width, height } = useElementSize();
  const span = ranges[widget.range];
  const step = stepFor(span, Math.max(100, Math.min(width || 600, 1_200)));
  const now = useNow(Math.max(1_000, Math.min(step.milliseconds, 60_000)));
  const lines = useMemo(
    (): readonly Line[] =>
      widget.lines
        .flatMap(({ attribute, label, unit }, at) => {
          const devices = devicesOf(widget.id, at);
          const named = label === undefined ? attribute : label;
          return devices.map(({ id, name }) => ({
            device: id as string,
            attribute,
            name: label !== undefined && devices.length === 1 ? named : `${name} · ${named}`,
            unit,
          }));
        })
        .slice(0, mostLines),
    [widget, devicesOf],
  );
  const by = widget.aggregate;
  // The history is asked for from whole quarters of the span on, so that moving on by a second asks nothing again.
  const askedFrom = Math.floor((now - span) / (span / 4)) * (span / 4);
  const histories = useQueries({
    queries: lines.map(({ device, attribute }) => ({
      queryKey: ["dashboard-line", key, device, attribute, askedFrom, step.every, by, begun],
      queryFn: async ({ signal }: { signal: AbortSignal }): Promise<readonly Bucket[]> => {
        const query = { attribute, from: String(askedFrom), every: step.every, aggregate: by, limit: 10_000 };
        const { items } = await client.call(routes.readTelemetry, { params: { device }, query, signal });
        return items.map((item) => {
          const value = Number(item[by]);
          return { time: Date.parse(item.time), avg: value, min: value, max: value };
        });
      },
      staleTime: Number.POSITIVE_INFINITY,
      placeholderData: keepPreviousData,
    })),
  });
  const from = now - span;
  const drawn = lines.map(({ device, attribute }, at) => {
    const past = histories[at];
    const fresh = arrived.flatMap((one): Bucket[] => {
      if (one.device !== device || one.attribute !== attribute || typeof one.value === "string") return [];
      if (one.heardAt <= (past?.dataUpdatedAt ?? 0) - overlap) return [];
      const value = Number(one.value);
      return Number.isFinite(value) ? [{ time: one.time, avg: value, min: value, max: value }] : [];
    });
    // What counts or adds up readings of a step is not one reading.
    const isOfReadings = by === "avg" || by === "min" || by === "max";
    return [...(past?.data ?? []), ...(isOfReadings ? fresh : [])]
      .filter(({ time }) => time >= from)
      .sort((a, b) => a.time - b.time);
  });
  const newest = Math.min(now + span, Math.max(0, ...drawn.map((line) => line.at(-1)?.time ?? 0)));
  const title = titleOf(widget);
  return (
    <div ref={ref} className="hf-board-fill">
      {lines.length === 0 ? (
        <Nothing>{own.nobody}</Nothing>
      ) : (
        <>
          <Chart
            label={`${title}: ${lines.map(({ name }) => name).join(", ")}`}
            lines={lines.map(({ name, unit }) => ({ name, unit }))}
            data={aligned(drawn, Math.max(step.milliseconds, spacing(drawn)))}
            from={from}
            to={Math.max(now, newest)}
            height={Math.max(100, (height || 260) - besideOf(width, lines.length))}
          />
          <details className="hf-board-numbers">
            <summary>{own.showNumbers}</summary>
            <Numbers lines={lines} drawn={drawn} title={title} />
          </details>
        </>
      )}
    </div>
  );
}

/** The newest numbers of each line, for whoever wants digits or cannot see the lines. */
function Numbers({
  lines,
  drawn,
  title,
}: {
  readonly lines: readonly Line[];
  readonly drawn: readonly (readonly Bucket[])[];
  readonly title: string;
}) {
  const rows = drawn
    .flatMap((line, at) => line.slice(-100).map(({ time, avg }) => ({ time, avg, line: lines[at] })))
    .sort((a, b) => b.time - a.time)
    .slice(0, 200);
  return (
    <Scroll label={own.numbersOf(title)}>
      <table className="hf-table">
        <thead>
          <tr>
            <th scope="col">{own.measured}</th>
            <th scope="col">{own.line}</th>
            <th scope="col">{words.dashboards.types.value}</th>
          </tr>
        </thead>
        <tbody>
          {rows.map(({ time, avg, line }) => (
            <tr key={`${time} ${line?.device} ${line?.attribute}`}>
              <td>
                <Moment at={new Date(time).toISOString()} exactly />
              </td>
              <td>{line?.name}</td>
              <td>
                {said(avg)} {line?.unit ?? ""}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  );
}

function useNow(every: number): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), every);
    return () => clearInterval(timer);
  }, [every]);
  return now;
}
