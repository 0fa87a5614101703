export type Placed = { readonly x: number; readonly y: number };
export type Cluster<Mark> = Placed & { readonly marks: readonly [Mark, ...Mark[]] };

/** Marks that would lie on each other, within a square of so many degrees, as one where their middle is. */
export function clusters<Mark extends Placed>(marks: readonly Mark[], degrees: number): readonly Cluster<Mark>[] {
  const cells = new Map<string, [Mark, ...Mark[]]>();
  for (const mark of marks) {
    const cell = `${Math.floor(mark.x / degrees)} ${Math.floor(mark.y / degrees)}`;
    const there = cells.get(cell);
    if (there) there.push(mark);
    else cells.set(cell, [mark]);
  }
  return [...cells.values()].map((together) => ({
    x: together.reduce((sum, { x }) => sum + x, 0) / together.length,
    y: together.reduce((sum, { y }) => sum + y, 0) / together.length,
    marks: together,
  }));
}
