import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import path from "node:path";
import { test, type TestContext } from "node:test";
import { setTimeout } from "node:timers/promises";
import pg from "pg";
import { digestSecret, newSecret } from "@holdfast/crypto";
import { Client, type LiveEvent } from "@holdfast/client";
import { nodeTransport } from "@holdfast/client/node";
import { systemClock, systemRandom, type Random } from "@holdfast/kernel";
import { holdfast } from "../apps/cli/src/testing/world.ts";
import {
  asOwner,
  freshDatabase,
  startTestPlatform,
  TestClock,
  type FreshDatabase,
  type TestPlatform,
  type Visitor,
} from "../apps/server/src/testing/index.ts";
import { dumpOf } from "./at-rest/dump.ts";
import { Search } from "./at-rest/search.ts";
import { Owner } from "./authority.fixture.ts";
import { placeOf } from "./clients.fixture.ts";
import { CookieBrowser } from "./cookie-browser.fixture.ts";
import { heldUp } from "./pauses.fixture.ts";
import { mqtt } from "./revocation.fixture.ts";

// A simulated fleet as its owner meets it: asked for at set-up, watched, stopped, started again, and removed.
/** What it told its log, but for what it does where root starts it. */
const told = ({ reports }: TestPlatform) => reports.filter((line) => !line.startsWith("User "));

const person = { email: "ada@example.com", password: "correct horse battery staple" };

/** Random, with all that it ever gave: what a secret was made of is in there. */
class Remembered implements Random {
  readonly given: Uint8Array[] = [];

  bytes(count: number): Uint8Array<ArrayBuffer> {
    const bytes = systemRandom.bytes(count);
    if (count === 32) this.given.push(bytes.slice());
    return bytes;
  }

  get secrets(): readonly string[] {
    return this.given.map((bytes) => newSecret({ bytes: () => bytes.slice() }));
  }
}

type Welcome = { org: string; person: string; token: string; fleet?: string };
type Device = {
  id: string;
  name: string;
  alias: string;
  tags: Record<string, string>;
  product: string;
  presence: { state: string; because?: string; lastSeenAt?: string };
};
type Credential = { id: string; device?: string; state: string; kind: string };

/** One database for several platforms, one after the other. */
async function restartable(t: TestContext) {
  const database = await freshDatabase();
  const started: TestPlatform[] = [];
  t.after(async () => {
    for (const platform of started) await platform.close();
    await database.drop();
  });
  const start = async (given: Omit<Given, "database"> = {}) => {
    const platform = await startTestPlatform({ ...given, database });
    started.push(platform);
    return platform;
  };
  return { database, start };
}

type Given = NonNullable<Parameters<typeof startTestPlatform>[0]>;

const linkOf = ({ platform }: TestPlatform): Promise<string> =>
  new Promise((resolve, reject) => {
    platform.watchSetup((link) => resolve(link ?? "")).catch(reject);
  });

async function setUp(platform: TestPlatform): Promise<{ welcome: Welcome; fleet: string }> {
  const secret = (await linkOf(platform)).split("#setup=")[1] ?? "";
  const welcome = await platform.visitor.post<Welcome>("/v1/setup", { secret, ...person, org: "Works", fleet: true });
  return { welcome, fleet: welcome.fleet ?? assert.fail("there is no fleet") };
}

const signIn = async ({ visitor }: TestPlatform, org: string): Promise<Visitor> =>
  visitor.as((await visitor.post<Welcome>("/v1/sign-in", { ...person, org })).token);

async function until<T>(look: () => Promise<T | undefined>): Promise<T> {
  for (const late = performance.now() + 60_000; performance.now() < late; await setTimeout(20)) {
    const found = await look();
    if (found !== undefined) return found;
  }
  return assert.fail("it did not come to that");
}

const devicesOf = async (us: Visitor) => (await us.get<{ items: Device[] }>("/v1/devices")).items;

