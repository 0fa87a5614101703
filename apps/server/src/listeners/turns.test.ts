import assert from "node:assert/strict";
import { test } from "node:test";
import { TestClock } from "../testing/clock.ts";
import { Turns, type Turn, type TurnRates } from "./turns.ts";

const rates: TurnRates = { refused: { perSecond: 50, burst: 200 }, all: { perSecond: 1_000, burst: 1_000 } };

/** A network of clients: each comes, waits for its turn, is judged at once, and comes again if it was refused. */
function world(given: Partial<TurnRates> = {}) {
  const clock = new TestClock();
  const turns = new Turns({ clock, timers: clock }, { ...rates, ...given });
  const counts = { welcome: 0, refused: 0 };
  const come = (network: string, verdict: "welcome" | "refused", again = false): (() => void) | undefined =>
    turns.take(network, (turn) => {
      counts[verdict] += 1;
      // Not in the same turn: it has to be heard first.
      clock.after(20, () => {
        turns.judge(turn, verdict);
        if (again) come(network, verdict, again);
      });
    });
  const during = (milliseconds: number) => {
    const before = { ...counts };
    clock.move(milliseconds);
    return { welcome: counts.welcome - before.welcome, refused: counts.refused - before.refused };
  };
  return { turns, come, during };
}

test("a network whose clients are all good never waits for the refused", () => {
  const { turns, come, during } = world({ all: { perSecond: 1e6, burst: 1e6 } });
  for (let second = 0; second < 10; second += 1) {
    for (let at = 0; at < 5_000; at += 1) come("meters", "welcome");
    assert.equal(turns.waiting, 0);
    during(1_000);
  }
});

test("clients that are refused and come back at once have so many turns a second, of all of them together", () => {
  const { come, during } = world();
  for (let at = 0; at < 300; at += 1) come("revoked", "refused", true);
  during(1_000);
  const { refused } = during(10_000);
  assert.ok(refused >= 490 && refused <= 510, String(refused));
});

test("good clients among them all get in, after no more turns than there were clients before them", () => {
  const { turns, come, during } = world();
  for (let at = 0; at < 300; at += 1) come("carrier", "refused", true);
  during(10_000);
  for (let at = 0; at < 50; at += 1) come("carrier", "welcome");
  assert.ok(turns.waiting > 300);
  come("elsewhere", "welcome");
  assert.equal(during(20).welcome, 0);
  assert.equal(during(7_500).welcome, 50);
});

test("the more good clients come from a network, the more of it have a turn", () => {
  const served = [0, 1, 3].map((good) => {
    const { come, during } = world();
    for (let at = 0; at < 100; at += 1) {
      come("carrier", "refused", true);
      for (let one = 0; one < good; one += 1) come("carrier", "welcome", true);
    }
    during(10_000);
    const { welcome, refused } = during(10_000);
    return welcome + refused;
  });
  const [none = 0, half = 0, most = 0] = served;
  assert.ok(half > none * 1.8 && most > none * 3.5, String(served));
});

test("a network that let up is as free as any other", () => {
  const { turns, come, during } = world();
  const leave: (() => void)[] = [];
  for (let at = 0; at < 1_000; at += 1) leave.push(come("carrier", "refused") ?? (() => {}));
  during(1_000);
  for (let at = 0; at < 1_000; at += 1) leave.push(come("carrier", "refused") ?? (() => {}));
  assert.ok(turns.waiting > 500);
  for (const go of leave) go();
  assert.equal(turns.waiting, 0);
  during(5_000);
  for (let at = 0; at < 1_000; at += 1) come("carrier", "welcome");
  assert.equal(turns.waiting, 0);
});

test("however good they are, so many come from a network in a second, and whoever is beyond that waits", () => {
  const { turns, come, during } = world({ all: { perSecond: 100, burst: 100 } });
  for (let at = 0; at < 500; at += 1) come("stampede", "welcome");
  assert.equal(turns.waiting, 400);
  come("elsewhere", "welcome");
  assert.equal(turns.waiting, 400);
  const { welcome } = during(1_000);
  assert.ok(welcome >= 95 && welcome <= 105, String(welcome));
  during(3_100);
  assert.equal(turns.waiting, 0);
});

test("what was lent to a connection is given back once, and no more than was there", () => {
  const { turns } = world();
  let turn: Turn | undefined;
  turns.take("one", (given) => (turn = given));
  assert.ok(turn && turn.expected === 0);
  for (let at = 0; at < 10; at += 1) turns.judge(turn, "refused");
  turns.take("one", (given) => (turn = given));
  assert.ok(turn.expected > 0.2 && turn.expected < 0.4);
});
