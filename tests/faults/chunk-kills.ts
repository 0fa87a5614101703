import assert from "node:assert/strict";
import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { TestContext } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { DatabaseError, type Client } from "pg";
import type { Visitor } from "../../apps/server/src/testing/index.ts";
import { Deployment } from "./deployment.ts";
import { asOwner } from "./owner.ts";
import { placesOfCare } from "./places.ts";
import { Chance } from "./seed.ts";

type Made = { readonly id: string; readonly key: { readonly id: string; readonly secret: string } };
type Device = Made & {
  /** What was acknowledged, and what may have been kept: the value under each time, in minutes since `epoch`. */
  readonly sent: Map<number, { readonly value: number; readonly isAcknowledged: boolean }>;
  /** Readings before are too old in the end. */
  readonly from: number;
};
type Page = { items: { time: string; value: number }[]; nextCursor?: string };

const day = 86_400_000;
const minute = 60_000;
/** How far back readings go, and how long they are kept in the end, in days. What is older than these is in months that go as a whole. */
const oldest = 230;
const keptDays = { org: 150, short: 100 };
/** Seconds that a place has to be passed in. */
const enough = 6;
/** Places of which one comes after another of another kind: they have no divisor in common with it. */
const stride = 11;
/** What is passed only where something is too old. */
const ofRetention: readonly string[] = ["chunks expired", "month dropped", "object removed"];

/**
 * Devices send what they measured months ago, in an order of their own, so that chunks are joined, moved to the object store, and removed where
 * they are too old, in months too; one is erased now and then. The server is killed in the midst of each of these. In the end everything acknowledged that is
 * kept is there, once; nothing that was erased is; and the store holds what rows point to, and nothing else.
 */
export async function killUnderCare(t: TestContext, times: number): Promise<void> {
  const chance = new Chance();
  t.diagnostic(`seed ${chance.seed}`);
  const store = mkdtempSync(path.join(tmpdir(), "holdfast-store-"));
  chmodSync(store, 0o777); // started by root, the server becomes another user
  const deployment = await Deployment.make(chance, {
    more: ["--cold-after", "30", "--cold-store", store, "--allow-root"],
  });
  t.after(async () => {
    await deployment.close();
    rmSync(store, { recursive: true, force: true });
  });
  const placeOf = (kill: number) => placesOfCare[(kill * stride) % placesOfCare.length] ?? "chunks joined";
  const begin = (place: string) =>
    deployment.begin(`${place}:${place.startsWith("chunks") ? chance.between(1, 2) : 1}`);
  let starting = begin(placeOf(0));
  await starting.ready;
  const { token } = await deployment.setUp();
  const me = () => deployment.visitor.as(token);
  const application = await me().post<{ id: string }>("/v1/applications", { name: "Chunks" });
  const product = await me().post<{ id: string }>("/v1/products", { name: "Short" });
  await me().put(`/v1/products/${product.id}/retention`, { keep: keptDays.short });
  const epoch = Math.floor(Date.now() / day) * day - oldest * day;
  const daysAgo = (days: number) => (Date.now() - days * day - epoch) / minute;
  const devices: Device[] = [];
  for (const name of ["steady", "short", "erased"]) {
    const body = { application: application.id, name, ...(name === "short" && { product: product.id }) };
    devices.push({
      ...(await me().post<Made>("/v1/devices", body)),
      sent: new Map(),
      from: daysAgo(keptDays[name === "short" ? "short" : "org"]),
    });
  }
  const erased = devices.at(-1);
  assert.ok(erased);

  let value = 0;
  /** A few readings of each device, of times that lie apart; and as much besides as makes the log go on. */
  const send = async (): Promise<void> => {
    for (const device of devices) {
      const minutes = Array.from({ length: 20 }, () => chance.between(0, (oldest - 1) * 1_440));
      const readings = minutes.map((at) => ({ time: epoch + at * minute, values: { n: (value += 1) } }));
      const pad = { values: { pad: `${value} ${"x".repeat(3_000)}` } };
      const { id, secret } = device.key;
      const note = (isAcknowledged: boolean) => {
        for (const [index, at] of minutes.entries())
          device.sent.set(at, { value: readings[index]?.values.n ?? 0, isAcknowledged });
      };
      note(false);
      const answer = await deployment.visitor
        .as(`${id}.${secret}`)
        .send("POST", "/v1/me/telemetry", { body: [...readings, pad] })
        .catch(() => undefined);
      if (answer?.status === 200) note(true);
      else return;
    }
  };
  const erase = async (): Promise<void> => {
    const before = new Map(erased.sent);
    const answer = await me()
      .send("POST", `/v1/devices/${erased.id}/erase`)
      .catch(() => undefined);
    // What has not been answered may have been done.
    for (const [at, one] of before)
      if (answer?.status === 200) erased.sent.delete(at);
      else erased.sent.set(at, { ...one, isAcknowledged: false });
  };

  const killed = new Map<string, number>();
  const note = (how: string) => killed.set(how, (killed.get(how) ?? 0) + 1);
  for (let kill = 0; kill < times; kill += 1) {
    const place = placeOf(kill);
    if (kill > 0) starting = begin(place);
    const isOver = () => starting.child.signalCode !== null;
    await Promise.race([starting.ready.catch(() => undefined), starting.ended]);
    for (let round = 0; round < 12 && !isOver(); round += 1) await send();
    if (!isOver()) await care(deployment, me(), ofRetention.includes(place));
    const end = performance.now() + enough * 1_000;
    while (!isOver() && performance.now() < end) {
      if (/eras|device key/.test(place)) await erase();
      // What comes late is to be joined before its month moves.
      if (/obj|move/.test(place)) await wait(50);
      else await send();
    }
    note(isOver() ? place : `${place} not passed`);
    if (!isOver()) await deployment.kill();
    await deployment.ended;
  }

  const missed = placesOfCare.filter((place) => !killed.has(place));
  if (times >= placesOfCare.length) assert.deepEqual(missed, [], "these were never passed");
  await deployment.begin("nowhere").ready;
  await care(deployment, me(), true);
  const database = await asOwner(deployment);
  await settled(database, store);
  let points = 0;
  for (const device of devices) points += await check(me(), device, epoch);
  await database.end();
  const moved = filesIn(store).length;
  t.diagnostic(
    `${times} kills (${[...killed].map(([how, count]) => `${how} ${count}`).join(", ")}): ${points} readings there, none missing, none twice, ${moved} objects and no other`,
  );
  assert.equal((await deployment.stop()).code, 0);
}

