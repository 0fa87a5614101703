import { Refusal } from "@holdfast/kernel";

/** A part of a list, and where the next part begins. */
export type Page<T> = { readonly items: readonly T[]; readonly nextCursor: string | undefined };

/** Where a page ended: rows are ordered by time and, within a millisecond, by id. */
export type After = { readonly at: number; readonly id: string };

/** Reads one row more than asked for, to know whether there is a next page. */
export async function pageOf<T>(
  asked: { limit: number; cursor?: string | undefined },
  read: (after: After | undefined, most: number) => Promise<readonly T[]>,
  of: { at: (item: T) => number; id: (item: T) => string },
): Promise<Page<T>> {
  const rows = await read(asked.cursor === undefined ? undefined : parseCursor(asked.cursor), asked.limit + 1);
  const items = rows.slice(0, asked.limit);
  const last = items.at(-1);
  return {
    items,
    nextCursor: last !== undefined && rows.length > asked.limit ? `${of.at(last)}.${of.id(last)}` : undefined,
  };
}

/** A time, and an id with its hyphens or without. */
const form = /^(\d{1,15})\.([0-9a-f]{32}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/;

function parseCursor(text: string): After {
  const [, at, id] = form.exec(text) ?? [];
  if (at === undefined || id === undefined) throw new Refusal("cursor.malformed");
  return { at: Number(at), id };
}
