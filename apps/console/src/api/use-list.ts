import { useInfiniteQuery } from "@tanstack/react-query";
import { useCallback, useMemo } from "react";

type PageOf<Item> = { readonly items: readonly Item[]; readonly nextCursor?: string | undefined };

/** A list that comes in pages by cursor, as one growing list of rows. `key` says what is listed, filters included. */
export function useList<Item>(
  key: readonly unknown[],
  ask: (cursor: string | undefined, signal: AbortSignal) => Promise<PageOf<Item>>,
) {
  const query = useInfiniteQuery({
    queryKey: key,
    queryFn: ({ pageParam, signal }) => ask(pageParam, signal),
    initialPageParam: undefined as string | undefined, // typed by what follows
    getNextPageParam: (page) => page.nextCursor,
  });
  const { data, hasNextPage, fetchNextPage } = query;
  const rows = useMemo(() => data?.pages.flatMap(({ items }) => items) ?? [], [data]);
  const next = useCallback(() => void fetchNextPage(), [fetchNextPage]);
  return {
    rows,
    isPending: query.isPending,
    error: query.error,
    retry: () => void query.refetch(),
    more: hasNextPage ? next : undefined,
    isLoadingMore: query.isFetchingNextPage,
  };
}