/** The ten that connect are connected, and the two that do not were heard. */
const whole = (us: Visitor): Promise<readonly Device[]> =>
  until(async () => {
    const devices = await devicesOf(us);
    const isThere = ({ presence }: Device) => presence.state === "online" || presence.lastSeenAt !== undefined;
    return devices.length === 12 && devices.every(isThere) && devices.filter(isOnline).length === 10
      ? devices
      : undefined;
  });
const isOnline = ({ presence }: Device) => presence.state === "online";

async function rowsOf<T extends object>({ database: { login } }: { database: FreshDatabase }, text: string) {
  const { tls: _, ...config } = login;
  const client = new pg.Client(config);
  await client.connect();
  try {
    const { rows } = await client.query<T>(text);
    // But for what says that it was, so that an older keyring does not have its keys again.
    await client.query("begin; delete from holdfast.erased_org");
    return { rows, dump: await dumpOf(client) };
  } finally {
    await client.end();
  }
}

/** A key of a device of the fleet, as somebody would have it who could read the platform's memory. */
async function stolen(platform: TestPlatform, { secrets }: Remembered): Promise<string> {
  const digests = new Map(secrets.map((secret) => [digestSecret(secret).toHex(), secret]));
  type Row = { id: string; digest: Uint8Array };
  const { rows } = await rowsOf<Row>(platform, "select id, digest from holdfast.credential where device is not null");
  for (const { id, digest } of rows) {
    const secret = digests.get(Buffer.from(digest).toString("hex"));
    if (secret !== undefined) return `key_${id.replaceAll("-", "")}.${secret}`;
  }
  return assert.fail("nobody has that key");
}

const statusOf = async ({ visitor }: TestPlatform, key: string) => (await visitor.as(key).send("GET", "/v1/me")).status;

test("a set-up with a fleet makes an organisation that is plainly marked, whose devices come in and have a day to show", async (t) => {
  const platform = await startTestPlatform();
  t.after(() => platform.close());
  assert.deepEqual(await platform.visitor.get("/v1/setup"), { fleet: true });
  const { welcome, fleet } = await setUp(platform);
  const browser = new CookieBrowser(platform);
  const { orgs } = await browser.signIn(person);
  assert.deepEqual(
    orgs.map(({ id, name, role, isSimulated }) => ({ id, name, role, isSimulated })),
    [
      { id: welcome.org, name: "Works", role: "owner", isSimulated: false },
      { id: fleet, name: "Simulated fleet", role: "owner", isSimulated: true },
    ],
  );
  const us = await signIn(platform, fleet);
  await us.patch("/v1/org", { name: "My fleet" });
  assert.equal((await us.get<{ isSimulated: boolean }>("/v1/org")).isSimulated, true, "whatever it is called");

  const devices = await whole(us);
  assert.ok(devices.every(({ tags }) => tags["simulated"] === "yes" && tags["site"] !== undefined));
  type Product = { id: string; attributes: Record<string, { type: string; unit?: string }> };
  const { items: products } = await us.get<{ items: Product[] }>("/v1/products");
  assert.equal(products.length, 3);
  for (const { id, product } of devices) {
    const declared = products.find((one) => one.id === product)?.attributes ?? {};
    // It is online before its first readings are kept.
    const items = await until(async () => {
      const latest = `/v1/devices/${id}/telemetry/latest`;
      const { items: found } = await us.get<{ items: { attribute: string; value: unknown }[] }>(latest);
      return found.length >= Object.keys(declared).length ? found : undefined;
    });
    const typeOf = (value: unknown) => (typeof value === "string" ? "text" : typeof value);
    assert.deepEqual(
      Object.fromEntries(items.map(({ attribute, value }) => [attribute, typeOf(value)])),
      Object.fromEntries(Object.entries(declared).map(([name, { type }]) => [name, type])),
    );
    const [attribute = ""] = Object.keys(declared);
    type Steps = { items: { time: string; count: number }[] };
    const from = new Date(systemClock.now() - 25 * 3_600_000).toISOString();
    const address = `/v1/devices/${id}/telemetry?attribute=${attribute}&from=${from}&every=1h&aggregate=count`;
    // The day before, and what it measures now.
    await until(async () => {
      const { items: hours } = await us.get<Steps>(address);
      return (hours.length >= 24 && hours.reduce((sum, { count }) => sum + count, 0) > 24 * 60) || undefined;
    });
  }
  const { items: own } = await platform.visitor.as(welcome.token).get<{ items: Device[] }>("/v1/devices");
  assert.deepEqual(own, [], "nothing of it is in the first organisation");
  assert.deepEqual(told(platform), []);
});

