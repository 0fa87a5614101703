import { memo, useCallback, useEffect, useLayoutEffect, useRef, useState, type ReactNode } from "react";
import { words } from "../words/index.ts";
import type { Column, Selection } from "./data-table.tsx";
import { rowHeight, useInSight } from "./in-sight.ts";
import { slotsFor, type Slot } from "./slots.ts";

const ahead = 250; // rows left below when more are asked for: they are there before somebody scrolls to them

type Rows<Row> = {
  /** What scrolls them, as soon as it is there. */
  readonly scroll: HTMLElement | null;
  readonly rows: readonly Row[];
  readonly columns: readonly Column<Row>[];
  readonly idOf: (row: Row) => string;
  readonly nameOf: (row: Row) => string;
  readonly more: (() => void) | undefined;
  readonly isLoadingMore: boolean;
  readonly selection: Selection | undefined;
};

/** The rows in sight. It has the state that scrolling changes, so that nothing around it is drawn again. */
export function TableRows<Row extends object>({
  scroll,
  rows,
  columns,
  idOf,
  nameOf,
  more,
  isLoadingMore,
  selection,
}: Rows<Row>) {
  const { first, end } = useInSight(scroll, rows.length);
  const inSight = rows.slice(first, end);
  const [before, setSlots] = useState<readonly Slot[]>([]);
  const slots = slotsFor(before, inSight.map(idOf));
  if (slots !== before) setSlots(slots);
  useEffect(() => {
    if (more && !isLoadingMore && end > 0 && end > rows.length - ahead) more();
  }, [end, rows.length, more, isLoadingMore]);

  const latest = useRef(selection);
  useEffect(() => {
    latest.current = selection;
  });
  const toggle = useCallback((id: string) => {
    if (!latest.current) return;
    const next = new Set(latest.current.selected);
    if (!next.delete(id)) next.add(id);
    latest.current.change(next);
  }, []);
  // What has the focus must not become another row's: the list keeps it.
  const leave = useCallback(() => scroll?.focus({ preventScroll: true }), [scroll]);

  return (
    <div className="hf-rows" role="rowgroup" style={{ height: rows.length * rowHeight }}>
      <div className="hf-rows-shown" role="presentation" style={{ top: first * rowHeight }}>
        {inSight.map((row, at) => {
          const slot = slots[at];
          return (
            slot && (
              <Line
                key={slot.place}
                id={slot.id}
                row={row}
                name={nameOf(row)}
                position={first + at}
                columns={columns}
                isSelected={selection?.selected.has(slot.id)}
                toggle={toggle}
                leave={leave}
              />
            )
          );
        })}
      </div>
    </div>
  );
}

type LineOf<Row> = {
  readonly id: string;
  readonly row: Row;
  readonly name: string;
  readonly position: number;
  readonly columns: readonly Column<Row>[];
  /** `undefined` where rows are not selected. */
  readonly isSelected: boolean | undefined;
  readonly toggle: (id: string) => void;
  readonly leave: () => void;
};

/** One row, drawn again only when it changed. Its box is the browser's: the kit's takes most of a frame for a screen of them. */
const Line = memo(function Line<Row>({ id, row, name, position, columns, isSelected, toggle, leave }: LineOf<Row>) {
  const line = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    if (line.current?.contains(document.activeElement)) leave();
  }, [id, leave]);
  return (
    <div ref={line} className="hf-row" role="row" aria-rowindex={position + 2}>
      {isSelected !== undefined && (
        <div role="cell" className="hf-cell-check">
          <input
            type="checkbox"
            className="hf-check"
            aria-label={words.table.select(name)}
            checked={isSelected}
            onChange={() => toggle(id)}
          />
        </div>
      )}
      {columns.map((column) => (
        <div key={column.id} role="cell" className={column.grows && "hf-grows"} style={column.style}>
          {column.cell(row)}
        </div>
      ))}
    </div>
  );
}) as <Row>(line: LineOf<Row>) => ReactNode; // memo forgets that it is generic
