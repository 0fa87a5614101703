/** What of the world a map shows, in degrees: its middle, and how many lie across it. */
export type View = { readonly x: number; readonly y: number; readonly across: number };

export const world: View = { x: 0, y: 0, across: 360 };
const nearest = 0.01; // degrees across, about a kilometre

/** The same point of the world stays under the finger. `at` is its distance from the middle, in degrees. */
export function zoomed(view: View, by: number, at: { readonly x: number; readonly y: number } = { x: 0, y: 0 }): View {
  const across = Math.min(360, Math.max(nearest, view.across * by));
  const kept = across / view.across;
  return within({ x: view.x + at.x * (1 - kept), y: view.y + at.y * (1 - kept), across });
}

export const moved = (view: View, dx: number, dy: number): View => within({ ...view, x: view.x + dx, y: view.y + dy });

const within = ({ x, y, across }: View): View => ({
  x: Math.min(180, Math.max(-180, x)),
  y: Math.min(90, Math.max(-90, y)),
  across,
});

/** All of these with a margin, on a map that is `shape` times as wide as high. */
export function showing(points: readonly { readonly x: number; readonly y: number }[], shape: number): View {
  const [first] = points;
  if (!first) return world;
  const [xs, ys] = [points.map(({ x }) => x), points.map(({ y }) => y)];
  const [left, right] = [Math.min(...xs), Math.max(...xs)];
  const [top, bottom] = [Math.min(...ys), Math.max(...ys)];
  const across = Math.max((right - left) * 1.3, (bottom - top) * 1.3 * shape, 4);
  return within({ x: (left + right) / 2, y: (top + bottom) / 2, across: Math.min(360, across) });
}
