import { count, optional, text, type Given } from "./parameter.ts";
import type { Page, Printer } from "./printer.ts";

/** The flags of every list. */
export const paging = {
  limit: optional(count, "how many at most"),
  cursor: optional(text("CURSOR"), "go on where an earlier list ended"),
} as const;

type Asked = { readonly limit: number; readonly cursor: string | undefined };

/**
 * Reads page after page until there are no more or `limit` is reached: 10,000 when nobody says otherwise. Ends at the
 * end of a page, so that the last cursor goes on exactly behind the last item.
 */
export async function allPages<Row>(
  given: Given<typeof paging>,
  print: Printer,
  fetchPage: (asked: Asked) => Promise<Page<Row>>,
  { most = 10_000, perPage = 1_000 }: { most?: number; perPage?: number } = {},
): Promise<Page<Row>> {
  const limit = given.limit ?? most;
  const items: Row[] = [];
  const altered: string[] = [];
  const collect = async (): Promise<Page<Row>> => {
    let { cursor } = given;
    for (;;) {
      const page = await fetchPage({ limit: Math.min(perPage, limit - items.length), cursor });
      for (const item of page.items) items.push(item);
      altered.push(...(page.altered ?? []));
      if (page.nextCursor === undefined || items.length >= limit)
        return { items, altered, nextCursor: page.nextCursor };
      if (page.nextCursor === cursor) throw new Error("The platform answered with the cursor that it was asked with.");
      cursor = page.nextCursor;
    }
  };
  return print.progress.during(() => `Reading, ${items.length.toLocaleString("en")} so far`, collect());
}
