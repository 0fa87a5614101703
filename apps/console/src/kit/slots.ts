/** A place in a list that scrolls, and whose row stands in it. */
export type Slot = { readonly place: number; readonly id: string };

/**
 * Rows that stay in sight keep their place; rows that come take the places of those that left, in the order of the list. The browser then
 * writes other words into what it has laid out, where it would make and forget a screen of elements at each turn of the wheel.
 */
export function slotsFor(before: readonly Slot[], ids: readonly string[]): readonly Slot[] {
  if (before.length === ids.length && before.every(({ id }, at) => id === ids[at])) return before;
  const wanted = new Set(ids);
  const kept = new Map<string, number>();
  const free: number[] = [];
  let next = 0; // no place had this number
  for (const { place, id } of before) {
    if (wanted.has(id)) kept.set(id, place);
    else free.push(place);
    next = Math.max(next, place + 1);
  }
  let taken = 0;
  return ids.map((id) => ({ id, place: kept.get(id) ?? free[taken++] ?? next++ }));
}
