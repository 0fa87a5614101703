import { csvCell } from "@holdfast/kernel";
import type { FastifyReply, FastifyRequest } from "fastify";

/** By `format`, or else by what it accepts. */
export const wantsTable = ({ query, headers }: FastifyRequest): boolean => {
  const format: unknown = new Map(Object.entries(query ?? {})).get("format");
  return format === undefined ? /(^|,) *text\/csv *(;|,|$)/i.test(headers.accept ?? "") : format === "csv";
};

/** RFC 4180. The next page, where there is one, is in a Link (RFC 8288), because a table has no place for it. */
export function sendTable(columns: readonly string[], request: FastifyRequest, reply: FastifyReply, value: unknown) {
  const { items, nextCursor } = value as { items: readonly Readonly<Record<string, unknown>>[]; nextCursor?: string }; // routes with `csv` are lists
  if (nextCursor !== undefined) {
    const next = new URL(request.url, "https://here");
    next.searchParams.set("cursor", nextCursor);
    void reply.header("Link", `<${next.pathname}${next.search}>; rel="next"`);
  }
  const lines = [columns, ...items.map((item) => columns.map((column) => cellOf(item[column])))];
  return reply
    .type("text/csv; charset=utf-8; header=present")
    .send(lines.map((line) => `${line.join(",")}\r\n`).join(""));
}

function cellOf(value: unknown): string {
  if (typeof value === "number") return String(value);
  return typeof value === "string" ? csvCell(value) : "";
}
