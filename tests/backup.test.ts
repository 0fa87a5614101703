import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { test, type TestContext } from "node:test";
import { setTimeout } from "node:timers/promises";
import { connectAsync } from "mqtt";
import { parseId, systemClock, systemRandom, uuidOf } from "@holdfast/kernel";
import { bytesOf, verifyFile, writeBackup } from "../apps/server/src/backup-files.ts";
import { restoreBackup } from "../apps/server/src/backup/index.ts";
import { Keyring, restoreKeyring, snapshotBeside } from "../apps/server/src/storage/index.ts";
import { emptyDatabase } from "../apps/server/src/testing/database.ts";
import {
  freshDatabase,
  startTestPlatform,
  TestClock,
  type FreshDatabase,
  type TestPlatform,
} from "../apps/server/src/testing/index.ts";
import { Search } from "./at-rest/search.ts";
import { Owner, textOf, type Device, type Problem } from "./authority.fixture.ts";

// A backup of a platform that goes on serving, and what it is worth elsewhere.

const place = (folder: string) => ({ place: { folder }, clock: systemClock, random: systemRandom });

async function backedUp({ login, keysFolder, folder }: FreshDatabase, name = "holdfast.backup", signal?: AbortSignal) {
  const keyring = await Keyring.openBeside(place(keysFolder));
  const file = path.join(folder, name);
  const needs = { file, keyring, clock: systemClock, random: systemRandom, signal };
  const summary = await writeBackup({ ...needs, take: () => snapshotBeside(login, keyring) }).finally(() =>
    keyring.close(),
  );
  return { file, summary };
}

/** Into a database that is empty, beside these keys. */
async function restored(
  t: TestContext,
  file: string,
  keysFolder: string,
): Promise<{ database: FreshDatabase } & Awaited<ReturnType<typeof restoreBackup>>> {
  const empty = await emptyDatabase();
  t.after(() => empty.drop());
  const database = { ...empty, keysFolder };
  return { database, ...(await into(database, file)) };
}

async function into(database: FreshDatabase, file: string) {
  const keyring = await Keyring.open(place(database.keysFolder));
  const needs = { database: database.login, keyring, clock: systemClock, random: systemRandom };
  return restoreBackup({ ...needs, bytes: bytesOf(file), isVouchedFor: false }).finally(() => keyring.close());
}

async function started(t: TestContext, database: FreshDatabase): Promise<TestPlatform> {
  const platform = await startTestPlatform({ database });
  t.after(() => platform.close());
  return platform;
}

type Items = {
  readonly items: readonly { readonly time: string; readonly value: number }[];
  readonly nextCursor?: string;
};

async function valuesOf(owner: Owner, device: string, attribute: string): Promise<number[]> {
  const values: number[] = [];
  for (let cursor = ""; ;) {
    const more = cursor && `&cursor=${encodeURIComponent(cursor)}`;
    const page = await owner.asks.get<Items>(
      `/v1/devices/${device}/telemetry?attribute=${attribute}&limit=10000${more}`,
    );
    values.push(...page.items.map(({ value }) => value));
    if (page.nextCursor === undefined) return values;
    cursor = page.nextCursor;
  }
}

