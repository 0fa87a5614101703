import { Checkbox, Group, Text, UnstyledButton } from "@mantine/core";
import { createColumnHelper, tableFeatures, useTable, type ColumnDef } from "@tanstack/react-table";
import { useVirtualizer } from "@tanstack/react-virtual";
import { useEffect, useMemo, useRef, type ReactNode } from "react";
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
  const data = useMemo(() => [...rows], [rows]);
  const table = useTable({ features, columns: definitions, data, getRowId: idOf });
  const all = table.getRowModel().rows;
  const virtual = useVirtualizer({
    count: all.length,
    getScrollElement: () => scroll.current,
    estimateSize: () => rowHeight,
    overscan: 12,
  });
  const inSight = virtual.getVirtualItems();
  const last = inSight.at(-1)?.index ?? 0;
  useEffect(() => {
    if (more && !isLoadingMore && all.length > 0 && last >= all.length - 30) more();
  }, [last, all.length, more, isLoadingMore]);

  const above = inSight[0]?.start ?? 0;
  const below = virtual.getTotalSize() - (inSight.at(-1)?.end ?? 0);
  const width = columns.length + (selection ? 1 : 0);
  const isAll = selection !== undefined && rows.length > 0 && rows.every((row) => selection.selected.has(idOf(row)));
  const toggle = (id: string) => {
    if (!selection) return;
    const next = new Set(selection.selected);
    if (!next.delete(id)) next.add(id);
    selection.change(next);
  };

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
            {inSight.map(({ index }) => {
              const row = all[index];
              if (!row) return null;
              return (
                <tr key={row.id} aria-rowindex={index + 2}>
                  {selection && (
                    <td>
                      <Checkbox
                        size="xs"
                        aria-label={words.table.select(nameOf(row.original))}
                        checked={selection.selected.has(row.id)}
                        onChange={() => toggle(row.id)}
                      />
                    </td>
                  )}
                  {columns.map((column) => (
                    <td key={column.id}>{column.cell(row.original)}</td>
                  ))}
                </tr>
              );
            })}
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
