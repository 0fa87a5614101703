import type { Reply } from "@holdfast/client";
import { routes } from "@holdfast/protocol";
import { useInfiniteQuery } from "@tanstack/react-query";
import { useCallback, useMemo } from "react";
import { apiFor } from "../api/index.ts";
import type { Filter, Order } from "./filter.ts";

type PageOfDevices = Reply<typeof routes.listDevices>;

/** The devices that a filter finds, in order, page after page; asked again now and then, since they come and go. */
export function useDevices(org: string, filter: Filter, sort: Order | undefined) {
  const query = useInfiniteQuery({
    queryKey: ["devices", org, filter, sort],
    queryFn: ({ pageParam, signal }): Promise<PageOfDevices> =>
      apiFor(org).call(routes.listDevices, { query: { ...filter, sort, cursor: pageParam, limit: 500 }, signal }),
    initialPageParam: undefined as string | undefined, // typed by what follows
    getNextPageParam: (page) => page.nextCursor,
    // Whole lists of ten thousand are not asked again every few seconds: one page is.
    refetchInterval: ({ state }) => (state.data && state.data.pages.length <= 1 ? 5_000 : false),
    placeholderData: (before) => before,
  });
  const { data, hasNextPage, fetchNextPage } = query;
  const rows = useMemo(() => data?.pages.flatMap(({ items }) => items) ?? [], [data]);
  const next = useCallback(() => void fetchNextPage(), [fetchNextPage]);
  return {
    rows,
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
