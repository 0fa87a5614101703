/**
 * One cell of a CSV file (RFC 4180). What a spreadsheet would take for a formula gets an apostrophe in front: names and texts are written by
 * others (OWASP, CSV Injection). Numbers are not for this: a minus would look like one.
 */
export function csvCell(text: string): string {
  const safe = /^\s*[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",;\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/**
 * Rows of a CSV file (RFC 4180): commas or semicolons, quotes doubled, any line end, a byte order mark. An unfinished quote is an error, and
 * so is what was no UTF-8 before it was read: names would be kept as others than they are.
 * Rows with nothing in them are rows, so that numbers are those of a spreadsheet, but for those at the end.
 */
export function parseCsv(text: string): readonly (readonly string[])[] {
  const source = text.replace(/^\ufeff/, "");
  if (source.includes("\ufffd")) throw new Error("it is not in UTF-8; spreadsheets save that as “CSV UTF-8”");
  const [firstLine = ""] = /\S.*/.exec(source) ?? [];
  const comma = firstLine.includes(",") || !firstLine.includes(";") ? "," : ";";
  const rows: string[][] = [];
  let row: string[] = [];
  let field = "";
  let isQuoted = false;
  for (let at = 0; at < source.length; at++) {
    const char = source.charAt(at);
    if (isQuoted) {
      if (char !== '"') field += char;
      else if (source.charAt(at + 1) === '"') {
        field += '"';
        at++;
      } else isQuoted = false;
    } else if (char === '"' && field === "") isQuoted = true;
    else if (char === comma) {
      row.push(field);
      field = "";
    } else if (char === "\n" || char === "\r") {
      if (char === "\r" && source.charAt(at + 1) === "\n") at++;
      rows.push([...row, field]);
      row = [];
      field = "";
    } else field += char;
  }
  if (isQuoted) throw new Error("a quote is not closed");
  if (field !== "" || row.length > 0) rows.push([...row, field]);
  return rows.slice(0, rows.findLastIndex((cells) => cells.some((cell) => cell.trim() !== "")) + 1);
}