test("a backup of a platform that serves has all that was acknowledged before, and comes back elsewhere; who was revoked since stays out", async (t) => {
  const database = await freshDatabase();
  t.after(() => database.drop());
  const first = await started(t, database);
  const owner = new Owner(first.visitor, await first.setUp());
  const { id: application } = await owner.application();
  const [pump, leaver, erased] = [
    await owner.device(application),
    await owner.device(application),
    await owner.device(application),
  ];
  const send = (device: Device, body: object) =>
    first.visitor.as(textOf(device.key)).send<Problem>("POST", "/v1/me/telemetry", { body });

  // More than a chunk, and more that is in the log alone.
  const many = Array.from({ length: 1_500 }, (_, at) => ({
    time: new Date(Date.now() - 3_600_000 + at).toISOString(),
    values: { given: 7_000_000.25 + at },
  }));
  for (const half of [many.slice(0, 750), many.slice(750)]) {
    const { status, text } = await send(pump, half);
    assert.ok(status < 300, text);
  }
  // These began anew, under another key of theirs; what they sent since is in the log alone.
  const [anew, anewErased] = [await owner.device(application), await owner.device(application)];
  for (const device of [anew, anewErased]) {
    await send(device, { counted: 1 });
    await owner.asks.post(`/v1/devices/${device.id}/erase`);
  }
  for (const device of [anew, anewErased]) assert.ok((await send(device, { counted: 2 })).status < 300);
  assert.ok((await send(erased, { counted: 4_711 })).status < 300);
  let acknowledged = 0;
  let isOver = false;
  const writing = (async () => {
    for (; !isOver; acknowledged += 1) assert.equal((await send(pump, { counted: acknowledged })).status < 300, true);
  })();
  while (acknowledged < 50) await new Promise(setImmediate);
  const before = acknowledged;
  const { file, summary } = await backedUp(database);
  const within = acknowledged;
  isOver = true;
  await writing;
  assert.ok(within > before, "it went on serving");
  assert.deepEqual(
    readdirSync(database.folder).filter((name) => name.includes(".part")),
    [],
  );

  // One that is given up leaves nothing.
  const reason = new Error("given up");
  const signal = AbortSignal.abort(reason);
  await assert.rejects(backedUp(database, "given-up.backup", signal), reason);
  assert.deepEqual(
    readdirSync(database.folder).filter((name) => name.startsWith("given-up")),
    [],
  );

  // Whoever steals it has noise. That the search finds what lies open is `isolation-at-rest-forms.test.ts`.
  const planted = {
    "a reading": 7_000_000.25,
    "an attribute": "counted",
    "a name": "Greenhouse",
    "a secret": pump.key.secret,
  };
  assert.deepEqual(new Search(planted).in(readFileSync(file), "the backup"), []);
  assert.ok(
    !readFileSync(file).includes(uuidOf(parseId("device", pump.id))),
    "nor does it tell which devices there are",
  );

  await owner.revoke(leaver.key.id);
  await owner.asks.post(`/v1/devices/${anewErased.id}/erase`);
  await first.close();
  const keyring = await Keyring.open(place(database.keysFolder));
  // As when all that the log had was written to chunks long since.
  await keyring.destroySegments(Array.from({ length: 20 }, (_, at) => String(at + 1)));
  await keyring.erase("device", [erased.id]);
  assert.deepEqual(await verifyFile(file, keyring), summary);
  await keyring.close();

  const there = await restored(t, file, database.keysFolder);
  assert.equal(there.isUnconfirmed, false);
  assert.deepEqual([there.rows, there.id, there.unreadable, there.erased], [summary.rows, summary.id, 0, 2]);
  const second = await started(t, there.database);
  const again = new Owner(second.visitor, owner);
  const given = await valuesOf(again, pump.id, "given");
  assert.deepEqual(
    given,
    many.map(({ values }) => values.given),
  );
  // Of the log, which is not sealed under a device's key, nothing is left of it either.
  assert.deepEqual(
    (await again.asks.send("GET", `/v1/devices/${erased.id}/telemetry?attribute=counted`)).status === 200
      ? await valuesOf(again, erased.id, "counted")
      : [],
    [],
  );
  assert.deepEqual(await valuesOf(again, anew.id, "counted"), [2]);
  assert.deepEqual(await valuesOf(again, anewErased.id, "counted"), []);
  const counted = await valuesOf(again, pump.id, "counted");
  assert.deepEqual(
    counted,
    Array.from({ length: counted.length }, (_, at) => at),
  );
  assert.ok(counted.length >= before && counted.length <= within + 1, `${before} ${counted.length} ${within}`);

  const come = async (device: Device) =>
    second.visitor.as(textOf(device.key)).send("POST", "/v1/me/telemetry", { body: { counted: -1 } });
  assert.equal((await come(leaver)).status, 401);
  assert.ok((await come(pump)).status < 300);
  assert.ok(second.reports.some((line) => /had lost \d+ revocations/.test(line)));
  await second.close();
  await assert.rejects(into(there.database, file), { code: "storage.notEmpty" });
});

