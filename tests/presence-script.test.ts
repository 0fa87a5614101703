import assert from "node:assert/strict";
import { test } from "node:test";
import { newId, systemRandom, type Id } from "@holdfast/kernel";
import type { Placement } from "../apps/server/src/authority/index.ts";
import { Watching, type OpenAlert } from "../apps/server/src/alerts/watch.ts";
import type { Rule } from "../apps/server/src/alerts/rule.ts";
import { dueAt, lasting, next, remembered, type Facts, type Happening } from "../apps/server/src/messages/condition.ts";
import { presenceStateOf, Seen, type Cause, type Presence } from "../apps/server/src/messages/presence.ts";
import { Wheel } from "../apps/server/src/messages/wheel.ts";
import { TestClock } from "../apps/server/src/testing/index.ts";
import { Chance } from "./faults/seed.ts";

// A thousand devices that connect, vanish, freeze and flap, on a clock that is moved, and set, with a restart in between. What is said of each is compared
// with what its script says of it, worked out beside all code that is tried.

const second = 1_000;
const [interval, keepAlive, after] = [30 * second, 60 * second, 60 * second];
const [stopAt, startAt, end] = [900 * second, 920 * second, 1_900 * second];
type Change = readonly [at: number, state: string];
type Step = { readonly at: number; readonly do: () => void };

const org = newId("org", systemRandom);
const application = newId("application", systemRandom);
/** Whose connections these are is no matter here. */
const line = { address: "192.0.2.1", credential: newId("key", systemRandom), way: 0, since: 0 };
const placement: Placement = {
  application,
  product: undefined,
  state: "active",
  tags: {},
  alias: undefined,
  version: 1,
};

class Fleet {
  readonly clock = new TestClock();
  readonly began = this.clock.elapsed();
  readonly told = new Map<Id<"device">, Change[]>();
  readonly raised: { readonly device: Id<"device">; readonly at: number }[] = [];
  /** When it was over for each, by elapsed milliseconds. */
  readonly over = new Map<Id<"device">, number>();
  alerts = 0;
  cleared = 0;
  readonly #open = new Map<Id<"alert">, Set<Id<"device">>>();
  #seen = new Map<Id<"device">, Seen>();
  #wheel = this.#newWheel();
  #watching = this.#newWatching();

  get at(): number {
    return this.clock.elapsed() - this.began;
  }

  #newWheel(): Wheel<Seen> {
    return new Wheel({ clock: this.clock, timers: this.clock }, (seen) => this.#look(seen));
  }

  #newWatching(open: readonly OpenAlert[] = []): Watching {
    const watching = new Watching({
      clock: this.clock,
      timers: this.clock,
      random: systemRandom,
      startedAt: this.clock.elapsed(),
      placementOf: () => placement,
      presenceOf: (device) => this.seen(device).presence,
    });
    watching.setRules([rule], open);
    return watching;
  }

  seen(device: Id<"device">): Seen {
    let seen = this.#seen.get(device);
    if (!seen) this.#seen.set(device, (seen = new Seen(org, device)));
    return seen;
  }

  came(device: Id<"device">): void {
    this.seen(device).own = { state: "online", since: this.clock.now() };
    this.#happens(device, { what: "came" });
  }

  went(device: Id<"device">, because: Cause): void {
    const seen = this.seen(device);
    seen.own = { state: "offline", since: this.clock.now(), because };
    seen.sessions.clear();
    this.#happens(device, { what: because === "stopped" ? "lost" : "went" });
  }

  read(device: Id<"device">): void {
    const seen = this.seen(device);
    seen.readAt = this.clock.elapsed();
    if (seen.awaited) this.#happens(device, { what: "read" });
  }

  owes(device: Id<"device">, since: number | undefined): void {
    this.seen(device).sessions.set(device, { ...line, unansweredSince: since });
    this.#happens(device, { what: "acknowledged" });
  }

  /** The platform stops; what the database has is all that the next one knows. */
  stop(): void {
    for (const [device, seen] of this.#seen) if (seen.coming.state === "online") this.went(device, "stopped");
    this.#note();
    this.#wheel.close();
    this.#watching.close();
  }

  start(): void {
    const before = this.#seen;
    this.#seen = new Map();
    this.#wheel = this.#newWheel();
    const latest = this.clock.now();
    const open = [...this.#open].map(([id, devices]) => ({
      id,
      rule: rule.id,
      cause: "offline" as const,
      outage: false,
      latest,
      devices: [...devices],
    }));
    this.#watching = this.#newWatching(open);
    for (const [device, { own, condition }] of before) {
      const seen = this.seen(device);
      seen.own = own;
      seen.condition = remembered(this.clock.elapsed(), lasting(condition));
      this.#wheel.put(seen, dueAt(seen.condition, this.#facts(seen)));
    }
    this.#watching.lookAtAll(before.keys());
    // As the round does when the time to come back is over.
    this.clock.after(121 * second, () => this.#watching.lookAtAll(before.keys()));
  }

  #facts = ({ readAt, unansweredSince, coming }: Seen): Facts => ({
    readAt,
    unansweredSince,
    interval,
    isAway: coming.state === "offline",
  });

  #look = (seen: Seen): void => this.#happens(seen.device, { what: "looked", ...this.#facts(seen) });

  #happens(device: Id<"device">, happening: Happening): void {
    const seen = this.seen(device);
    seen.condition = next(seen.condition, happening, this.clock.elapsed(), this.clock.now());
    this.#wheel.put(seen, dueAt(seen.condition, this.#facts(seen)));
    const told = this.told.get(device) ?? [];
    this.told.set(device, told);
    const state = presenceStateOf(seen.presence);
    if (told.at(-1)?.[1] !== state) told.push([this.at, state]);
    this.#watching.look(device);
  }

  #note(): void {
    const { changes } = this.#watching;
    this.#watching.changes = [];
    for (const change of changes) {
      const devices = this.#open.get(change.alert) ?? new Set();
      this.#open.set(change.alert, devices);
      if (change.what === "raised") this.alerts += 1;
      if (change.what === "cleared") {
        this.cleared += 1;
        this.#open.delete(change.alert);
      } else if (change.what === "left")
        for (const { device, at } of change.devices) {
          devices.delete(device);
          this.over.set(device, at - this.clock.now() + this.at);
        }
      else
        for (const { device } of change.devices) {
          devices.add(device);
          this.raised.push({ device, at: this.at });
        }
    }
  }

  /** Each second, as the platform does, unless what there is to write down waits meanwhile. */
  until(at: number, isWriting = true): void {
    while (this.at < at) {
      this.clock.move(Math.min(second, at - this.at));
      if (isWriting) this.#note();
    }
  }
}

