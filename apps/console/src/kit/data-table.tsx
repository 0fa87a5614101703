import { Checkbox, UnstyledButton } from "@mantine/core";
import { useState, type CSSProperties, type MouseEvent, type ReactNode } from "react";
import { words } from "../words/index.ts";
import { TableRows } from "./table-rows.tsx";

type Given<Row> = {
  readonly id: string;
  readonly head: string;
  readonly cell: (row: Row) => ReactNode;
  /** Pixels, at least. */
  readonly width: number;
  /** It shares with others like it what is left; what is longer than its cell is there on hover. */
  readonly grows?: true;
  /** The name by which the server sorts. */
  readonly sort?: string;
};

/** One column: what stands in its head, what in each row, how wide. */
export type Column<Row> = Given<Row> & { readonly style: CSSProperties };

export const columnsOf = <Row,>(columns: readonly Given<Row>[]): readonly Column<Row>[] =>
  columns.map((column) => ({ ...column, style: { flex: `${column.grows ? column.width : 0} 0 ${column.width}px` } }));

type Sorting = { readonly by: string; readonly isDescending: boolean };
type Sort = { readonly now: Sorting | undefined; readonly change: (sorting: Sorting) => void };
export type Selection = {
  readonly selected: ReadonlySet<string>;
  readonly change: (selected: ReadonlySet<string>) => void;
};

const checkWidth = 32; // pixels, as console.css says

/**
 * A list as a table: as many rows as you like, of which only those in sight are drawn; filtering and sorting are the server's. Before its
 * end is in sight it asks for more. No `table`: a browser lays one out as a whole, where a row of these is its own (docs/benchmarks.md).
 */
export function DataTable<Row extends object>({
  label,
  rows,
  columns,
  idOf,
  nameOf,
  total,
  more,
  isLoadingMore = false,
  selection,
  sorting,
  height = "calc(100dvh - 260px)",
}: {
  readonly label: string;
  readonly rows: readonly Row[];
  readonly columns: readonly Column<Row>[];
  readonly idOf: (row: Row) => string;
  /** What a row is called, for whoever hears it. */
  readonly nameOf: (row: Row) => string;
  readonly total?: number | undefined;
  readonly more?: (() => void) | undefined;
  readonly isLoadingMore?: boolean;
  readonly selection?: Selection;
  readonly sorting?: Sort;
  readonly height?: string;
}) {
  const [scroll, setScroll] = useState<HTMLDivElement | null>(null); // a part of it is told when it is there
  const minWidth = columns.reduce((sum, { width }) => sum + width, selection ? checkWidth : 0);
  return (
    <div>
      {/* Whoever has no mouse scrolls it by keys. */}
      <div
        ref={setScroll}
        className="hf-scroll"
        style={{ maxHeight: height }}
        tabIndex={0}
        role="region"
        aria-label={label}
        onMouseOver={tellWhole}
      >
        <div className="hf-grid" role="table" aria-label={label} aria-rowcount={total ?? -1} style={{ minWidth }}>
          <div className="hf-head" role="rowgroup">
            <div className="hf-row" role="row" aria-rowindex={1}>
              {selection && <SelectAll rows={rows} idOf={idOf} selection={selection} />}
              {columns.map((column) => (
                <Head key={column.id} column={column} sorting={sorting} />
              ))}
            </div>
          </div>
          <TableRows {...{ scroll, rows, columns, idOf, nameOf, more, isLoadingMore, selection }} />
        </div>
      </div>
      <p className="hf-count" role="status">
        {words.common.rows(rows.length, total)}
      </p>
    </div>
  );
}

/** A text that is longer than its cell is told in whole to who points at it. */
function tellWhole({ target }: MouseEvent<HTMLElement>) {
  const cell = target instanceof Element ? target.closest<HTMLElement>(".hf-grows") : null;
  if (cell) cell.title = cell.scrollWidth > cell.clientWidth ? cell.innerText : "";
}

function SelectAll<Row>({
  rows,
  idOf,
  selection: { selected, change },
}: {
  readonly rows: readonly Row[];
  readonly idOf: (row: Row) => string;
  readonly selection: Selection;
}) {
  const isAll = rows.length > 0 && rows.every((row) => selected.has(idOf(row)));
  return (
    <div role="columnheader" className="hf-cell-check">
      <Checkbox
        size="xs"
        aria-label={words.table.selectAll}
        checked={isAll}
        indeterminate={!isAll && selected.size > 0}
        onChange={() => change(isAll ? new Set() : new Set(rows.map(idOf)))}
      />
    </div>
  );
}

function Head<Row>({
  column: { sort, head, style },
  sorting,
}: {
  readonly column: Column<Row>;
  readonly sorting: Sort | undefined;
}) {
  if (sort === undefined || !sorting) {
    return (
      <div role="columnheader" style={style}>
        {head}
      </div>
    );
  }
  const isNow = sorting.now?.by === sort;
  const isDescending = isNow && sorting.now?.isDescending === true;
  return (
    <div role="columnheader" style={style} aria-sort={isNow ? (isDescending ? "descending" : "ascending") : "none"}>
      <UnstyledButton
        fz="inherit"
        fw="inherit"
        c="inherit"
        onClick={() => sorting.change({ by: sort, isDescending: isNow && !isDescending })}
      >
        {head} {isNow && <span aria-hidden="true">{isDescending ? "↓" : "↑"}</span>}
      </UnstyledButton>
    </div>
  );
}
