import type { Result } from "./result.ts";

/** The rows as columns of even width, numbers to the right; then the notes. */
export function tableOf({ name, rows, notes }: Result): string {
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const cells = rows.map((row) => columns.map((column) => show(row[column])));
  const widths = columns.map((column, i) => Math.max(column.length, ...cells.map((line) => line[i]?.length ?? 0)));
  const isNumber = columns.map((column) => rows.every((row) => typeof row[column] !== "string"));
  const lay = (line: readonly string[]) =>
    line.map((cell, i) => (isNumber[i] ? cell.padStart(widths[i] ?? 0) : cell.padEnd(widths[i] ?? 0))).join("  ");
  const lines =
    rows.length === 0 ? [] : [lay(columns), lay(widths.map((width) => "─".repeat(width))), ...cells.map(lay)];
  return [`\n${name}`, ...lines.map((line) => `  ${line.trimEnd()}`), ...notes.map((note) => `  · ${note}`)].join("\n");
}

/** Three digits that count, and thousands apart. */
function show(value: string | number | undefined): string {
  if (typeof value !== "number") return value ?? "";
  if (Number.isInteger(value) || Math.abs(value) >= 100)
    return value.toLocaleString("en", { maximumFractionDigits: 0 });
  return value.toLocaleString("en", { maximumSignificantDigits: 3 });
}
