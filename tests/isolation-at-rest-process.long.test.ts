import assert from "node:assert/strict";
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { before, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { newId, systemClock, systemRandom } from "@holdfast/kernel";
import { connectAsync, type MqttClient } from "mqtt";
import type { Client } from "pg";
import { encodeChunk } from "../apps/server/src/telemetry/chunk.ts";
import { RecordWriter } from "../apps/server/src/telemetry/record.ts";
import { atEnd, type Visitor } from "../apps/server/src/testing/index.ts";
import { dumpOf } from "./at-rest/dump.ts";
import { filesUnder, Search, type Finding, type Planted } from "./at-rest/search.ts";
import { Deployment } from "./faults/deployment.ts";
import { asOwner } from "./faults/owner.ts";
import { Chance } from "./faults/seed.ts";

// A platform as its operator has it, and everything that it leaves on the disk: the database's files and its log of changes, its own log and
// ours, a dump, and what was moved to the object store. The keys lie apart and are searched as well: they open what was written, and hold nothing of it.
const email = "zinnia.elegans@example.com";
const password = "seventeen zinnias in a row";
const texts = {
  organisation: "Zinnia works",
  "organisation, renamed": "Zinnia works and sons",
  application: "Zinnia hall",
  product: "Zinnia pump",
  device: "Zinnia number one",
  alias: "zinnia-at-the-window",
  "key of a tag": "zinnia-row",
  "value of a tag": "zinnia-in-the-third-row",
  token: "zinnia dashboard",
  "comment on a list": "zinnia thief at the fence",
  "login of a customer": "zinnia.fan@example.com",
  "comment on a customer's list": "zinnia peeper next door",
  "attribute of a door": "zinnia-at-the-door",
  "access key": "zinnia gateway",
  "operator key": "zinnia night shift",
  "attribute that is declared": "zinnia-level",
  "attribute that is not": "zinnia-colour",
  "text that was measured": "zinnias bloom red",
  "topic that is refused": "zinnia/secret/garden",
  "filter that is refused": "zinnia/every/+/garden",
  "client id": "zinnia-client-id",
  "filter of a session": "zinnia-in-a-filter",
  "text of a will": "zinnias wither",
  "address that is not there": "zinnia-nowhere",
  "body that is refused": "zinnia misspelt",
} as const;
const numbers = {
  "fifteen digits": 431_982_645_017_263,
  "six decimals": 731_982.645017,
  "four decimals": 64_719_835.2861,
} as const;

const chance = new Chance();
const store = mkdtempSync(path.join(tmpdir(), "holdfast-store-"));
chmodSync(store, 0o777); // started by root, the server becomes another user
const more = ["--cold-after", "1", "--cold-store", store, "--allow-root"];
const deployment = await Deployment.make(chance, { keysApart: true, more });
atEnd.after(async () => {
  await deployment.close();
  rmSync(store, { recursive: true, force: true });
});

type Made = { id: string; key: { id: string; secret: string } };
let planted: Planted = {};
let search = new Search({});
let database: Client;

/** Most of a secret is as bad as all of it, and the beginning is the same for all. */
const heartOf = (secret: string) => secret.slice(-34, -8);

/** Somebody whose device it is, and who lists something about it. */
async function customerWithList(me: Visitor, application: { id: string }, device: Made): Promise<void> {
  const origin = "https://zinnias.example";
  const login = texts["login of a customer"];
  const { id, secret } = await me.post<Made["key"]>(`/v1/applications/${application.id}/keys`, {
    name: "page",
    kind: "application",
    conditions: { origins: [origin] },
  });
  const ask = <T>(path: string, body: object) =>
    deployment.visitor.send<T>("POST", `/v1/application-users/${path}?key=${id}.${secret}`, {
      headers: { origin },
      body: { login, password, ...body },
    });
  const users = `/v1/applications/${application.id}/users`;
  const invited = await me.post<{ id: string; code: string }>(users, { login });
  await ask("password", { code: invited.code });
  const { accessToken } = (await ask<{ accessToken: string }>("sign-in", {})).body;
  await me.put(`/v1/devices/${device.id}/user`, { user: invited.id });
  await deployment.visitor.as(accessToken).post("/v1/application-users/me/lists", {
    list: "deny",
    what: "address",
    value: "192.0.2.77",
    comment: texts["comment on a customer's list"],
  });
}

before(async () => {
  await deployment.begin("nowhere").ready; // it looks after chunks when it is told to, and at once
  const setupSecret = deployment.ready.setupLink?.split("#setup=")[1] ?? assert.fail("there is no set-up link");
  const { visitor } = deployment;
  await visitor.send("POST", "/v1/setup", {
    body: {
      secret: `${setupSecret.slice(0, -1)}${setupSecret.endsWith("0") ? "1" : "0"}`,
      email,
      password,
      org: texts.organisation,
    },
  });
  const person = { secret: setupSecret, email, password, org: texts.organisation };
  const { token, org } = await visitor.post<{ token: string; org: string }>("/v1/setup", person);
  const me = visitor.as(token);
  await me.patch("/v1/org", { name: texts["organisation, renamed"] });
  const application = await me.post<{ id: string }>("/v1/applications", { name: texts.application });
  const product = await me.post<{ id: string }>("/v1/products", {
    name: texts.product,
    attributes: { [texts["attribute that is declared"]]: { type: "number" } },
  });
  const device = await me.post<Made>("/v1/devices", {
    application: application.id,
    name: texts.device,
    product: product.id,
    alias: texts.alias,
    tags: { [texts["key of a tag"]]: texts["value of a tag"] },
  });
  await me.put(`/v1/devices/${device.id}/door`, {
    readable: [{ attributes: [texts["attribute that is declared"], texts["attribute of a door"]] }],
  });
  await me.post("/v1/lists", {
    list: "deny",
    what: "topic",
    value: "devices/zinnia-on-a-list/#",
    comment: texts["comment on a list"],
  });
  await customerWithList(me, application, device);
  const grant = `telemetry.read:tag:${texts["key of a tag"]}=${texts["value of a tag"]}`;
  const program = await me.post<{ token: string }>("/v1/tokens", { name: texts.token, grants: [grant] });
  const accessKey = await me.post<Made["key"]>(`/v1/applications/${application.id}/keys`, {
    name: texts["access key"],
  });
  const operatorKey = await me.post<Made["key"]>("/v1/operator-keys", { name: texts["operator key"] });
  const secrets = {
    "set-up link": setupSecret,
    "owner's token": token,
    "program's token": program.token,
    "device's key": device.key.secret,
    "access key's secret": accessKey.secret,
    "operator key's secret": operatorKey.secret,
  };
  planted = {
    email,
    password,
    ...texts,
    ...numbers,
    ...Object.fromEntries(Object.entries(secrets).map(([what, secret]) => [what, heartOf(secret)])),
  };
  search = new Search(planted);

  await measure(device);
  const client = await connect(device);
  await client.publishAsync("me/telemetry", JSON.stringify(reading), { qos: 1 });
  await assert.rejects(client.publishAsync(texts["topic that is refused"], "{}", { qos: 1 }));
  await assert.rejects(client.publishAsync(`v1/${device.key.id}.${device.key.secret}/up`, "{}", { qos: 1 }));
  await assert.rejects(client.subscribeAsync(texts["filter that is refused"]));
  await client.subscribeAsync(["me/#", `me/${texts["filter of a session"]}/#`], { qos: 2 });
  await client.publishAsync("me/telemetry", JSON.stringify(reading), { qos: 2, retain: true });
  client.stream.destroy(); // a session that was left without a word: its will is a reading
  await deployment.visitor.as(`${device.key.id}.${device.key.secret}`).post("/v1/me/telemetry", reading);

  // What goes wrong is what logs quote.
  await me.send("GET", `/v1/devices/${texts["address that is not there"]}`);
  await me.send("GET", `/v1/devices?token=${program.token}`);
  await me.send("POST", "/v1/applications", {
    body: { name: "", [texts["body that is refused"]]: numbers["fifteen digits"] },
  });
  await visitor.as(`${device.key.id}.${accessKey.secret}`).send("GET", "/v1/me");
  await visitor.send("POST", "/v1/sign-in", { body: { email, password: `${password}, or not` } });
  await visitor.post("/v1/sign-in", { email, password, org });

  database = await asOwner(deployment);
  atEnd.after(() => database.end());
  await assert.rejects(database.query(`select '${texts.device}'::integer`));
  await until(
    async () =>
      Number(/^holdfast_telemetry_chunks_total (\d+)$/m.exec((await visitor.send("GET", "/metrics")).text)?.[1]) >= 5,
  );
  await database.query("update holdfast.untidy set since = 0"); // what is to be joined in a day is joined now: it would not move before
  process.kill(deployment.ready.pid, "SIGUSR2");
  await until(async () => filesUnder(store).length > 0);
  type Entry = { what: string; facts?: { because?: string } };
  await until(async () => {
    const { items } = await me.get<{ items: Entry[] }>("/v1/audit?limit=1000");
    const isTold = items.some(({ what }) => what === "credential.exposed");
    return isTold && items.some(({ facts }) => facts?.because?.includes(texts["topic that is refused"]));
  });
  await database.query("checkpoint");
});

const reading = {
  [texts["attribute that is declared"]]: numbers["fifteen digits"],
  "zinnia-fine": numbers["six decimals"],
  "zinnia-short": numbers["four decimals"],
  [texts["attribute that is not"]]: texts["text that was measured"],
  isOpen: true,
};

/** So much that it is compacted (2,048 points), and half of it so old, three days, that it is moved. */
async function measure({ key }: Made): Promise<void> {
  const as = deployment.visitor.as(`${key.id}.${key.secret}`);
  const now = systemClock.now();
  for (const ago of [261_200_000, 260_200_000, 259_200_000, 2_000_000, 1_000_000, 0]) {
    const readings = Array.from({ length: 1_000 }, (_, at) => ({
      time: now - ago - (1_000 - at) * 1_000,
      values: reading,
    }));
    await as.post("/v1/me/telemetry", readings);
  }
}

const connect = ({ key }: Made): Promise<MqttClient> =>
  connectAsync(`mqtts://localhost:${deployment.mqttsPort}`, {
    ca: readFileSync(deployment.caFile, "utf8"),
    clientId: texts["client id"],
    clean: false,
    properties: { sessionExpiryInterval: 600 },
    will: {
      topic: "me/telemetry",
      payload: Buffer.from(JSON.stringify({ will: texts["text of a will"] })),
      qos: 1,
      retain: true,
    },
    username: key.id,
    password: key.secret,
    protocolVersion: 5,
    reconnectPeriod: 0,
  });

async function until(isSo: () => Promise<boolean>): Promise<void> {
  const late = performance.now() + 60_000;
  while (!(await isSo())) {
    assert.ok(performance.now() < late, "it did not come to that");
    await setTimeout(50);
  }
}

const whatOf = (findings: readonly Finding[]) => new Set(findings.map(({ what }) => what));

test("nothing that anybody wrote or was given is in the data folder, in a log or beside the keys, in whatever form", () => {
  const files = filesUnder(deployment.folder).map((file) => path.relative(deployment.folder, file));
  for (const kind of [
    /pg_wal\/[0-9A-F]{24}$/,
    /cluster\/base\//,
    /postgres\.log$/,
    /server\.log$/,
    /keyring\.sqlite$/,
    /ready\.json$/,
  ])
    assert.ok(
      files.some((file) => kind.test(file)),
      String(kind),
    );
  assert.deepEqual(search.under(deployment.folder), []);
});

test("nor in the object store, where old readings were moved", async () => {
  const moved = await database.query("select distinct series from holdfast.chunk where data is null");
  assert.equal(moved.rowCount, Object.keys(reading).length);
  assert.deepEqual(search.under(store), []);
});

test("nor in a dump of the database", async () => {
  assert.deepEqual(search.in(await dumpOf(database), "the dump"), []);
});

test("the logs are those that were searched, and the ready file has no link any more", () => {
  assert.match(deployment.log, /The platform has its first person/);
  assert.match(
    readFileSync(path.join(deployment.data, "postgres/postgres.log"), "utf8"),
    /ready to accept connections/,
  );
  assert.ok(existsSync(deployment.readyFile) && deployment.ready.setupLink === undefined);
});

test("what is put there unsealed is found, each value, in the data folder and in the dump", async () => {
  const now = systemClock.now();
  const writer = new RecordWriter();
  const device = newId("device", systemRandom);
  for (let count = 0; count < 100; count += 1) {
    writer.reading(device, now, now, "device", Object.keys(reading).length);
    for (const [name, value] of Object.entries(reading)) writer.value(name, value);
  }
  const times = Float64Array.from({ length: 1_000 }, (_, at) => now + at);
  const chunks = Object.values(numbers).map((value) =>
    encodeChunk({ type: "number", times, values: new Float64Array(1_000).fill(value) }),
  );
  const bodies = Object.entries(planted).map(([what, value]) => Buffer.from(JSON.stringify({ [what]: value })));
  // Neither compressed nor once only: a page of the log of changes may end in the midst of a word.
  await database.query("create table unsealed (record bytea storage external)");
  const rows = [writer.finish(), ...chunks, ...bodies];
  for (const bytes of [...rows, ...rows, ...rows]) await database.query("insert into unsealed values ($1)", [bytes]);
  await database.query("checkpoint");
  const everything = new Set(Object.keys(planted));
  const onDisk = search.under(deployment.folder);
  for (const kind of ["pg_wal/", "cluster/base/"])
    assert.deepEqual(whatOf(onDisk.filter(({ where }) => where.includes(kind))), everything, kind);
  assert.deepEqual(whatOf(search.in(await dumpOf(database), "the dump")), everything);
  writeFileSync(path.join(store, "unsealed"), Buffer.concat(rows));
  assert.deepEqual(whatOf(search.under(store)), everything);
  const binary = onDisk.filter(({ form }) => form.includes("10^")).map(({ what }) => what);
  assert.deepEqual(new Set(binary), new Set(Object.keys(numbers)), "as the platform's own formats have them");
});
