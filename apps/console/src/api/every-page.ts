type PageOf<Item> = { readonly items: readonly Item[]; readonly nextCursor?: string | undefined };

/** All rows of a list, page after page: for a file of them. */
export async function everyPage<Item>(ask: (cursor: string | undefined) => Promise<PageOf<Item>>): Promise<Item[]> {
  const rows: Item[] = [];
  let cursor: string | undefined;
  do {
    const { items, nextCursor } = await ask(cursor);
    rows.push(...items);
    cursor = nextCursor;
  } while (cursor !== undefined);
  return rows;
}
