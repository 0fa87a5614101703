import assert from "node:assert/strict";
import { test } from "node:test";
import { noJournal } from "./journal.ts";
import type { Limits } from "./room.ts";
import { Spool } from "./spool.ts";
import { replies, telemetry, type Lane } from "./topics.ts";

const none = () => false;
const entriesOf = (spool: Spool, lane: Lane) =>
  [...spool.queues(lane).values()].flatMap((queue) => [...queue.values()]);
const payloads = (spool: Spool) => entriesOf(spool, "telemetry").map(({ payload }) => payload);

test("one that is full refuses, waits in order, or drops the oldest measurement and counts it; never what is under way, nor a reply", async () => {
  const two = (whenFull: Limits["whenFull"], dropped: string[] = []) =>
    new Spool(
      noJournal,
      { entries: 2, bytes: 10_000, share: 1, whenFull },
      ({ payload }) => void dropped.push(payload),
    );
  const refusing = two("refuse");
  for (const text of ["1", "2"]) await refusing.keep(telemetry, text, none);
  await assert.rejects(refusing.keep(telemetry, "3", none), { code: "spool.full" });
  await assert.rejects(refusing.keep(telemetry, "x".repeat(10_000), none), { code: "spool.tooLarge" });
  refusing.finish("cmd_1", "{}");
  assert.deepEqual(
    entriesOf(refusing, "reply").map(({ topic }) => topic),
    [`${replies}cmd_1`],
  );

  const waiting = two("wait");
  const kept: string[] = [];
  const all = ["1", "2", "3", "4"].map(async (text) => kept.push((await waiting.keep(telemetry, text, none)).payload));
  await Promise.all(all.slice(0, 2));
  assert.deepEqual(kept, ["1", "2"]);
  for (const entry of entriesOf(waiting, "telemetry")) waiting.remove(entry);
  await Promise.all(all);
  assert.deepEqual(
    [kept, payloads(waiting)],
    [
      ["1", "2", "3", "4"],
      ["3", "4"],
    ],
  );
  const late = waiting.keep(telemetry, "5", none);
  await Promise.all([assert.rejects(late, { code: "device.closed" }), waiting.close()]);

  const dropped: string[] = [];
  const dropping = two("dropOldest", dropped);
  for (const text of ["1", "2"]) await dropping.keep(telemetry, text, none);
  await dropping.keep(telemetry, "3", ({ payload }) => payload === "1");
  assert.deepEqual([payloads(dropping), dropped, dropping.dropped], [["1", "3"], ["2"], 1]);
  await assert.rejects(
    dropping.keep(telemetry, "4", () => true),
    { code: "spool.full" },
  );
});
