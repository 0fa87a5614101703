import { padded, printable, width } from "./text.ts";

/** One column: its title, and what stands in it for one row. */
export type Column<Row> = { readonly title: string; readonly cell: (row: Row) => string; readonly align?: "right" };

/** Columns two spaces apart, as wide as their widest cell; a column that is empty in every row is left out. */
export function table<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  heading: (text: string) => string = (text) => text,
): string {
  const cells = columns
    .map(({ title, cell, align }) => ({ title, align, texts: rows.map((row) => printable(cell(row))) }))
    .filter(({ texts }) => texts.some((text) => text !== ""))
    .map((column) => ({ ...column, width: Math.max(...[column.title, ...column.texts].map(width)) }));
  const line = (of: (column: (typeof cells)[number]) => string): string =>
    cells
      .map((column) => {
        const text = of(column);
        return column.align ? " ".repeat(column.width - width(text)) + text : padded(text, column.width);
      })
      .join("  ")
      .trimEnd();
  return [heading(line(({ title }) => title)), ...rows.map((_, i) => line(({ texts }) => texts[i] ?? ""))].join("\n");
}

/** One thing: its fields below each other. Empty ones are left out. */
export function fields(
  entries: readonly (readonly [name: string, value: string])[],
  heading: (text: string) => string,
): string {
  const shown = entries.filter(([, value]) => value !== "");
  const widest = Math.max(...shown.map(([name]) => width(name)));
  return shown.map(([name, value]) => `${heading(padded(name, widest))}  ${printable(value)}`).join("\n");
}
