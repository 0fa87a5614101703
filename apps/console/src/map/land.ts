// TopoJSON as `world-atlas` has it: lines of whole numbers, each from the one before, and polygons as lists of lines.
type Arc = readonly (readonly number[])[];
export type Topology = {
  readonly transform: { readonly scale: readonly number[]; readonly translate: readonly number[] };
  readonly arcs: readonly Arc[];
  readonly objects: {
    readonly land: { readonly geometries: readonly { readonly arcs: readonly (readonly (readonly number[])[])[] }[] };
  };
};

/** The land as one path in degrees: longitude to the right, latitude upwards. */
export function landPath({ transform, arcs, objects }: Topology): string {
  const [scaleX = 1, scaleY = 1] = transform.scale;
  const [left = 0, bottom = 0] = transform.translate;
  const lines = arcs.map((arc) => {
    let [x, y] = [0, 0];
    return arc.map(([dx = 0, dy = 0]) => {
      x += dx;
      y += dy;
      return [x * scaleX + left, -(y * scaleY + bottom)] as const;
    });
  });
  const ringOf = (ring: readonly number[]) =>
    ring.flatMap((at, place) => {
      // The complement of a number is its line backwards; each begins where the one before it ended.
      const line = at < 0 ? (lines[~at] ?? []).toReversed() : (lines[at] ?? []);
      return place === 0 ? line : line.slice(1);
    });
  const rings = objects.land.geometries.flatMap((geometry) => geometry.arcs.flat());
  return rings
    .flatMap((ring) => copiesOf(unrolled(ringOf(ring))))
    .map(pathOf)
    .join("");
}

type Point = readonly [x: number, y: number];

const pathOf = (points: readonly Point[]): string =>
  `M${points.map(([x, y]) => `${x.toFixed(2)} ${y.toFixed(2)}`).join("L")}Z`;

/** What crosses the line of dates goes on beyond it, and what goes around a pole is closed there. */
function unrolled(points: readonly Point[]): readonly Point[] {
  let turn = 0;
  const flat = points.map(([x, y], at): Point => {
    const before = points[at - 1]?.[0] ?? x;
    if (x - before > 180) turn -= 360;
    if (before - x > 180) turn += 360;
    return [x + turn, y];
  });
  const [first, last] = [flat[0], flat.at(-1)];
  if (!first || !last || Math.abs(last[0] - first[0]) < 180) return flat;
  const pole = first[1] > 0 ? 90 : -90;
  return [...flat, [last[0], pole], [first[0], pole]];
}

/** Once more at the other edge of the world, where it reaches beyond this one. */
function copiesOf(points: readonly Point[]): readonly (readonly Point[])[] {
  const xs = points.map(([x]) => x);
  const moved = (by: number) => points.map(([x, y]): Point => [x + by, y]);
  return [points, ...(Math.min(...xs) < -180 ? [moved(360)] : []), ...(Math.max(...xs) > 180 ? [moved(-360)] : [])];
}
