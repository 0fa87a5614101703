import { unlessBroken } from "@holdfast/crypto";
import type { Id, Report } from "@holdfast/kernel";
import { pageOf, type After, type Page } from "./page.ts";

/** A row of a list: what it says, or nothing where somebody altered it in the database. Its id, and where it stands, are known all the same. */
export type Listed<T, I extends string> = { readonly id: I; readonly at: number; readonly it: T | undefined };

/** What opens, and which do not: one row that somebody altered is no reason to show none of the others, nor is it left out in silence. */
export type Sound<T, I extends string> = { readonly items: readonly T[]; readonly altered: readonly I[] };

export const listed = <T, I extends string>(id: I, at: number, read: () => T): Listed<T, I> => ({
  id,
  at,
  it: unlessBroken(read),
});

export const soundOf = <T, I extends string>(rows: readonly Listed<T, I>[]): Sound<T, I> => ({
  items: rows.flatMap(({ it }) => (it === undefined ? [] : [it])),
  altered: rows.flatMap(({ id, it }) => (it === undefined ? [id] : [])),
});

/** As `pageOf`, where rows may not open: a page may end with one of them. */
export async function soundPageOf<T, I extends string>(
  asked: { limit: number; cursor?: string | undefined },
  read: (after: After | undefined, most: number) => Promise<readonly Listed<T, I>[]>,
): Promise<Page<T> & Sound<T, I>> {
  const { items, nextCursor } = await pageOf(asked, read, { at: ({ at }) => at, id: ({ id }) => id.slice(4) });
  return { ...soundOf(items), nextCursor };
}

/** As such a list is answered. */
export const soundReply = <T, I extends string, R>(
  { items, altered, nextCursor }: Sound<T, I> & { readonly nextCursor?: string | undefined },
  reply: (one: T) => R,
) => ({
  items: items.map(reply),
  ...(altered.length > 0 && { altered: [...altered] }),
  ...(nextCursor !== undefined && { nextCursor }),
});

const mostTold = 10_000; // then they are told anew

/** Tells whoever runs the platform which rows of lists do not open, of each once: a list is asked for every few seconds. */
export class AlteredRows {
  readonly #report: Report;
  readonly #told = new Set<string>();

  constructor(report: Report) {
    this.#report = report;
  }

  tell(org: Id<"org">, ids: readonly string[]): void {
    const altered = ids.filter((id) => !this.#told.has(id));
    if (altered.length === 0) return;
    if (this.#told.size > mostTold) this.#told.clear();
    for (const id of altered) this.#told.add(id);
    const what = "Rows of a list were altered in the database, and do not open: the list names them, and no more.";
    this.#report(`${what} A backup has them as they were.`, { level: "error", code: "seal.broken", org, altered });
  }
}
