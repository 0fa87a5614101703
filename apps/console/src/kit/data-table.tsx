import { Checkbox, Group, Text, UnstyledButton } from "@mantine/core";
import { createColumnHelper, tableFeatures, useTable, type ColumnDef } from "@tanstack/react-table";
import { useVirtualizer } from "@tanstack/react-virtual";
import { memo, useCallback, useEffect, useMemo, useRef, type ReactNode } from "react";
import { words } from "../words/index.ts";

const features = tableFeatures({});
const rowHeight = 36; // pixels, as console.css says

/** One column: what stands in its head, what in each row, how wide. `sort` is the name by which the server sorts. */
export type Column<Row> = {
  readonly id: string;
  readonly head: string;
  readonly cell: (row: Row) => ReactNode;
  /** Pixels. */
  readonly width: number;
  readonly sort?: string;
};

export const columnsOf = <Row,>(columns: readonly Column<Row>[]): readonly Column<Row>[] => columns;

type Sorting = { readonly by: string; readonly isDescending: boolean };

/**
 * A list as a table: as many rows as you like, of which only those in sight are drawn; filtering and sorting are the server's. Near the
 * end it asks for more.
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
  readonly selection?: {
    readonly selected: ReadonlySet<string>;
    readonly change: (selected: ReadonlySet<string>) => void;
  };
  readonly sorting?: { readonly now: Sorting | undefined; readonly change: (sorting: Sorting) => void };
  readonly height?: string;
}) {
  const scroll = useRef<HTMLDivElement>(null);
  const definitions = useMemo(() => {
    const helper = createColumnHelper<typeof features, Row>();
    return columns.map((column) => helper.display({ id: column.id })) as ColumnDef<typeof features, Row>[]; // what is drawn comes from `columns`
  }, [columns]);
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroll.current,
    estimateSize: () => rowHeight,
    overscan: 4,
  });
  const inSight = virtual.getVirtualItems();
  // The table knows what is in sight: ten thousand rows would be made anew with each page that comes.
  const first = inSight[0]?.index ?? 0;
  const end = (inSight.at(-1)?.index ?? -1) + 1;
  const data = useMemo(() => rows.slice(first, end), [rows, first, end]);
  const table = useTable({ features, columns: definitions, data, getRowId: idOf });
  const last = inSight.at(-1)?.index ?? 0;
  useEffect(() => {
    if (more && !isLoadingMore && rows.length > 0 && last >= rows.length - 30) more();
  }, [last, rows.length, more, isLoadingMore]);

  const above = inSight[0]?.start ?? 0;
  const below = virtual.getTotalSize() - (inSight.at(-1)?.end ?? 0);
  const width = columns.length + (selection ? 1 : 0);
  const isAll = selection !== undefined && rows.length > 0 && rows.every((row) => selection.selected.has(idOf(row)));
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

  return (
    <div>
      {/* Whoever has no mouse scrolls it by keys. */}
      <div
        ref={scroll}
        className="hf-scroll"
        style={{ maxHeight: height }}
        tabIndex={0}
        role="region"
        aria-label={label}
      >
        <table
          className="hf-table"
          aria-rowcount={total ?? -1}
          style={{ tableLayout: "fixed", minWidth: columns.reduce((sum, one) => sum + one.width, selection ? 44 : 0) }}
        >
          <caption className="hf-visually-hidden">{label}</caption>
          <colgroup>
            {selection && <col style={{ width: 44 }} />}
            {columns.map((column) => (
              <col key={column.id} style={{ width: column.width }} />
            ))}
          </colgroup>
          <thead>
            <tr>
              {selection && (
                <th scope="col">
                  <Checkbox
                    size="xs"
                    aria-label={words.table.selectAll}
                    checked={isAll}
                    indeterminate={!isAll && selection.selected.size > 0}
                    onChange={() => selection.change(isAll ? new Set() : new Set(rows.map(idOf)))}
                  />
                </th>
              )}
              {columns.map((column) => (
                <Head key={column.id} column={column} sorting={sorting} />
              ))}
            </tr>
          </thead>
          <tbody>
            {above > 0 && <Spacer height={above} width={width} />}
            {table.getRowModel().rows.map(({ id, original }, at) => (
              <Line
                key={id}
                id={id}
                row={original}
                name={nameOf(original)}
                position={first + at}
                columns={columns}
                isSelected={selection?.selected.has(id)}
                toggle={toggle}
              />
            ))}
            {below > 0 && <Spacer height={below} width={width} />}
          </tbody>
        </table>
      </div>
      <Group justify="space-between" mt={4}>
        <Text fz="xs" c="var(--hf-dim)" role="status">
          {words.common.rows(rows.length, total)}
        </Text>
      </Group>
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
};

/** One row, drawn again only when it changed. Its box is the browser's: the kit's takes most of a frame for a screen of them. */
const Line = memo(function Line<Row>({ id, row, name, position, columns, isSelected, toggle }: LineOf<Row>) {
  return (
    <tr aria-rowindex={position + 2}>
      {isSelected !== undefined && (
        <td>
          <input
            type="checkbox"
            className="hf-check"
            aria-label={words.table.select(name)}
            checked={isSelected}
            onChange={() => toggle(id)}
          />
        </td>
      )}
      {columns.map((column) => (
        <td key={column.id}>{column.cell(row)}</td>
      ))}
    </tr>
  );
}) as <Row>(line: LineOf<Row>) => ReactNode; // memo forgets that it is generic

function Head<Row>({
  column,
  sorting,
}: {
  readonly column: Column<Row>;
  readonly sorting: { readonly now: Sorting | undefined; readonly change: (sorting: Sorting) => void } | undefined;
}) {
  const { sort, head } = column;
  if (sort === undefined || !sorting) return <th scope="col">{head}</th>;
  const isNow = sorting.now?.by === sort;
  const isDescending = isNow && sorting.now?.isDescending === true;
  return (
    <th scope="col" aria-sort={isNow ? (isDescending ? "descending" : "ascending") : "none"}>
      <UnstyledButton
        fz="inherit"
        fw="inherit"
        c="inherit"
        onClick={() => sorting.change({ by: sort, isDescending: isNow && !isDescending })}
      >
        {head} {isNow && <span aria-hidden="true">{isDescending ? "↓" : "↑"}</span>}
      </UnstyledButton>
    </th>
  );
}

function Spacer({ height, width }: { readonly height: number; readonly width: number }) {
  return (
    <tr aria-hidden="true">
      <td colSpan={width} style={{ height, padding: 0, border: 0 }} />
    </tr>
  );
}