const rule: Rule = {
  id: newId("alertRule", systemRandom),
  name: "All",
  states: ["offline", "silent", "notReceiving", "flapping"],
  after: "60s",
  of: { all: true },
  people: [],
  webhooks: [],
  createdAt: new TestClock().now(),
  version: 1,
};

const kinds = ["steady", "vanish", "goodbye", "quiet", "pause", "freeze", "flap", "lost"] as const;

test("of a thousand devices that connect, vanish, freeze and flap each state is right to a second, and no alert is missed or false", () => {
  const chance = new Chance();
  const fleet = new Fleet();
  const steps: Step[] = [];
  const expected = new Map<Id<"device">, Change[]>();
  const away: { readonly device: Id<"device">; readonly at: number }[] = [];
  const rand = (most: number) => chance.between(0, most - 1);

  for (let i = 0; i < 1_000; i++) {
    const device = newId("device", systemRandom);
    const kind = kinds[i % kinds.length];
    const changes: Change[] = [];
    expected.set(device, changes);
    const at = (when: number, what: () => void, state?: string) => {
      steps.push({ at: when, do: what });
      if (state !== undefined && changes.at(-1)?.[1] !== state) changes.push([when, state]);
    };
    const reads = (from: number, to: number): number => {
      let last = from;
      for (; last + interval < to; last += interval) at(last, () => fleet.read(device));
      at(last, () => fleet.read(device));
      return last;
    };
    const isLate = i % 2 === 1; // what becomes of it is before the restart, or after it
    const here = rand(10 * second);
    at(here, () => fleet.came(device), "online");
    let from = here + second;
    const restart = () => {
      at(stopAt, () => {}, "offline"); // by the stop itself
      if (kind === "lost") return void away.push({ device, at: startAt + 120 * second });
      // Some take longer to come back than the rule waits: the platform's start is no fault of theirs.
      const back = startAt + second + rand(i % 10 === 0 ? 100 * second : 15 * second);
      at(back, () => fleet.came(device), "online");
      from = back + second;
    };
    const trouble = (w: number) => {
      switch (kind) {
        case "vanish": {
          const last = reads(from, w);
          changes.push([last + 2 * interval, "silent"]);
          away.push({ device, at: last + 2 * interval + after });
          at(last + 1.5 * keepAlive, () => fleet.went(device, "silent"), "offline");
          const back = last + 300 * second + rand(20 * second);
          at(back, () => fleet.came(device), "silent");
          from = back + second;
          changes.push([from, "online"]);
          return;
        }
        case "goodbye":
          reads(from, w);
          at(w, () => fleet.went(device, "goodbye"), "offline");
          at(w + 30 * second, () => fleet.came(device), "online");
          from = w + 31 * second;
          return;
        case "quiet":
        case "pause": {
          const last = reads(from, w);
          changes.push([last + 2 * interval, "silent"]);
          if (kind === "quiet") away.push({ device, at: last + 2 * interval + after });
          from = last + 2 * interval + (kind === "quiet" ? 150 : 40) * second;
          changes.push([from, "online"]);
          return;
        }
        case "freeze":
          reads(from, w + 200 * second);
          from = w + 200 * second + interval / 2;
          at(w, () => fleet.owes(device, fleet.clock.elapsed()));
          changes.push([w + 30 * second, "notReceiving"]);
          away.push({ device, at: w + 30 * second + after });
          at(w + 200 * second, () => fleet.owes(device, undefined), "online");
          return;
        case "flap": {
          reads(from, w);
          const turns = [isLate ? from - second : here];
          let began = false;
          for (let turn = 0; turn < 12; turn++) {
            const when = w + turn * 8 * second;
            const isGoing = turn % 2 === 0;
            turns.push(when);
            began ||= turns.length >= 6 && when - (turns.at(-6) ?? 0) <= 300 * second;
            const state = began ? "flapping" : isGoing ? "offline" : "online";
            if (began && changes.at(-1)?.[1] !== "flapping") away.push({ device, at: when + after });
            at(when, () => (isGoing ? fleet.went(device, "broken") : fleet.came(device)), state);
          }
          const last = w + 88 * second;
          changes.push([last + 120 * second, "online"]);
          from = last + second;
          return;
        }
        case "steady":
        case "lost":
        case undefined:
          return;
      }
    };
    if (!isLate) trouble(150 * second + rand(100 * second));
    reads(from, stopAt - second);
    restart();
    if (kind === "lost") continue;
    if (isLate) trouble(1_250 * second + rand(100 * second));
    reads(from, end);
  }
  const restarts: Step[] = [
    { at: stopAt, do: () => fleet.stop() },
    { at: startAt, do: () => fleet.start() },
    // Somebody sets the machine's clock.
    { at: 333 * second, do: () => fleet.clock.set(fleet.clock.now() + 3_600 * second) },
    { at: 1_500 * second, do: () => fleet.clock.set(fleet.clock.now() - 7_200 * second) },
  ];
  for (const step of [...steps, ...restarts].toSorted((a, b) => a.at - b.at)) {
    fleet.until(step.at);
    step.do();
  }
  fleet.until(end + 10 * second);

  let worst = 0;
  for (const [device, changes] of expected) {
    const told = fleet.told.get(device) ?? [];
    const shown = `seed ${chance.seed} ${JSON.stringify({ told, changes })}`;
    assert.deepEqual(
      told.map(([, state]) => state),
      changes.map(([, state]) => state),
      shown,
    );
    for (const [i, [at]] of changes.entries()) worst = Math.max(worst, Math.abs((told[i]?.[0] ?? Number.NaN) - at));
  }
  assert.ok(worst <= second, `${worst} ms beside`);
  const byDevice = Map.groupBy(fleet.raised, ({ device }) => device);
  for (const { device, at } of away) {
    const [first] = byDevice.get(device) ?? [];
    assert.ok(
      first && first.at >= at && first.at - at <= 10 * second,
      `seed ${chance.seed} due ${at}, raised ${first?.at}`,
    );
  }
  assert.equal(fleet.raised.length, away.length, `seed ${chance.seed} none is told twice, and none that is well`);
  assert.ok(fleet.alerts < away.length / 3, `${fleet.alerts} alerts of ${away.length} devices: many at once are one`);
});

