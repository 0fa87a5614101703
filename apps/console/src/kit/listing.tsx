import type { ReactNode } from "react";
import { ProblemNotice } from "./problem-notice.tsx";
import { Slow } from "./slow.tsx";

/** What a list shows before there are rows: that it is being asked, what went wrong, or that it is empty and what to do next. */
export function Listing({
  list: { isPending, error, retry, rows },
  empty,
  children,
}: {
  readonly list: {
    readonly isPending: boolean;
    readonly error: unknown;
    readonly retry: () => void;
    readonly rows: readonly unknown[];
  };
  readonly empty: ReactNode;
  readonly children: ReactNode;
}) {
  if (isPending) return <Slow />;
  if (error && rows.length === 0) return <ProblemNotice error={error} retry={retry} />;
  if (rows.length === 0) return empty;
  return children;
}
