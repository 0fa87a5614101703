import assert from "node:assert/strict";
import { test } from "node:test";
import { House, until } from "./house.fixture.ts";
import { Log } from "./log.fixture.ts";
import type { Peer } from "./peer.fixture.ts";

const kept = { version: 5, connect: { clean: false, properties: { sessionExpiryInterval: 1_000 } } } as const;

const clients = async (house: House, count: number) =>
  Promise.all(Array.from({ length: count }, (_, i) => house.connect(`client-${i}`, kept)));

const filters = (of: string) => Array.from({ length: 1_000 }, (_, i) => `${of}/${i}`);

/** How many turns of the event loop it takes until this is so. */
async function turnsUntil(isSo: () => boolean): Promise<number> {
  let turns = 0;
  await until(() => turns++ >= 0 && isSo());
  return turns;
}

const bytesOut = ({ broker: { statistics } }: House) => statistics.bytesOut;

test("what one commit says of many clients' filters is told over several turns, and each is told in order", async () => {
  const log = new Log();
  await using house = await House.open({ log, limits: { subscriptionsShared: 1_000_000 } });
  const peers = await clients(house, 40);
  log.isPrompt = false;
  for (const [at, peer] of peers.entries()) {
    const subscriptions = filters(`${at}`).map((topic) => ({ topic, qos: 1 }));
    peer.send({ cmd: "subscribe", messageId: 1, subscriptions });
    peer.send({ cmd: "unsubscribe", messageId: 2, unsubscriptions: filters(`${at}`) });
  }
  await until(() => log.waiting === 80);
  const before = bytesOut(house);
  log.commit();
  const all = before + 40 * (2 * 1_000 + 12); // with their headers, each filter's answer is a byte
  const turns = await turnsUntil(() => bytesOut(house) === all);
  assert.ok(turns >= 8, `${turns} turns`);
  for (const peer of peers) {
    for (const cmd of ["suback", "unsuback"]) assert.equal((await peer.next()).cmd, cmd);
  }
});

test("PUBCOMPs that one commit allows go out over several turns, in order, and so do PUBRELs", async () => {
  const log = new Log();
  await using house = await House.open({ log });
  const peers = await clients(house, 15);
  const ids = Array.from({ length: 1_000 }, (_, i) => i + 1);
  const idsOf = async (peer: Peer, cmd: string) => {
    const found = [];
    for (const _ of ids) found.push((await peer.take(cmd)).messageId);
    return found;
  };
  const acknowledge = (first: number) => Buffer.concat(ids.map((id) => Buffer.from([first, 2, id >> 8, id & 0xff])));
  const inTurns = async (first: number, expected: string) => {
    log.isPrompt = false;
    for (const peer of peers) peer.raw(acknowledge(first));
    await until(() => log.waiting === 15_000);
    const before = bytesOut(house);
    log.commit();
    const turns = await turnsUntil(() => bytesOut(house) === before + 4 * 15_000);
    assert.ok(turns >= 2, `${turns} turns`);
    for (const peer of peers) assert.deepEqual(await idsOf(peer, expected), ids);
    log.isPrompt = true;
  };
  for (const peer of peers) for (const id of ids) peer.publish("nobody", "x", { qos: 2, messageId: id });
  for (const peer of peers) await idsOf(peer, "pubrec");
  await inTurns(0x62, "pubcomp");
  for (const peer of peers) peer.subscribe(1, "all", 2);
  for (const peer of peers) await peer.take("suback");
  for (const _ of ids)
    house.broker.publish("space", { topic: "all", payload: Buffer.from("x"), qos: 2, retain: false });
  for (const peer of peers) assert.deepEqual(await idsOf(peer, "publish"), ids);
  await inTurns(0x50, "pubrel");
});

test("CONNACKs that one commit allows go out over several turns", async () => {
  const log = new Log();
  await using house = await House.open({ log, limits: { sessionsPerPrincipal: 1_000 } });
  log.isPrompt = false;
  const peers = await Promise.all(Array.from({ length: 400 }, () => house.visit({ version: 5 })));
  for (const [at, peer] of peers.entries()) peer.connect({ clientId: `client-${at}`, ...kept.connect });
  await until(() => log.waiting === 400);
  log.commit();
  const { opens } = house.policy;
  const before = opens.length;
  assert.ok(before > 100 && before < 200, `${before} at once`);
  for (const peer of peers) assert.equal((await peer.take("connack")).reasonCode, 0);
});
