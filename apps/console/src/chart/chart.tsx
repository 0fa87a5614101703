import "uplot/dist/uPlot.min.css";
import { useComputedColorScheme } from "@mantine/core";
import { useElementSize } from "@mantine/hooks";
import { useEffect, useRef } from "react";
import UPlot, { type AlignedData, type Options } from "uplot";
import { lines as lineColours, scheme as schemes, useTimeZone } from "../kit/index.ts";

type Line = { readonly name: string; readonly unit: string | undefined };

const dashes: readonly (number[] | undefined)[] = [undefined, [8, 4], [2, 3], [10, 3, 2, 3]];
const usualHeight = 320; // pixels

const date = "\n{YYYY}-{MM}-{DD}";
/** What stands at a mark of the axis: from which distance of two marks on (in seconds), the text, and what is added in another year, month, day, hour, minute, second. */
const moments = [
  [365 * 86_400, "{YYYY}", null, null, null, null, null, null, 1],
  [28 * 86_400, "{YYYY}-{MM}", null, null, null, null, null, null, 1],
  [86_400, "{MM}-{DD}", "\n{YYYY}", null, null, null, null, null, 1],
  [60, "{HH}:{mm}", date, null, date, null, null, null, 1],
  [0.001, "{HH}:{mm}:{ss}", date, null, date, null, null, null, 1],
] as const;

/** Lines over one axis of time. `data` as `aligned` makes it. The same numbers are in the table below it, for who cannot see them. */
export function Chart({
  label,
  lines,
  data,
  from,
  to,
  height = usualHeight,
}: {
  readonly label: string;
  readonly lines: readonly Line[];
  readonly data: readonly (readonly (number | null)[])[];
  /** Milliseconds. */
  readonly from: number;
  readonly to: number;
  /** Pixels, of the lines alone. */
  readonly height?: number;
}) {
  const { ref, width } = useElementSize();
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<UPlot | undefined>(undefined);
  const theme = useComputedColorScheme("light");
  const { zone } = useTimeZone();
  const shape = JSON.stringify(lines);

  useEffect(() => {
    if (!place.current || width === 0) return undefined;
    const colours = schemes[theme];
    const made = new UPlot(
      optionsFor(JSON.parse(shape) as Line[], colours, lineColours[theme], zone, { width, height }),
      [[]],
      place.current,
    ); // what was written above
    plot.current = made;
    return () => {
      made.destroy();
      plot.current = undefined;
    };
  }, [shape, theme, zone, width, height]);

  useEffect(() => {
    const now = plot.current;
    if (!now) return;
    now.setData(data as unknown as AlignedData, false); // readonly is all that differs
    now.setScale("x", { min: from / 1_000, max: to / 1_000 });
  }, [data, from, to, shape, theme, zone, width, height]);

  return (
    <div ref={ref} role="img" aria-label={label} className="hf-chart">
      <div ref={place} />
    </div>
  );
}

function optionsFor(
  lines: readonly Line[],
  colours: (typeof schemes)["light"],
  strokes: readonly string[],
  zone: "local" | "utc",
  extent: { readonly width: number; readonly height: number },
): Options {
  const axis = {
    stroke: colours.dim,
    grid: { stroke: colours.line, width: 1 },
    ticks: { stroke: colours.line, width: 1 },
  };
  // As wide as its longest number: what is counted grows.
  const size = (_: unknown, texts: readonly string[] | null) =>
    Math.max(50, 20 + 8 * Math.max(0, ...(texts ?? []).map((text) => text.length)));
  // One scale for each unit: what is measured in the same is drawn on the same.
  const units = [...new Set(lines.map(({ unit }) => unit ?? ""))];
  return {
    ...extent,
    ...(zone === "utc" && { tzDate: (seconds: number) => UPlot.tzDate(new Date(seconds * 1_000), "Etc/UTC") }),
    scales: Object.fromEntries([["x", { time: true, auto: false }], ...units.map((unit) => [`y${unit}`, {}])]),
    cursor: { sync: { key: "device" }, drag: { x: true, y: false } },
    legend: { live: true },
    axes: [
      { ...axis, values: moments },
      ...units.map((unit, at) => ({
        ...axis,
        scale: `y${unit}`,
        side: at % 2 === 0 ? (3 as const) : (1 as const),
        label: unit,
        size,
        labelSize: unit === "" ? 0 : 20,
        grid: at === 0 ? axis.grid : { show: false },
      })),
    ],
    series: [
      { value: "{YYYY}-{MM}-{DD} {HH}:{mm}:{ss}" },
      ...lines.map(({ name, unit }, at) => {
        const dash = dashes[at % dashes.length];
        return {
          label: unit === undefined ? name : `${name} (${unit})`,
          scale: `y${unit ?? ""}`,
          stroke: strokes[at % strokes.length] ?? colours.accent,
          width: 1.5,
          spanGaps: false,
          points: { show: lines.length === 1 ? undefined : false },
          ...(dash && { dash }),
        };
      }),
    ],
  } as Options; // uPlot's types ask for what it has defaults for
}
