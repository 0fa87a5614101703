import { Button, Group } from "@mantine/core";
import { useElementSize } from "@mantine/hooks";
import { useMemo, useRef, useState, type KeyboardEvent } from "react";
import topology from "world-atlas/land-110m.json";
import { words } from "../words/index.ts";
import { clusters, type Cluster } from "./clusters.ts";
import { landPath } from "./land.ts";
import "./map.css";
import { useDragging, useWheel } from "./moving.ts";
import { moved, showing, world, zoomed, type View } from "./view.ts";

const own = words.map;
const land = landPath(topology);

/** A device at its place, in degrees: `x` to the east, `y` to the south. */
export type Mark = {
  readonly id: string;
  readonly name: string;
  readonly x: number;
  readonly y: number;
  /** `undefined` where it is not told. */
  readonly isOnline: boolean | undefined;
};

/** Marks this near to each other, in pixels, are one. */
const apart = 14;

/** The world with devices on it, moved and zoomed by mouse, fingers and keys. The outline of the land is ours: nothing is asked of anybody else. */
export function WorldMap({
  title,
  marks,
  choose,
}: {
  readonly title: string;
  readonly marks: readonly Mark[];
  /** What a click on a mark does; several that lie on each other are zoomed at first. */
  readonly choose?: (mark: Mark) => void;
}) {
  const { ref, width, height } = useElementSize();
  const shape = width > 0 && height > 0 ? width / height : 2;
  const [chosen, setView] = useState<View | undefined>(undefined);
  const ids = marks.map(({ id }) => id).join(" ");
  // As long as nobody moved it, it shows all there are.
  const fitted = useMemo(() => showing(marks, shape), [ids, shape]);
  const view = chosen ?? fitted;
  const change = (next: (view: View) => View) => setView((before) => next(before ?? fitted));
  const degrees = view.across / Math.max(1, width); // of one pixel
  const drag = useDragging(change, degrees);
  const frame = useRef<HTMLDivElement>(null);
  useWheel(frame, (by, x, y) => change((before) => zoomed(before, by, { x: x * degrees, y: y * degrees })));
  const keys = (event: KeyboardEvent) => {
    const act = keysOf(view)[event.key];
    if (!act || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    if (event.key === "0") setView(undefined);
    else change(act);
  };
  const high = view.across / shape;
  const shown = clusters(marks, apart * degrees);
  const press = ({ x, y, marks: [first, ...others] }: Cluster<Mark>) =>
    others.length === 0 ? choose?.(first) : change((before) => ({ ...zoomed(before, 0.25), x, y }));
  return (
    <div className="hf-map">
      <Group gap={4} className="hf-map-buttons">
        <Button size="compact-xs" variant="default" aria-label={own.in} onClick={() => change((v) => zoomed(v, 0.5))}>
          +
        </Button>
        <Button size="compact-xs" variant="default" aria-label={own.out} onClick={() => change((v) => zoomed(v, 2))}>
          −
        </Button>
        <Button size="compact-xs" variant="default" onClick={() => setView(undefined)}>
          {own.all}
        </Button>
      </Group>
      <div
        ref={frame}
        className="hf-map-frame"
        tabIndex={0}
        role="group"
        aria-label={own.label(marks.length)}
        onKeyDown={keys}
        {...drag}
      >
        <div ref={ref} className="hf-map-size">
          <svg
            viewBox={`${view.x - view.across / 2} ${view.y - high / 2} ${view.across} ${high}`}
            preserveAspectRatio="none"
            role="img"
            aria-label={title}
          >
            <path d={land} className="hf-map-land" />
            {shown.map((cluster) => (
              <Drawn
                key={cluster.marks[0].id}
                cluster={cluster}
                degrees={degrees}
                isAtEdge={cluster.x > view.x + view.across / 4}
                press={choose === undefined ? undefined : () => press(cluster)}
              />
            ))}
          </svg>
        </div>
      </div>
    </div>
  );
}

/** A disc where it is connected, a ring where not; of several, a disc as soon as one is. */
function Drawn({
  cluster: { x, y, marks },
  degrees,
  isAtEdge,
  press,
}: {
  readonly cluster: Cluster<Mark>;
  readonly degrees: number;
  /** Its name would not stand to its right. */
  readonly isAtEdge: boolean;
  readonly press: (() => void) | undefined;
}) {
  const [first, ...others] = marks;
  const isOff = marks.every(({ isOnline }) => isOnline === false);
  return (
    // What the mouse does here the list below does by keys.
    <g className={`${isOff ? "hf-map-off" : "hf-map-on"}${press ? " hf-map-press" : ""}`} onClick={press}>
      <circle cx={x} cy={y} r={(others.length > 0 ? 9 : 6) * degrees} vectorEffect="non-scaling-stroke" />
      <text
        x={x + (isAtEdge ? -12 : 12) * degrees}
        y={y + 4 * degrees}
        textAnchor={isAtEdge ? "end" : "start"}
        fontSize={12 * degrees}
        strokeWidth={3 * degrees}
      >
        {others.length === 0 ? first.name : own.several(marks.length)}
      </text>
    </g>
  );
}

const keysOf = ({ across }: View): Readonly<Record<string, (view: View) => View>> => ({
  ArrowLeft: (view) => moved(view, -across / 8, 0),
  ArrowRight: (view) => moved(view, across / 8, 0),
  ArrowUp: (view) => moved(view, 0, -across / 8),
  ArrowDown: (view) => moved(view, 0, across / 8),
  "+": (view) => zoomed(view, 0.5),
  "=": (view) => zoomed(view, 0.5),
  "-": (view) => zoomed(view, 2),
  "0": () => world,
});
