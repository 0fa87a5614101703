import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { duplexPair, type Duplex } from "node:stream";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { House, until } from "./house.fixture.ts";
import { writtenByThem } from "./said.fixture.ts";
import { connectOf, tryNoise, trySpoilt, turn } from "./street.fixture.ts";

// `malformed.long.test.ts` tries more.

test("random bytes, before and behind the CONNECT, harm nobody but their own connection", () => tryNoise(100));

test("valid packets, changed anywhere and in any pieces, harm nobody but their own connection", () => trySpoilt(200));

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void; // as the flag says

/** Bytes in use, after whatever nobody uses any more has gone. */
async function inUse(): Promise<number> {
  for (let i = 0; i < 3; i++) {
    await turn();
    collect();
  }
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

test("a packet takes no memory by its length before it has come, and none once its connection has gone", async () => {
  await using house = await House.open({ limits: { sessionsPerPrincipal: 250 } });
  const nameless = writtenByThem({ ...connectOf(5), clientId: "" }, 5);
  const connections: [Duplex, Duplex][] = [];
  const open = (bytes: Uint8Array) => {
    const [theirs, ours] = duplexPair();
    theirs.on("data", () => {});
    house.broker.accept(ours, { remoteAddress: "", secure: false, name: "pair" });
    theirs.write(bytes);
    connections.push([theirs, ours]);
  };
  const before = await inUse();
  for (let i = 0; i < 500; i++) {
    // A megabyte of a PUBLISH is announced, and ten bytes of it come; of a CONNECT as much, and no more than its name.
    open(
      i % 2 === 0
        ? Buffer.concat([nameless, Buffer.from([0x30, 0xf0, 0xff, 0x3f, 0, 1, 0x61, 0, 0x78])])
        : Buffer.from([0x10, 0xf0, 0xff, 0x3f, 0, 4]),
    );
  }
  await until(() => house.broker.statistics.sessions === 250);
  const during = await inUse();
  assert.ok(during - before < 500 * 40_000, `${(during - before) / 500} bytes for each`);
  for (const [theirs, ours] of connections.splice(0)) {
    theirs.destroy();
    ours.destroy();
  }
  await until(() => house.broker.statistics.connectionsOpen === 0);
  house.policy.opens.length = house.policy.closes.length = house.policy.accepted.length = 0;
  const after = await inUse();
  assert.ok(after - before < 500 * 5_000, `${(after - before) / 500} bytes for each that has gone`);
});
