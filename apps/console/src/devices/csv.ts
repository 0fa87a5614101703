import { csvCell } from "@holdfast/kernel";

/** The text of a CSV file, safe to open in a spreadsheet. */
export const formatCsv = (rows: readonly (readonly string[])[]): string =>
  rows.map((row) => `${row.map(csvCell).join(",")}\r\n`).join("");
