import assert from "node:assert/strict";
import { test } from "node:test";
import type { Timers } from "@holdfast/kernel";
import { Subscriptions, type Ear } from "./subscriptions.ts";

/** What was asked of a connection; the test answers as the platform does. */
function line() {
  const asked: { filters: readonly string[]; toOthers: readonly boolean[]; answer: (...codes: number[]) => void }[] =
    [];
  const ended: { filter: string; answer: () => void }[] = [];
  const ear: Ear = {
    subscribe: (filters, answered) =>
      asked.push({
        filters: filters.map(({ filter }) => filter),
        toOthers: filters.map(({ isToOthers }) => isToOthers),
        answer: (...codes) => answered(codes),
      }),
    unsubscribe: (filter, answered) => ended.push({ filter, answer: answered }),
  };
  return { ear, asked, ended };
}

/** One that waits for nothing, and whose timers the test lets go off. */
function subscriptions() {
  const waiting = new Set<() => void>();
  const timers: Timers = {
    after(_, work) {
      waiting.add(work);
      return { cancel: () => void waiting.delete(work) };
    },
  };
  const goOff = () => {
    const all = [...waiting];
    waiting.clear();
    for (const work of all) work();
  };
  const made = new Subscriptions({ timers, random: { bytes: (count) => new Uint8Array(count) } });
  return { made, goOff, waiting };
}
/** A listener that writes down. */
function ear() {
  const heard: string[] = [];
  let granted = 0;
  const refused: number[] = [];
  return {
    heard,
    refused,
    granted: () => granted,
    to: {
      take: (topic: string, payload: string) => void heard.push(`${topic} ${payload}`),
      granted: () => void (granted += 1),
      refused: (reason: number) => void refused.push(reason),
    },
  };
}
const turn = () => new Promise<void>((resolve) => queueMicrotask(resolve));

test("what is listened to in one turn is asked for at once, on each connection anew, two hundred filters at a time", async () => {
  const { made } = subscriptions();
  for (let n = 0; n < 250; n += 1) made.listen(`children/${n}/commands/add`, ear().to);
  const first = line();
  made.open(first.ear);
  assert.deepEqual(
    first.asked.map(({ filters }) => filters.length),
    [200],
  );
  first.asked[0]?.answer(...Array.from({ length: 200 }, () => 1));
  assert.deepEqual(
    first.asked.map(({ filters }) => filters.length),
    [200, 50],
  );
  made.closed();
  const second = line();
  made.open(second.ear);
  second.asked[0]?.answer(...Array.from({ length: 200 }, () => 1));
  second.asked[1]?.answer(...Array.from({ length: 50 }, () => 1));
  made.listen("a", ear().to);
  made.listen("b", ear().to);
  await turn();
  assert.deepEqual(second.asked[2]?.filters, ["a", "b"]);
});

test("several hear one filter, which is asked for once; whoever comes later is told that it is heard", () => {
  const { made } = subscriptions();
  const [one, two, wild, late] = [ear(), ear(), ear(), ear()];
  made.listen("groups/pumps/level", { ...one.to, isToOthers: true });
  made.listen("groups/pumps/level", two.to);
  made.listen("groups/+/level", { ...wild.to, isToOthers: true });
  const { ear: connection, asked } = line();
  made.open(connection);
  assert.deepEqual(asked[0]?.filters, ["groups/+/level", "groups/pumps/level"]);
  assert.deepEqual(asked[0]?.toOthers, [true, false], "one of them wants what this device says itself");
  asked[0]?.answer(1, 1);
  made.listen("groups/pumps/level", late.to);
  assert.deepEqual(
    [one, two, wild, late].map((each) => each.granted()),
    [1, 1, 1, 1],
  );
  made.take("groups/pumps/level", "3", undefined);
  for (const each of [one, two, wild, late]) assert.deepEqual(each.heard, ["groups/pumps/level 3"]);
  assert.equal(asked.length, 1);
});

test("what a device does not listen to any more it hears until the platform has heard of that, and another's ear stays", () => {
  const { made } = subscriptions();
  const [one, two] = [ear(), ear()];
  const [endOne, endTwo] = [made.listen("a", one.to), made.listen("a", two.to)];
  const { ear: connection, asked, ended } = line();
  made.open(connection);
  asked[0]?.answer(1);
  endOne();
  endOne();
  assert.equal(ended.length, 0, "somebody listens yet");
  made.take("a", "1", undefined);
  endTwo();
  made.take("a", "2", undefined);
  assert.deepEqual([one.heard, two.heard], [[], ["a 1", "a 2"]]);
  assert.deepEqual(
    ended.map(({ filter }) => filter),
    ["a"],
  );
  ended[0]?.answer();
  made.take("a", "3", undefined);
  assert.equal(two.heard.length, 2);
  made.closed();
  const next = line();
  made.open(next.ear);
  assert.deepEqual(next.asked, [], "nobody listens");
});

test("whoever listens again before the platform has answered is heard as well", async () => {
  const { made } = subscriptions();
  const end = made.listen("a", ear().to);
  const { ear: connection, asked, ended } = line();
  made.open(connection);
  end();
  const again = ear();
  made.listen("a", again.to);
  await turn();
  asked[0]?.answer(1); // to what is not asked any more
  assert.equal(again.granted(), 0);
  ended[0]?.answer();
  assert.deepEqual(asked[1]?.filters, ["a"]);
  asked[1]?.answer(1);
  made.take("a", "1", undefined);
  assert.deepEqual([again.granted(), again.heard], [1, ["a 1"]]);
});

test("what is refused is told, and asked for again after a while, for the child may be bound by then", async () => {
  const { made, goOff, waiting } = subscriptions();
  const [one, other] = [ear(), ear()];
  made.listen("children/valve/commands/add", one.to);
  made.listen("me/commands/add", other.to);
  const { ear: connection, asked } = line();
  made.open(connection);
  asked[0]?.answer(0x87, 1);
  assert.deepEqual([one.refused, other.refused, other.granted()], [[0x87], [], 1]);
  assert.equal(asked.length, 1);
  goOff();
  await turn();
  assert.deepEqual(asked[1]?.filters, ["children/valve/commands/add"]);
  asked[1]?.answer(1);
  assert.deepEqual([one.granted(), other.granted()], [1, 1]);
  made.closed();
  assert.equal(waiting.size, 0, "nothing is asked for without a connection");
});

test("an answer of a connection that is over counts for nothing on the next", () => {
  const { made } = subscriptions();
  const one = ear();
  made.listen("a", one.to);
  const [first, second] = [line(), line()];
  made.open(first.ear);
  made.closed();
  made.open(second.ear);
  first.asked[0]?.answer(1);
  assert.equal(one.granted(), 0);
  second.asked[0]?.answer(1);
  assert.equal(one.granted(), 1);
});
