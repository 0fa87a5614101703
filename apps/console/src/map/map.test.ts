import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { clusters } from "./clusters.ts";
import { landPath, type Topology } from "./land.ts";
import { moved, showing, world, zoomed } from "./view.ts";

const file = new URL("../../../../node_modules/world-atlas/land-110m.json", import.meta.url);

test("the outline of the land is made of closed rings within the world, and Africa is where it is", () => {
  const path = landPath(JSON.parse(readFileSync(file, "utf8")) as Topology);
  const rings = path.split("Z").filter(Boolean);
  assert.ok(rings.length > 100);
  const africa = rings
    .map((ring) =>
      ring
        .slice(1)
        .split("L")
        .map((point) => point.split(" ").map(Number)),
    )
    .find((points) => points.some(([x = 0, y = 0]) => x > 17 && x < 19.5 && -y < -33 && -y > -36));
  assert.ok(africa && africa.length > 200, "the Cape belongs to a large ring");
  // Nothing is drawn across the whole map: what crosses the line of dates goes on at the other edge.
  for (const ring of rings) {
    const points = ring
      .slice(1)
      .split("L")
      .map((point) => point.split(" ").map(Number));
    const alongPole = points.filter(([, y = 0]) => Math.abs(y) < 90);
    for (const [at, [x = 0]] of alongPole.entries())
      if (at > 0) assert.ok(Math.abs(x - (alongPole[at - 1]?.[0] ?? 0)) < 90, ring.slice(0, 40));
  }
});

test("what lies under the finger stays there while the map is zoomed, and nobody leaves the world", () => {
  const at = { x: 40, y: -10 };
  const near = zoomed(world, 0.5, at);
  assert.equal(near.across, 180);
  // The same distance of the screen is half as many degrees now.
  assert.deepEqual([near.x + at.x / 2, near.y + at.y / 2], [40, -10]);
  assert.equal(zoomed(near, 1_000).across, 360);
  assert.equal(moved(world, 500, -500).x, 180);
  const view = showing(
    [
      { x: 8, y: -47 },
      { x: 12, y: -52 },
    ],
    2,
  );
  assert.deepEqual([view.x, view.y], [10, -49.5]);
  assert.ok(view.across >= 10);
  assert.deepEqual(showing([], 2), world);
});

test("marks that lie on each other are one, and none is lost however many there are", () => {
  const marks = Array.from({ length: 10_000 }, (_, at) => ({ x: (at % 360) - 180, y: ((at * 7) % 180) - 90 }));
  for (const degrees of [0.01, 5, 90]) {
    const found = clusters(marks, degrees);
    assert.equal(found.flatMap(({ marks: together }) => together).length, marks.length);
    for (const { x, y, marks: together } of found)
      assert.ok(together.every((mark) => Math.abs(mark.x - x) <= degrees && Math.abs(mark.y - y) <= degrees));
  }
  assert.equal(clusters(marks, 90).length <= 15, true);
});
