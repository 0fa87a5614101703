import { Button, Group, Text } from "@mantine/core";
import { useElementSize } from "@mantine/hooks";
import { useEffect, useMemo, useRef, useState, type KeyboardEvent, type PointerEvent } from "react";
import topology from "world-atlas/land-110m.json";
import { Scroll } from "../kit/index.ts";
import { words } from "../words/index.ts";
import { useBoard, type Board, type Pictured } from "./data.ts";
import { landPath } from "./land.ts";
import { Nothing } from "./nothing.tsx";
import { titleOf, type Of } from "./of.ts";
import { locationOf, onEarth, said } from "./said.ts";
import { moved, showing, world, zoomed, type View } from "./view.ts";

const own = words.dashboards.map;
const land = landPath(topology);

type Placed = { readonly device: Pictured; readonly x: number; readonly y: number };

/** Where devices are. The outline of the land is ours: nothing is asked of anybody else. */
export function MapWidget({ widget }: { readonly widget: Of<"map"> }) {
  const board = useBoard();
  const devices = board.devicesOf(widget.id);
  const placed = devices.flatMap((device): Placed[] => {
    const at = placeOf(board, widget, device);
    return at ? [{ device, x: at.longitude, y: -at.latitude }] : [];
  });
  const { ref, width, height } = useElementSize();
  const shape = width > 0 && height > 0 ? width / height : 2;
  const [chosen, setView] = useState<View | undefined>(undefined);
  const ids = placed.map(({ device }) => device.id).join(" ");
  // As long as nobody moved it, it shows all there are.
  const fitted = useMemo(() => showing(placed, shape), [ids, shape]);
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
  if (devices.length === 0) return <Nothing>{words.dashboards.nobody}</Nothing>;
  const high = view.across / shape;
  return (
    <div className="hf-board-fill hf-map">
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
        aria-label={own.label(placed.length)}
        onKeyDown={keys}
        {...drag}
      >
        <div ref={ref} className="hf-map-size">
          <svg
            viewBox={`${view.x - view.across / 2} ${view.y - high / 2} ${view.across} ${high}`}
            preserveAspectRatio="none"
            role="img"
            aria-label={titleOf(widget)}
          >
            <path d={land} className="hf-map-land" />
            {placed.map(({ device, x, y }) => (
              <Mark
                key={device.id}
                {...{ device, x, y, degrees }}
                isAtEdge={x > view.x + view.across / 4}
                isOnline={board.isOnline(device)}
              />
            ))}
          </svg>
        </div>
      </div>
      <details className="hf-board-numbers">
        <summary>
          {own.places}
          {placed.length < devices.length ? ` · ${own.unplaced(devices.length - placed.length)}` : ""}
        </summary>
        <Places board={board} placed={placed} attributes={widget.attributes} title={titleOf(widget)} />
      </details>
    </div>
  );
}

const placeOf = ({ newest }: Board, { at }: Of<"map">, { id }: Pictured) =>
  "location" in at
    ? locationOf(newest(id, at.location)?.value)
    : onEarth(newest(id, at.latitude)?.value, newest(id, at.longitude)?.value);

/** A disc where it is connected, a ring where not. */
function Mark({
  device,
  x,
  y,
  degrees,
  isOnline,
  isAtEdge,
}: Placed & {
  readonly degrees: number;
  readonly isOnline: boolean | undefined;
  /** Its name would not stand to its right. */
  readonly isAtEdge: boolean;
}) {
  return (
    <g className={isOnline === false ? "hf-map-off" : "hf-map-on"}>
      <circle cx={x} cy={y} r={6 * degrees} vectorEffect="non-scaling-stroke" />
      <text
        x={x + (isAtEdge ? -9 : 9) * degrees}
        y={y + 4 * degrees}
        textAnchor={isAtEdge ? "end" : "start"}
        fontSize={12 * degrees}
        strokeWidth={3 * degrees}
      >
        {device.name}
      </text>
    </g>
  );
}

function Places({
  board,
  placed,
  attributes,
  title,
}: {
  readonly board: Board;
  readonly placed: readonly Placed[];
  readonly attributes: readonly string[];
  readonly title: string;
}) {
  return (
    <Scroll label={`${own.places}: ${title}`}>
      <table className="hf-table">
        <thead>
          <tr>
            {[words.dashboards.device, own.latitude, own.longitude, ...attributes].map((head) => (
              <th scope="col" key={head}>
                {head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {placed.map(({ device, x, y }) => (
            <tr key={device.id}>
              <th scope="row">{device.name}</th>
              <td>{(-y).toFixed(4)}</td>
              <td>{x.toFixed(4)}</td>
              {attributes.map((name) => (
                <td key={name}>{said(board.newest(device.id, name)?.value)}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      <Text fz="xs" c="var(--hf-dim)" p={4}>
        {own.outline}
      </Text>
    </Scroll>
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

/** By mouse or one finger it is moved, by two fingers zoomed. */
function useDragging(change: (next: (view: View) => View) => void, degrees: number) {
  const fingers = useRef(new Map<number, { readonly x: number; readonly y: number }>());
  const apart = () => {
    const [a, b] = [...fingers.current.values()];
    return a && b ? Math.hypot(a.x - b.x, a.y - b.y) : undefined;
  };
  return {
    onPointerDown: (event: PointerEvent<HTMLElement>) => {
      event.currentTarget.setPointerCapture(event.pointerId);
      fingers.current.set(event.pointerId, { x: event.clientX, y: event.clientY });
    },
    onPointerMove: (event: PointerEvent<HTMLElement>) => {
      const before = fingers.current.get(event.pointerId);
      if (!before) return;
      const wide = apart();
      fingers.current.set(event.pointerId, { x: event.clientX, y: event.clientY });
      const now = apart();
      if (wide !== undefined && now !== undefined && now > 0) return change((view) => zoomed(view, wide / now));
      change((view) => moved(view, (before.x - event.clientX) * degrees, (before.y - event.clientY) * degrees));
    },
    onPointerUp: (event: PointerEvent<HTMLElement>) => void fingers.current.delete(event.pointerId),
    onPointerCancel: (event: PointerEvent<HTMLElement>) => void fingers.current.delete(event.pointerId),
  };
}

/** The page does not scroll meanwhile, which React's own handler of the wheel could not say. */
function useWheel(
  frame: { readonly current: HTMLElement | null },
  zoom: (by: number, x: number, y: number) => void,
): void {
  const latest = useRef(zoom);
  latest.current = zoom;
  useEffect(() => {
    const element = frame.current;
    const turn = (event: WheelEvent) => {
      if (!element) return;
      event.preventDefault();
      const box = element.getBoundingClientRect();
      const [x, y] = [event.clientX - box.x - box.width / 2, event.clientY - box.y - box.height / 2];
      latest.current(event.deltaY < 0 ? 0.8 : 1.25, x, y);
    };
    element?.addEventListener("wheel", turn, { passive: false });
    return () => element?.removeEventListener("wheel", turn);
  });
}