test("whoever watches the fleet sees a device that is refused, and one that goes and comes back", async (t) => {
  const clock = new TestClock(systemClock.now());
  const platform = await startTestPlatform({ clock, timers: clock });
  t.after(() => platform.close());
  clock.move(10_000); // beyond what the database has seen, which was made a moment ago
  const { fleet } = await setUp(platform);
  const { token } = await platform.visitor.post<Welcome>("/v1/sign-in", { ...person, org: fleet });
  const us = platform.visitor.as(token);
  const seen: LiveEvent[] = [];
  const stopping = new AbortController();
  const { url, ca } = placeOf(platform);
  const client = new Client({ url, token, transport: nodeTransport({ ca }) });
  const watching = (async () => {
    for await (const event of client.watch({}, { signal: stopping.signal })) seen.push(event);
  })().catch(() => {}); // it ends when we stop it
  const codes = () => new Set(seen.flatMap((event) => (event.type === "refused" ? [event.data.code] : [])));
  /** Somebody who had gone is there again. */
  const hasFlapped = () => {
    const gone = new Set<string>();
    return seen.some(({ type, data }) => {
      if (type !== "presence") return false;
      if (data.state === "offline") gone.add(data.device);
      return data.state === "online" && gone.has(data.device);
    });
  };
  await until(async () => {
    clock.move(4_000); // some minutes pass before one goes
    await us.get("/v1/devices/summary");
    return (codes().has("telemetry.wrongType") && hasFlapped()) || undefined;
  });
  stopping.abort();
  await watching;
  client.close();
});

test("no secret of the fleet is on the disk, a start makes others, and a stop is quick", async (t) => {
  const { database, start } = await restartable(t);
  // Its own PostgreSQL, so that all that it writes lies in one folder.
  const config = {
    databaseUrl: undefined,
    data: path.join(database.folder, "data"),
    keys: path.join(database.folder, "own"),
  };
  const random = new Remembered();
  const first = await start({ random, config: { ...config } });
  const { fleet } = await setUp(first);
  const us = await signIn(first, fleet);
  await whole(us);
  const active = async (by: Visitor) => {
    const { items } = await by.get<{ items: Credential[] }>("/v1/credentials?kind=device&limit=1000");
    assert.ok(items.every(({ state }) => state === "active"));
    return new Map(items.map(({ id, device }) => [device, id]));
  };
  const before = await active(us);
  assert.equal(before.size, 12);
  const began = performance.now();
  await first.close();
  assert.ok(performance.now() - began < 3_000 + heldUp(began), `${performance.now() - began} ms`);

  const hearts = Object.fromEntries(random.secrets.map((secret, at) => [`secret ${at}`, secret.slice(6, -8)]));
  const search = new Search(hearts);
  assert.deepEqual(search.under(config.data), []);
  assert.deepEqual(search.under(config.keys), []);
  assert.deepEqual(search.in(Buffer.from(first.reports.join("\n")), "the log"), []);
  assert.equal(search.in(Buffer.from(random.secrets.at(-1) ?? ""), "a control").length, 1);

  const second = await start({ config: config });
  const again = await signIn(second, fleet);
  await whole(again);
  const after = await active(again);
  assert.deepEqual(new Set(after.keys()), new Set(before.keys()));
  for (const [device, id] of after) assert.notEqual(id, before.get(device));
  await second.close();

  const third = await start({ config: { ...config, offersDemo: false } });
  const quiet = await devicesOf(await signIn(third, fleet));
  assert.deepEqual([quiet.length, quiet.filter(isOnline)], [12, []], "with --no-demo it stays silent");
  const connected = quiet.filter(({ presence }) => presence.state === "offline");
  assert.deepEqual(new Set(connected.map(({ presence }) => presence.because)), new Set(["it said goodbye"]));
});

