/**
 * One cell of a CSV file (RFC 4180). What a spreadsheet would take for a formula gets an apostrophe in front: names and texts are written by
 * others (OWASP, CSV Injection). Numbers are not for this: a minus would look like one.
 */
export function csvCell(text: string): string {
  const safe = /^\s*[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",;\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
