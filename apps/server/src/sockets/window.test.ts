import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Window } from "./window.ts";

const frame = fc.record({ boot: fc.integer({ min: 0, max: 3 }), counter: fc.integer({ min: 0, max: 90 }) });

/** The same without bits: every frame that there was. */
class Slow {
  readonly had = new Set<string>();
  boot = -1;
  top = -1;

  of(boot: number, counter: number) {
    if (boot < this.boot || (boot === this.boot && counter <= this.top - 32)) return "past";
    return this.had.has(`${boot} ${counter}`) ? "had" : "new";
  }

  add(boot: number, counter: number) {
    if (this.of(boot, counter) === "past") return;
    this.had.add(`${boot} ${counter}`);
    this.top = boot > this.boot ? counter : Math.max(this.top, counter);
    this.boot = boot;
  }
}

test("a window says of every frame what a list of all frames would say", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(frame, fc.boolean()), { maxLength: 120 }), (all) => {
      const [window, slow] = [new Window(), new Slow()];
      for (const [{ boot, counter }, isTaken] of all) {
        assert.equal(window.of(boot, counter), slow.of(boot, counter));
        if (!isTaken) continue;
        window.add(boot, counter);
        slow.add(boot, counter);
      }
      const again = new Window(window.boot, window.top, window.bits);
      for (const [{ boot, counter }] of all) assert.equal(again.of(boot, counter), slow.of(boot, counter));
    }),
  );
});

test("a frame that was not kept after all may come again, and no other may because of it", () => {
  const window = new Window();
  for (const counter of [0, 1, 2, 33]) window.add(1, counter);
  window.remove(1, 2);
  window.remove(0, 33);
  assert.deepEqual(
    [0, 1, 2, 33].map((counter) => window.of(1, counter)),
    ["past", "past", "new", "had"],
  );
});
