import { unlessBroken } from "@holdfast/crypto";

/** What opens; one row that somebody altered is no reason to have none of the others. */
export function soundIn<R, T>(rows: readonly R[], read: (row: R) => T, altered: (row: R) => void): readonly T[] {
  return rows.flatMap((row) => {
    const one = unlessBroken(() => read(row));
    if (one === undefined) altered(row);
    return one ?? [];
  });
}