test("when an alert is over for a device is told right, however late it is written down", () => {
  const fleet = new Fleet();
  const devices = Array.from({ length: 5 }, () => newId("device", systemRandom));
  fleet.until(121 * second);
  for (const device of devices) fleet.came(device);
  fleet.until(130 * second);
  for (const device of devices) fleet.went(device, "broken");
  fleet.until(200 * second);
  assert.deepEqual([fleet.alerts, fleet.raised.length], [1, 5]);
  const back = devices.map((device, index) => ({ device, at: (210 + 2 * index) * second }));
  for (const { device, at } of back) {
    fleet.until(at, false);
    fleet.came(device);
  }
  fleet.until(225 * second);
  assert.equal(fleet.cleared, 1);
  assert.deepEqual(
    [...fleet.over],
    back.map(({ device, at }) => [device, at]),
  );
});

test("a device that falls silent and comes back ten thousand times under a rule of a month is waited for once", (t) => {
  const clock = new TestClock();
  const device = newId("device", systemRandom);
  const there: Presence = { state: "online", since: clock.now(), lastSeenAt: clock.now() };
  let presence: Presence = there;
  const watching = new Watching({
    clock,
    timers: clock,
    random: systemRandom,
    startedAt: clock.elapsed() - 1_000 * second,
    placementOf: () => placement,
    presenceOf: () => presence,
  });
  const put = t.mock.method(Wheel.prototype, "put"); // as it is, and seen
  watching.setRules([{ ...rule, after: "31d" }]);
  const silent = () => {
    presence = { ...there, trouble: { state: "silent", since: clock.now() } };
    watching.look(device);
  };
  for (let i = 0; i < 10_000; i++) {
    silent();
    clock.move(second);
    presence = there;
    watching.look(device);
    clock.move(second);
  }
  const things = new Set(put.mock.calls.map(({ arguments: [thing] }) => thing));
  assert.equal(things.size, 1);
  silent();
  clock.move(31 * 86_400 * second - second);
  assert.deepEqual(watching.changes, [], "it has not been silent for so long");
  clock.move(second);
  clock.move(6 * second);
  clock.move(6 * second);
  assert.deepEqual(
    watching.changes.map(({ what }) => what),
    ["raised"],
  );
  watching.close();
});