/**
 * From now on chunks are looked after: passes over all that was done today begin anew, and what would wait for a day is due. What is too old stays for
 * now, or goes.
 */
async function care(deployment: Deployment, me: Visitor, goes: boolean): Promise<void> {
  await me.put("/v1/org/retention", { keep: goes ? keptDays.org : "forever" });
  const database = await asOwner(deployment);
  await wait(300); // for what is being written to chunks at this moment: a month in which some are to be joined is not moved
  await database.query("delete from holdfast.chunk_job; update holdfast.untidy set since = 0");
  await database.end();
  process.kill(deployment.ready.pid, "SIGUSR2");
}

const filesIn = (store: string): readonly string[] =>
  existsSync(store)
    ? readdirSync(store, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => path.relative(store, path.join(entry.parentPath, entry.name)))
        .sort((a, b) => (a < b ? -1 : 1))
    : [];

/** Until something was moved, rows and objects agree, and nothing that was erased is left. */
async function settled(database: Client, store: string): Promise<void> {
  // A month that goes as a whole meets our joins in another order: then it is we who ask again.
  const of = async (text: string): Promise<readonly string[]> => {
    try {
      return (await database.query<{ one: string }>(text)).rows.map(({ one }) => one);
    } catch (error) {
      if (error instanceof DatabaseError && error.code === "40P01") return of(text);
      throw error;
    }
  };
  let found: unknown;
  for (const end = performance.now() + 60_000; performance.now() < end; await wait(100)) {
    const objects = await of('select name as one from holdfast.cold_object order by name collate "C"');
    const unfinished = await of("select name as one from holdfast.cold_object where state <> 'written'");
    const wrong = await of(
      `select o.name as one from holdfast.cold_object o
        where o.live <> coalesce((select sum(c.object_length) from holdfast.chunk c where c.org = o.org and c.object = o.id), 0)`,
    );
    const lost = await of(
      `select c.object::text as one from holdfast.chunk c where c.object is not null
         and not exists (select from holdfast.cold_object o where o.org = c.org and o.id = c.object)`,
    );
    const erasing = await of(
      "select device::text as one from holdfast.owner_period where erased_at is not null and done_at is null",
    );
    const left = await of(
      `select c.series::text as one from holdfast.chunk c join holdfast.series s on s.org = c.org and s.id = c.series
         join holdfast.owner_period p on p.org = s.org and p.device = s.device and p.number = c.period where p.erased_at is not null`,
    );
    const files = filesIn(store);
    found = { objects, unfinished, wrong, lost, erasing, left, files };
    const isAlike = files.length > 0 && JSON.stringify(files) === JSON.stringify(objects);
    if (isAlike && [unfinished, wrong, lost, erasing, left].every(({ length }) => length === 0)) return;
  }
  assert.fail(`rows and objects do not agree: ${JSON.stringify(found)}`);
}

/** Answers how many readings there are. */
async function check(me: Visitor, device: Device, epoch: number): Promise<number> {
  const found = new Map<number, number>();
  const range = `attribute=n&from=${new Date(epoch).toISOString()}&limit=10000`;
  for (let cursor = ""; ;) {
    const page = await me.get<Page>(`/v1/devices/${device.id}/telemetry?${range}${cursor}`);
    for (const { time, value } of page.items) {
      const at = (Date.parse(time) - epoch) / minute;
      assert.ok(!found.has(at), `${device.id}: ${time} is there twice`);
      found.set(at, value);
    }
    if (!page.nextCursor) break;
    cursor = `&cursor=${page.nextCursor}`;
  }
  const soon = 10; // minutes that pass while this is looked at
  const missing = [...device.sent].filter(
    ([at, { value, isAcknowledged }]) => isAcknowledged && at > device.from + soon && found.get(at) !== value,
  );
  assert.deepEqual(missing.slice(0, 5), [], `${device.id}: ${missing.length} acknowledged readings are missing`);
  const old = [...found.keys()].filter((at) => at < device.from);
  assert.deepEqual(old.slice(0, 5), [], `${device.id}: ${old.length} readings that are too old are there`);
  const strange = [...found.keys()].filter((at) => !device.sent.has(at));
  assert.deepEqual(
    strange.slice(0, 5),
    [],
    `${device.id}: ${strange.length} readings that were erased or never sent are there`,
  );
  return found.size;
}