test("where the keyring has not heard of a backup, nothing is served until an owner has signed in, looked, and confirmed", async (t) => {
  const database = await freshDatabase();
  t.after(() => database.drop());
  const first = await started(t, database);
  const owner = new Owner(first.visitor, await first.setUp());
  const second = new Owner(first.visitor, await first.setUp());
  const { id: application } = await owner.application();
  const [pump, leaver] = [await owner.device(application), await owner.device(application)];
  const neighbour = await second.device((await second.application()).id);
  const viewer = { email: "viewer@example.com", password: "correct horse battery staple" };
  await owner.member(viewer);
  const { file } = await backedUp(database);
  // The machine is lost with its keyring: what is left is a copy of the keys, which knows of no revocation behind it.
  const keyring = await Keyring.openBeside(place(database.keysFolder));
  let copy = new Uint8Array();
  await keyring.backup("a passphrase for this", async (sealed) => void (copy = new Uint8Array(sealed)));
  await keyring.close();
  await owner.revoke(leaver.key.id);
  await first.close();
  const keysFolder = path.join(database.folder, "elsewhere");
  await restoreKeyring({ ...place(keysFolder), backup: copy, passphrase: "a passphrase for this" });
  const there = await restored(t, file, keysFolder);
  assert.equal(there.isUnconfirmed, true);

  const platform = await started(t, there.database);
  const { visitor } = platform;
  const send = ({ key }: Device) =>
    visitor
      .as(textOf(key))
      .anew()
      .send<Problem>("POST", "/v1/me/telemetry", { body: { counted: 1 } });
  const answerTo = async (device: Device) => {
    const { status, body, headers } = await send(device);
    return status < 300 ? "in" : [status, body.code, Number(headers["retry-after"]) > 0];
  };
  const waits = [503, "org.unconfirmed", true];
  assert.deepEqual([await answerTo(pump), await answerTo(leaver), await answerTo(neighbour)], [waits, waits, waits]);
  const { port } = new URL(platform.platform.mqttsUrl);
  const connecting = connectAsync({
    protocol: "mqtts",
    host: "127.0.0.1",
    servername: "localhost",
    port: Number(port),
    ca: platform.platform.caPem ?? "",
    protocolVersion: 5,
    username: pump.key.id,
    password: pump.key.secret,
    reconnectPeriod: 0,
  });
  await assert.rejects(connecting, { code: 0x88 }); // server unavailable
  const signIn = (who: typeof viewer) =>
    visitor.send<{ token: string } & Problem>("POST", "/v1/sign-in", { body: { ...who, org: owner.org } });
  assert.equal((await signIn(viewer)).body.code, "org.unconfirmed");
  // Whoever was signed in then may have been ended since.
  assert.equal((await visitor.as(owner.token).send("POST", "/v1/org/confirmation")).status, 401);

  const { body } = await signIn({ ...viewer, email: "owner@example.com" });
  const hers = new Owner(visitor, { org: owner.org, person: owner.person, token: body.token });
  const left = async (asked: string) => (await hers.asks.send<Problem>("GET", asked)).status;
  assert.deepEqual(
    await Promise.all(["/v1/credentials", "/v1/members", "/v1/org", "/v1/devices"].map(left)),
    [200, 200, 200, 403],
  );
  await hers.revoke(leaver.key.id);
  await hers.asks.post("/v1/org/confirmation");
  assert.equal((await hers.asks.send<Problem>("POST", "/v1/org/confirmation")).body.code, "org.confirmed");
  assert.equal(await answerTo(pump), "in");
  assert.equal((await send(leaver)).status, 401);
  assert.deepEqual(await answerTo(neighbour), waits);
  assert.ok((await hers.audited()).some(({ what }) => what === "org.confirmed"));

  type Organisations = { readonly items: readonly { readonly id: string; readonly state: string }[] };
  const states = async () =>
    Object.fromEntries(
      (await hers.asks.get<Organisations>("/v1/instance/organisations")).items.map(({ id, state }) => [id, state]),
    );
  assert.deepEqual(await states(), { [owner.org]: "active", [second.org]: "unconfirmed" });
  assert.deepEqual(await hers.asks.post("/v1/instance/confirmation"), { confirmed: [second.org] });
  assert.equal(await answerTo(neighbour), "in");
});

test("a platform that is told to backs itself up, keeps the newest, and says when that is late", async (t) => {
  const database = await freshDatabase();
  const to = path.join(database.folder, "backups");
  mkdirSync(to);
  writeFileSync(path.join(to, "holdfast-00000000-20200101T000000Z.backup"), "another instance's");
  const clock = new TestClock(systemClock.now());
  const hour = 3_600_000;
  const platform = await startTestPlatform({
    database,
    clock,
    timers: clock,
    config: { backups: { to, every: 24 * hour, keep: 2 } },
  });
  t.after(async () => {
    await platform.close(); // before its database goes: time stands still here
    await database.drop();
  });
  const owner = new Owner(platform.visitor, await platform.setUp());
  const pass = (hours: number) => {
    clock.set(clock.now() + hours * hour);
    clock.move(60_000);
  };
  const told = (what: string) => platform.reports.filter((line) => line.startsWith(what)).length;
  const until = async (holds: () => boolean) => {
    for (const late = performance.now() + 30_000; !holds(); await setTimeout(20))
      assert.ok(performance.now() < late, platform.reports.join("\n"));
  };
  const facts = async () => {
    type Facts = {
      readonly backups: { readonly everyHours: number; readonly lastAt?: string; readonly isLate: boolean };
    };
    return (await owner.asks.unkept().get<Facts>("/v1/platform")).backups;
  };
  clock.move(60_000);
  await until(() => told("Backed up.") === 1);
  const { lastAt, ...rest } = await facts();
  assert.ok(Math.abs(Date.parse(lastAt ?? "") - clock.now()) < hour);
  assert.deepEqual(rest, { everyHours: 24, isLate: false });
  for (const count of [2, 3]) {
    pass(24);
    await until(() => told("Backed up.") === count);
  }
  const names = readdirSync(to).toSorted();
  assert.equal(names.length, 3, "the newest two, and what is not ours");
  const keyring = await Keyring.openBeside(place(database.keysFolder));
  t.after(() => keyring.close());
  await verifyFile(path.join(to, names.at(-1) ?? ""), keyring);

  rmSync(to, { recursive: true });
  pass(24);
  await until(() => told("No backup could be made") === 1);
  assert.equal(told("The backup is late."), 0);
  pass(13);
  await until(() => told("The backup is late.") === 1);
  mkdirSync(to);
  pass(1);
  await until(() => told("The backup that was late has been made.") === 1);
  assert.deepEqual(readdirSync(to).length, 1);
});