const ended = async (t: TestContext) => {
  const random = new Remembered();
  const platform = await startTestPlatform({ random });
  t.after(() => platform.close());
  const made = await setUp(platform);
  const us = await signIn(platform, made.fleet);
  await whole(us);
  return { platform, random, us, ...made };
};

/** As PostgreSQL writes it. */
const dashed = (id: string) => id.slice(4).replace(/(.{8})(.{4})(.{4})(.{4})(.{12})/, "$1-$2-$3-$4-$5");

test("removing the fleet closes what it has open, erases its organisation, and leaves everything else as it was", async (t) => {
  const { platform, random, us, welcome, fleet } = await ended(t);
  const { visitor } = platform;
  const owner = new Owner(visitor, welcome);
  const key = await stolen(platform, random);
  assert.equal(await statusOf(platform, key), 200);
  const browser = new CookieBrowser(platform);
  await browser.signIn(person);
  browser.org = fleet;
  await browser.good("GET", "/v1/devices");
  const { token: program } = await us.post<{ token: string }>("/v1/tokens", { name: "p", grants: ["telemetry.read"] });
  const viewer = await us.post<{ token: string }>("/v1/tokens", { name: "v", grants: ["org.read", "device.read"] });
  const subscriber = await mqtt(platform, {
    username: "p",
    password: program,
    clientId: "lasting",
    clean: false,
    protocolVersion: 5,
    properties: { sessionExpiryInterval: 600 },
  });
  await subscriber.client.subscribeAsync("devices/#", { qos: 1 });
  const { rows: kept } = await rowsOf(platform, "select from holdfast.message_log");
  assert.ok(kept.length > 0);
  const { ca, url } = placeOf(platform);
  const client = new Client({ url, token: program, transport: nodeTransport({ ca }) });
  const opened = Promise.withResolvers<void>();
  const watching = (async () => {
    for await (const _ of client.watch({}, { onOpen: opened.resolve }));
  })().catch(() => {}); // it ends, or says that its credential did
  await opened.promise;

  const refused = async (as: Visitor) => (await as.send<{ code: string }>("DELETE", "/v1/simulation")).body.code;
  assert.equal(await refused(visitor.as(viewer.token)), "permit.missing");
  assert.equal(await refused(visitor), "credential.missing");
  assert.equal(await refused(owner.asks), "simulation.none");
  await whole(us);

  await browser.good("DELETE", "/v1/simulation");
  await watching;
  client.close();
  const { text: counted } = await visitor.send("GET", "/metrics");
  assert.match(counted, /^holdfast_mqtt_connections 0$/m);
  assert.match(counted, /^holdfast_mqtt_sessions 0$/m);
  await subscriber.closed;
  for (const gone of [key, program, viewer.token]) assert.equal(await statusOf(platform, gone), 401);
  const { orgs } = await browser.good<{ orgs: { id: string }[] }>("GET", "/v1/session");
  assert.deepEqual(
    orgs.map(({ id }) => id),
    [welcome.org],
  );
  assert.deepEqual(
    (await browser.send<{ code: string }>("GET", "/v1/devices")).body.code,
    "org.unknown",
    "she is still signed in",
  );
  assert.equal(await refused(us), "credential.invalid");
  const { dump } = await rowsOf(platform, "select 1");
  // Whole: any eight digits of it may be those of something sealed.
  const stands = (org: string) => [org.slice(4), dashed(org)].some((text) => dump.includes(Buffer.from(text)));
  assert.deepEqual([stands(welcome.org), stands(fleet)], [true, false], "no row says anything of it");
  assert.ok(!dump.includes(Buffer.from(fleet.slice(4), "hex")));

  const application = await owner.application();
  const device = await owner.device(application.id);
  await visitor.as(`${device.key.id}.${device.key.secret}`).post("/v1/me/telemetry", { temperature: 21 });
  await setTimeout(1_500); // a round of the housekeeping, which has nothing to say
  assert.deepEqual(told(platform), [`The simulated fleet was removed, with its organisation ${fleet}.`]);
});

