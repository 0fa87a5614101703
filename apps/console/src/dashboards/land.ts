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
    .map(
      (ring) =>
        `M${ringOf(ring)
          .map(([x, y]) => `${x.toFixed(2)} ${y.toFixed(2)}`)
          .join("L")}Z`,
    )
    .join("");
}
