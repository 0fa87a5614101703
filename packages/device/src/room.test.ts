import assert from "node:assert/strict";
import { test } from "node:test";
import { Room } from "./room.ts";
import { childTree, groupTree, own } from "./topics.ts";

const room = () => new Room({ entries: 20, bytes: 1_000, share: 0.1, whenFull: "wait" });
const [valve, pump] = [childTree("valve"), childTree("pump")];

test("a child that fills its share leaves room for the device, for the others and for groups", () => {
  const spool = room();
  for (let n = 0; n < 2; n += 1) spool.take(valve, 10);
  assert.deepEqual(
    [valve, pump, own, groupTree("pumps")].map((speaker) => spool.isOpenTo(speaker, 10)),
    [false, true, true, true],
  );
  spool.free(valve, 10);
  assert.ok(spool.isOpenTo(valve, 10));
  assert.ok(!spool.isOpenTo(valve, 95), "its share of the bytes is a tenth, too");
});

test("what is larger than a share never fits, and of a spool that is small each child has one message", () => {
  const spool = room();
  assert.deepEqual(
    [spool.isBeyond(valve, 101), spool.isBeyond(own, 101), spool.isBeyond(own, 1_001)],
    [true, false, true],
  );
  const small = new Room({ entries: 5, bytes: 1_000, share: 0.1, whenFull: "wait" });
  assert.ok(small.isOpenTo(valve, 10));
  small.take(valve, 10);
  assert.ok(!small.isOpenTo(valve, 10));
});

test("it is full by messages or by bytes, whoever said them, and knows what is taken", () => {
  const spool = room();
  for (let n = 0; n < 20; n += 1) spool.take(n % 2 === 0 ? own : groupTree("pumps"), 10);
  assert.deepEqual([spool.bytes, spool.isOpen(1)], [200, false]);
  spool.free(own, 10);
  assert.deepEqual([spool.bytes, spool.isOpen(810), spool.isOpen(811)], [190, true, false]);
  spool.free(valve, 10);
  assert.equal(spool.bytes, 190, "who has nothing in it frees nothing");
});
