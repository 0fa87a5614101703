import { dashboardColumns, type Widget } from "@holdfast/protocol";

export type Place = Widget["place"];
type Placed = { readonly id: string; readonly place: Place };

const mostRows = 400;
const mostHeight = 24;

const between = (least: number, value: number, most: number): number => Math.min(Math.max(value, least), most);

/** A place that fits on the grid, as near as there is to what was wanted. */
export function fitting({ x, y, w, h }: Place): Place {
  const wide = between(1, w, dashboardColumns);
  return {
    w: wide,
    h: between(1, h, mostHeight),
    x: between(0, x, dashboardColumns - wide),
    y: between(0, y, mostRows),
  };
}

const overlap = (a: Place, b: Place): boolean =>
  a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h;

/** One is put where it is wanted, and whatever stands there goes below it; the others stay where they are. */
export function arranged<W extends Placed>(all: readonly W[], id: string, wanted: Place): readonly W[] {
  const put = all.map((one) => (one.id === id ? { ...one, place: fitting(wanted) } : one));
  const settled = put.filter((one) => one.id === id);
  const others = put.filter((one) => one.id !== id).toSorted((a, b) => a.place.y - b.place.y || a.place.x - b.place.x);
  for (const one of others) {
    let { place } = one;
    for (let above = inWay(settled, place); above; above = inWay(settled, place))
      place = { ...place, y: above.place.y + above.place.h };
    settled.push({ ...one, place });
  }
  const places = new Map(settled.map((one) => [one.id, one.place]));
  return put.map((one) => ({ ...one, place: places.get(one.id) ?? one.place }));
}

const inWay = <W extends Placed>(settled: readonly W[], place: Place): W | undefined =>
  settled.find((other) => overlap(other.place, place));

/** In the order in which they are read, and stand below each other where it is narrow. */
export const inOrder = <W extends Placed>(all: readonly W[]): readonly W[] =>
  all.toSorted((a, b) => a.place.y - b.place.y || a.place.x - b.place.x);

/** The first free place of this size, from the top. */
export function freePlace(all: readonly Placed[], { w, h }: Pick<Place, "w" | "h">): Place {
  const bottom = Math.max(0, ...all.map(({ place }) => place.y + place.h));
  for (let y = 0; y <= bottom; y += 1) {
    for (let x = 0; x + w <= dashboardColumns; x += 1) {
      const place = { x, y, w, h };
      if (!inWay(all, place)) return place;
    }
  }
  return { x: 0, y: bottom, w, h };
}
