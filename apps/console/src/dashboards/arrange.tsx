import { Button } from "@mantine/core";
import { mostWidgets, type Widget } from "@holdfast/protocol";
import { useRef, useState, type KeyboardEvent, type PointerEvent } from "react";
import { Empty } from "../kit/index.ts";
import { words } from "../words/index.ts";
import { Body } from "./body.tsx";
import { placeStyle } from "./board.tsx";
import { changed, shifted, type Draft } from "./draft.ts";
import { arranged, fitting, freePlace, inOrder, type Place } from "./grid.ts";
import { titleOf } from "./of.ts";

const own = words.dashboards.editor;
const columns = 12;
const gap = 8; // pixels, as board.css says
const rowHeight = 64;

type Held = {
  readonly widget: Widget;
  readonly isSize: boolean;
  /** Where the pointer was, and what the widgets were. */
  readonly from: { readonly x: number; readonly y: number };
  readonly before: readonly Widget[];
};

type Given = {
  readonly draft: Draft;
  readonly setDraft: (next: (draft: Draft) => Draft) => void;
  readonly change: (widgets: readonly Widget[], spoken: string) => void;
  readonly say: (spoken: string) => void;
  readonly edit: (widget: Widget) => void;
};

/** Widgets with handles: dragged by mouse or finger, or moved by keys, and each step is said aloud. */
export function Arrange({ draft, setDraft, change, say, edit }: Given) {
  const grid = useRef<HTMLDivElement>(null);
  const [held, setHeld] = useState<Held | undefined>(undefined);
  const { widgets } = draft;
  const spoken = (id: string, all: readonly Widget[]) => {
    const widget = all.find((one) => one.id === id);
    const { x, y, w, h } = widget?.place ?? { x: 0, y: 0, w: 0, h: 0 };
    return widget ? own.placed(titleOf(widget), x + 1, y + 1, w, h) : "";
  };
  const byKey = (widget: Widget, isSize: boolean) => (event: KeyboardEvent) => {
    const step = steps[event.key];
    if (!step || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    const next = arranged(widgets, widget.id, stepped(widget.place, step, isSize || event.shiftKey));
    change(next, spoken(widget.id, next));
  };
  const take = (widget: Widget, isSize: boolean) => (event: PointerEvent<HTMLElement>) => {
    if (event.button !== 0) return;
    event.currentTarget.setPointerCapture(event.pointerId);
    setHeld({ widget, isSize, from: { x: event.clientX, y: event.clientY }, before: widgets });
  };
  const drag = (event: PointerEvent) => {
    if (!held) return;
    const cell = ((grid.current?.clientWidth ?? 0) + gap) / columns;
    const step = {
      x: Math.round((event.clientX - held.from.x) / cell),
      y: Math.round((event.clientY - held.from.y) / (rowHeight + gap)),
    };
    const next = arranged(held.before, held.widget.id, stepped(held.widget.place, step, held.isSize));
    setDraft((now) => shifted(now, next));
  };
  const drop = () => {
    if (!held) return;
    const { before, widget } = held;
    setHeld(undefined);
    if (spoken(widget.id, before) === spoken(widget.id, widgets)) return setDraft((now) => shifted(now, before));
    setDraft((now) => changed({ ...now, widgets: before }, now.widgets));
    say(spoken(widget.id, widgets));
  };
  if (widgets.length === 0) return <Empty>{words.dashboards.noWidgets}</Empty>;
  return (
    <div className="hf-board" ref={grid}>
      {inOrder(widgets).map((widget) => {
        const title = titleOf(widget);
        const handle = (isSize: boolean) => ({
          onKeyDown: byKey(widget, isSize),
          onPointerDown: take(widget, isSize),
          onPointerMove: drag,
          onPointerUp: drop,
          onPointerCancel: drop,
        });
        return (
          <section
            key={widget.id}
            className="hf-widget"
            style={placeStyle(widget.place)}
            aria-label={title}
            data-held={held?.widget.id === widget.id || undefined}
          >
            <h2>{title}</h2>
            <div className="hf-handles">
              <Button {...small} className="hf-handle" aria-label={own.move(title)} {...handle(false)}>
                ✥
              </Button>
              <Button {...small} className="hf-handle hf-handle-size" aria-label={own.resize(title)} {...handle(true)}>
                ⤡
              </Button>
              <Button {...small} aria-label={own.change(title)} onClick={() => edit(widget)}>
                {own.changeIt}
              </Button>
              {widgets.length < mostWidgets && (
                <Button
                  {...small}
                  aria-label={own.duplicate(title)}
                  onClick={() => {
                    const copy = { ...widget, id: freeId(widgets), place: freePlace(widgets, widget.place) };
                    change([...widgets, copy], own.added(title));
                  }}
                >
                  {words.common.copy}
                </Button>
              )}
              <Button
                {...small}
                aria-label={own.removeWidget(title)}
                onClick={() =>
                  change(
                    widgets.filter(({ id }) => id !== widget.id),
                    own.removed(title),
                  )
                }
              >
                ✕
              </Button>
            </div>
            <Body widget={widget} />
          </section>
        );
      })}
    </div>
  );
}

const small = { size: "compact-xs", variant: "default" } as const;

type Step = { readonly x: number; readonly y: number };

const steps: Readonly<Record<string, Step>> = {
  ArrowLeft: { x: -1, y: 0 },
  ArrowRight: { x: 1, y: 0 },
  ArrowUp: { x: 0, y: -1 },
  ArrowDown: { x: 0, y: 1 },
};

/** One that is made wider stops at the edge, and does not go to the left for it. */
const stepped = ({ x, y, w, h }: Place, step: Step, isSize: boolean): Place =>
  isSize
    ? fitting({ x, y, w: Math.min(w + step.x, columns - x), h: h + step.y })
    : fitting({ x: x + step.x, y: y + step.y, w, h });

/** That no widget has. */
export function freeId(widgets: readonly Widget[]): string {
  const taken = new Set(widgets.map(({ id }) => id));
  let number = widgets.length + 1;
  while (taken.has(`w${number}`)) number += 1;
  return `w${number}`;
}
