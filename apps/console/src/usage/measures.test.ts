import assert from "node:assert/strict";
import { test } from "node:test";
import { drawn, oneOf, type Step } from "./measures.ts";

const step = (time: string, given: Partial<Step>): Step => ({
  time,
  connections: 0,
  messagesIn: 0,
  messagesOut: 0,
  bytesIn: 0,
  bytesOut: 0,
  requests: 0,
  points: 0,
  ...given,
});
const [first, second] = ["2026-01-01T00:00:00.000Z", "2026-01-02T00:00:00.000Z"];

const now = Date.parse(second) + 5_000;
const lastTwo = (line: readonly number[]) => line.slice(-2);

test("of the organisation each way is a line, and a step without anything is nothing", () => {
  const steps = [step(second, { bytesIn: 5 }), step(first, { bytesIn: 1, bytesOut: 2 })];
  assert.deepEqual(drawn(steps, { measure: "bytes", by: "organisation", every: "day", now }).data.map(lastTwo), [
    [Date.parse(first) / 1_000, Date.parse(second) / 1_000],
    [1, 5],
    [2, 0],
  ]);
});

test("of a group the four with most are drawn, each over the whole time", () => {
  const steps = ["a", "b", "c", "d", "e"].flatMap((about, at) => [step(first, { about, points: at })]);
  const { names, data } = drawn([...steps, step(second, { about: "b", points: 90 })], {
    measure: "points",
    by: "device",
    every: "day",
    now,
  });
  assert.deepEqual(names, ["b", "e", "d", "c"]);
  assert.deepEqual(data.slice(1, 3).map(lastTwo), [
    [1, 90],
    [4, 0],
  ]);
});

test("of steps of which not all is known none is drawn: it would look as if nothing had been used", () => {
  const { data } = drawn([step(second, { about: "a", points: 3 }), step(first, { about: "a", points: 1 })], {
    measure: "points",
    by: "device",
    every: "day",
    now,
    after: first,
  });
  assert.deepEqual(data, [[Date.parse(second) / 1_000], [3]]);
});

test("what an address says is one of the names, or the first of them", () => {
  assert.equal(oneOf(["day", "hour"], "hour"), "hour");
  assert.equal(oneOf(["day", "hour"], "week"), "day");
  assert.equal(oneOf(["day", "hour"], undefined), "day");
});

test("an axis has every step, the months too", () => {
  const axis = (every: "hour" | "month") =>
    drawn([], { measure: "points", by: "organisation", every, now }).data[0] ?? [];
  assert.equal(axis("hour").at(-1), Date.parse(second) / 1_000);
  assert.equal(axis("hour").length, 48);
  assert.deepEqual(
    [axis("month").at(-1), axis("month").at(-2)].map((at) => new Date((at ?? 0) * 1_000).toISOString()),
    [first, "2025-12-01T00:00:00.000Z"],
  );
});