test("a removal that is cut short is finished by the next start, and so is one that an older backup of the database undid", async (t) => {
  const { database, start } = await restartable(t);
  const first = await start();
  const { fleet, welcome } = await setUp(first);
  const us = await signIn(first, fleet);
  await whole(us);
  const uuid = dashed(fleet);
  await asOwner(
    database.login,
    "create table holdfast.hold (org uuid references holdfast.organisation)",
    `insert into holdfast.hold values ('${uuid}')`,
  );
  assert.equal((await us.send("DELETE", "/v1/simulation")).status, 500);
  await first.close();
  await asOwner(database.login, "drop table holdfast.hold");
  for (const turn of ["cut short", "restored"]) {
    if (turn === "restored")
      await asOwner(database.login, `insert into holdfast.organisation values ('${uuid}', 1, 1, '')`);
    const next = await start();
    assert.deepEqual(next.reports, [`The database had rows of ${fleet}, which was erased. They are gone again.`]);
    const { orgs } = await new CookieBrowser(next).signIn(person);
    assert.deepEqual(
      orgs.map(({ id }) => id),
      [welcome.org],
    );
    const { rows } = await rowsOf(next, `select 1 from holdfast.organisation where org = '${uuid}'`);
    assert.deepEqual(rows, []);
    await next.close();
  }
});

test("a platform that was started with --no-demo offers no fleet and makes none, and the set-up link is as good as before", async (t) => {
  const platform = await startTestPlatform({ config: { offersDemo: false } });
  t.after(() => platform.close());
  const { visitor } = platform;
  assert.deepEqual(await visitor.get("/v1/setup"), { fleet: false });
  const secret = (await linkOf(platform)).split("#setup=")[1] ?? "";
  const asked = { secret, ...person, org: "Works" };
  const refused = await visitor.send<{ code: string }>("POST", "/v1/setup", { body: { ...asked, fleet: true } });
  assert.deepEqual([refused.status, refused.body.code], [409, "simulation.notOffered"]);
  const welcome = await visitor.post<Welcome>("/v1/setup", asked);
  assert.equal(welcome.fleet, undefined);
  assert.equal((await new CookieBrowser(platform).signIn(person)).orgs.length, 1);
});

test("the command asks for a fleet, and removes it", async (t) => {
  const platform = await startTestPlatform();
  t.after(() => platform.close());
  const { ca, url } = placeOf(platform);
  const { folder } = platform.database;
  const [readyFile, passwordFile] = [path.join(folder, "ready.json"), path.join(folder, "password")];
  writeFileSync(readyFile, JSON.stringify({ url, setupLink: await linkOf(platform) }));
  writeFileSync(passwordFile, person.password);
  const run = async (args: readonly string[], env: Record<string, string> = {}) => {
    const options = { clock: systemClock, transport: () => nodeTransport({ ca }), env: { HOLDFAST_URL: url, ...env } };
    const { exit, out, err } = await holdfast([...args, "--json"], options);
    assert.equal(exit, 0, err);
    return JSON.parse(out) as Record<string, unknown>;
  };
  const who = ["--email", person.email, "--password-file", passwordFile];
  const made = await run(["setup", "--ready-file", readyFile, ...who, "--org", "Works", "--fleet"]);
  const fleet = String(made["fleet"]);
  const { token } = await platform.visitor.post<Welcome>("/v1/sign-in", { ...person, org: fleet });
  const env = { HOLDFAST_TOKEN: token };
  assert.equal((await run(["org", "show"], env))["isSimulated"], true);
  assert.deepEqual(await run(["simulation", "end"], env), { org: fleet, ended: true });
  assert.equal(await statusOf(platform, token), 401);
  assert.equal(await statusOf(platform, String(made["token"])), 200);
});
