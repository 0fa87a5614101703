import { useInfiniteQuery } from "@tanstack/react-query";
import { useCallback, useMemo } from "react";

type PageOf<Item> = {
  readonly items: readonly Item[];
  /** Of rows that somebody altered in the database: they are there, and cannot be read. */
  readonly altered?: readonly string[] | undefined;
  readonly nextCursor?: string | undefined;
  /** Over all pages, where the platform counts them. */
  readonly total?: number | undefined;
};

/**
 * A list that comes in pages by cursor, as one growing list of rows. `key` says what is listed, filters included. What comes and goes by
 * itself is asked again after `every` milliseconds, as long as it is one page: ten thousand rows are not asked again every few seconds.
 */
export function useList<Item>(
  key: readonly unknown[],
  ask: (cursor: string | undefined, signal: AbortSignal) => Promise<PageOf<Item>>,
  every?: number,
) {
  const query = useInfiniteQuery({
    queryKey: key,
    queryFn: ({ pageParam, signal }): Promise<PageOf<Item>> => ask(pageParam, signal),
    initialPageParam: undefined as string | undefined, // typed by what follows
    getNextPageParam: (page) => page.nextCursor,
    refetchInterval: ({ state }) => (every !== undefined && state.data?.pages.length === 1 ? every : false),
    // While another filter is answered, the rows of the one before stay in sight.
    placeholderData: (before) => (every === undefined ? undefined : before),
  });
  const { data, hasNextPage, fetchNextPage } = query;
  const rows = useMemo(() => data?.pages.flatMap(({ items }) => items) ?? [], [data]);
  const altered = useMemo(() => data?.pages.flatMap((page) => page.altered ?? []) ?? [], [data]);
  const next = useCallback(() => void fetchNextPage(), [fetchNextPage]);
  return {
    rows,
    altered,
    total: data?.pages.at(-1)?.total,
    isPending: query.isPending,
    /** The rows are of what was asked before; the answer to what is asked now is not there yet. */
    isOld: query.isPlaceholderData,
    error: query.error,
    retry: () => void query.refetch(),
    more: hasNextPage ? next : undefined,
    isLoadingMore: query.isFetchingNextPage,
  };
}
