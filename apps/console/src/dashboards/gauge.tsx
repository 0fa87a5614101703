import { Text } from "@mantine/core";
import { words } from "../words/index.ts";
import { useBoard } from "./data.ts";
import { titleOf, type Of } from "./of.ts";
import { said } from "./said.ts";

const own = words.dashboards;
const radius = 80;
const marks = { good: "hf-good", warn: "hf-warn", bad: "hf-bad" } as const;
/** Each told from its neighbours by how it is drawn, too. */
const dashes = { good: undefined, warn: "10 3", bad: "3 3" } as const;

/** A number between two others, and what it means. */
export function GaugeWidget({ widget }: { readonly widget: Of<"gauge"> }) {
  const board = useBoard();
  const { device, attribute, min, max, bands, unit = "", decimals } = widget;
  const newest = board.newest(device, attribute)?.value;
  const value = typeof newest === "number" ? newest : undefined;
  const share = (at: number) => Math.min(1, Math.max(0, (at - min) / (max - min)));
  const band = value === undefined ? undefined : bands.find(({ from, to }) => value >= from && value <= to);
  const text = value === undefined ? own.nothing : `${said(value, decimals)}${unit === "" ? "" : ` ${unit}`}`;
  const meaning = band && (band.label ?? own.levels[band.level]);
  const label = `${titleOf(widget)}: ${own.gauge(text, said(min), said(max))}${meaning ? `. ${meaning}` : ""}`;
  return (
    <div className="hf-gauge">
      <svg viewBox="-100 -96 200 112" role="img" aria-label={label}>
        <path d={arc(0, 1, radius)} className="hf-gauge-track" />
        {bands.map(({ from, to, level }) => (
          <path
            key={`${from} ${to}`}
            d={arc(share(from), share(to), radius)}
            className={`hf-gauge-band ${marks[level]}`}
            strokeDasharray={dashes[level]}
          />
        ))}
        {value !== undefined && (
          <line
            x1={0}
            y1={0}
            x2={-Math.cos(Math.PI * share(value)) * (radius - 16)}
            y2={-Math.sin(Math.PI * share(value)) * (radius - 16)}
            className="hf-gauge-needle"
          />
        )}
        <circle r={5} className="hf-gauge-hub" />
        <text x={-radius} y={14} textAnchor="middle" className="hf-gauge-end">
          {said(min)}
        </text>
        <text x={radius} y={14} textAnchor="middle" className="hf-gauge-end">
          {said(max)}
        </text>
      </svg>
      <p className="hf-board-value">{text}</p>
      {band && meaning && (
        <p className={`hf-state ${marks[band.level]} ${shapes[band.level]} hf-gauge-meaning`}>{meaning}</p>
      )}
      <Text fz="xs" c="var(--hf-dim)">
        {board.deviceOf(device)?.name ?? device} · {attribute}
      </Text>
    </div>
  );
}

const shapes = { good: "hf-disc", warn: "hf-bars", bad: "hf-cross" } as const;

/** A part of the upper half of a circle, from the left. */
function arc(from: number, to: number, r: number): string {
  const at = (share: number) =>
    `${(-Math.cos(Math.PI * share) * r).toFixed(2)} ${(-Math.sin(Math.PI * share) * r).toFixed(2)}`;
  return `M ${at(from)} A ${r} ${r} 0 0 1 ${at(to)}`;
}
