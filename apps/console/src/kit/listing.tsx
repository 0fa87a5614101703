import { useEffect, type ReactNode } from "react";
import { Altered } from "./altered.tsx";
import { ProblemNotice } from "./problem-notice.tsx";
import { Slow } from "./slow.tsx";

/**
 * What a list shows before there are rows: that it is being asked, what went wrong, or that it is empty and what to do next. Rows that somebody
 * altered in the database are named; `end` is what may be done with one.
 */
export function Listing({
  list: { isPending, error, retry, rows, altered = [], more, isLoadingMore = false },
  empty,
  end,
  children,
}: {
  readonly list: {
    readonly isPending: boolean;
    readonly error: unknown;
    readonly retry: () => void;
    readonly rows: readonly unknown[];
    readonly altered?: readonly string[] | undefined;
    readonly more?: (() => void) | undefined;
    readonly isLoadingMore?: boolean;
  };
  readonly empty: ReactNode;
  readonly end?: (id: string) => ReactNode;
  readonly children: ReactNode;
}) {
  // Behind a page of altered rows alone others may stand, and there is no table that would ask for them.
  const next = rows.length === 0 && !error && !isLoadingMore ? more : undefined;
  useEffect(() => next?.(), [next]);
  const isAsking = isPending || (rows.length === 0 && !error && more !== undefined);
  if (isAsking && altered.length === 0) return <Slow />;
  if (error && rows.length === 0) return <ProblemNotice error={error} retry={retry} />;
  if (altered.length === 0) return rows.length === 0 ? empty : children;
  return (
    <>
      <Altered ids={altered} end={end} />
      {isAsking ? <Slow /> : rows.length > 0 && children}
    </>
  );
}
