import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import { request } from "node:https";
import { test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { zstdDecompressSync } from "node:zlib";
import { parquetReadObjects } from "hyparquet";
import { ParquetRows } from "../apps/cli/src/parquet-rows.ts";
import { atEnd, startTestPlatform } from "../apps/server/src/testing/index.ts";
import { http2, placeOf } from "./clients.fixture.ts";

// What was measured, asked for from outside: several devices at once, whole histories as files, and as Grafana asks.

const platform = await startTestPlatform();
atEnd.after(() => platform.close());
const place = placeOf(platform);
const { visitor } = platform;
const owner = await platform.setUp();
const me = visitor.as(owner.token);

type Device = { id: string; key: { id: string; secret: string } };
type Series = {
  device?: string;
  attribute: string;
  type: string;
  items: { time: string; [aggregate: string]: unknown }[];
};
type Latest = { items: { device: string; attribute: string; value: unknown }[] };

const application = await me.post<{ id: string }>("/v1/applications", { name: "Greenhouse" });
const device = (name: string, tags = {}, of = application.id) =>
  me.post<Device>("/v1/devices", { application: of, name, tags });
const send = ({ key }: Device, body: unknown) => visitor.as(`${key.id}.${key.secret}`).post("/v1/me/telemetry", body);
const token = (...grants: string[]) => me.post<{ id: string; token: string }>("/v1/tokens", { name: "reader", grants });

const hour = 3_600_000;
const start = Math.floor(Date.now() / hour) * hour - 48 * hour;
const [north, south] = [await device("North", { site: "north" }), await device("South", { site: "south" })];
const rising = (from: number) =>
  Array.from({ length: 600 }, (_, at) => ({
    time: start + at * 60_000,
    values: { temperature: from + at / 10, isOn: at % 2 === 0, note: at === 7 ? '=HYPERLINK("x"), "y"' : `n${at % 3}` },
  }));
await send(north, rising(0));
await send(south, rising(100));
/** A long history: 20 MB of texts, so that no buffer on the way takes it all. */
const wordy = await device("Wordy", { site: "long" });
for (let message = 0; message < 26; message++)
  await send(
    wordy,
    Array.from({ length: 200 }, (_, at) => ({
      time: start + message * 200 + at,
      values: { note: `${message} ${at} `.padEnd(4_000, "lorem ipsum ") },
    })),
  );

const range = { from: start, to: start + 10 * hour };
const ask = async (body: object, as = me) => (await as.post<{ series: Series[] }>("/v1/telemetry/query", body)).series;

test("several devices and attributes are asked at once, each for itself or together, by tag, gaps filled", async () => {
  const hourly = { ...range, attributes: ["temperature", "isOn"], every: "1h", aggregates: ["avg", "count"] };
  const each = await ask({ ...hourly, application: application.id });
  assert.deepEqual(
    each.map((one) => [one.device, one.attribute, one.type, one.items.length]),
    [
      [north.id, "temperature", "number", 10],
      [north.id, "isOn", "boolean", 10],
      [south.id, "temperature", "number", 10],
      [south.id, "isOn", "boolean", 10],
    ],
  );
  assert.deepEqual(each[0]?.items[1], { time: new Date(start + hour).toISOString(), avg: 8.95, count: 60 });
  const [tagged, ...none] = await ask({ ...hourly, attributes: ["temperature"], tags: { site: "south" } });
  assert.deepEqual([tagged?.device, none], [south.id, []]);

  const [all] = await ask({
    ...hourly,
    attributes: ["temperature"],
    aggregates: ["min", "p95", "max"],
    by: "attribute",
  });
  assert.deepEqual(all?.items[0], { time: new Date(start).toISOString(), min: 0, p95: 105.3, max: 105.9 });

  const filled = await ask({
    ...hourly,
    to: start + 12 * hour,
    devices: [north.id],
    attributes: ["temperature"],
    fill: "previous",
  });
  assert.deepEqual(filled[0]?.items.at(-1), { time: new Date(start + 11 * hour).toISOString(), avg: 56.95, count: 0 });
  const [chart] = await ask({ ...range, devices: [north.id], attributes: ["temperature"], width: 20 });
  assert.equal(chart?.items.length, 40, "first and last of twenty half hours, which are the extremes of what rises");
});

test("nobody is answered about what he may not read, nor told that it is there", async () => {
  const foreign = visitor.as((await platform.setUp()).token);
  const theirs = await foreign.post<{ id: string }>("/v1/applications", { name: "Theirs" });
  const alien = await foreign.post<Device>("/v1/devices", { application: theirs.id, name: "Alien" });
  await send(alien, { temperature: 1 });
  const narrow = visitor.as((await token(`telemetry.read:${north.id}`)).token);
  const question = { ...range, attributes: ["temperature"], every: "1d" };
  const unknown = `dev_${"0".repeat(32)}`;
  const asked = [north.id, south.id, alien.id, unknown];
  for (const devices of [asked, undefined]) {
    const series = await ask({ ...question, devices }, narrow);
    assert.deepEqual([...new Set(series.map((one) => one.device))], [north.id]);
  }
  for (const devices of [[south.id], [alien.id], [unknown]])
    assert.deepEqual(await ask({ ...question, devices }, narrow), []);
  const { items } = await narrow.post<Latest>("/v1/telemetry/latest");
  assert.deepEqual(
    items.map((one) => [one.device, one.attribute]),
    [
      [north.id, "isOn"],
      [north.id, "note"],
      [north.id, "temperature"],
    ],
  );
  // A door hides an attribute from programs: from questions, from the latest, and from files.
  const door = { readable: [{ attributes: ["temperature"], by: { kinds: ["operator"] } }] };
  await me.put(`/v1/devices/${north.id}/door`, door);
  assert.deepEqual(await ask(question, narrow), []);
  assert.equal(
    (await narrow.post<Latest>("/v1/telemetry/latest")).items.some((one) => one.attribute === "temperature"),
    false,
  );
  assert.doesNotMatch((await exported(narrow, { ...range, format: "csv" })).text, /temperature/);
  await me.delete(`/v1/devices/${north.id}/door`);
});

test("a question about a time that no calendar of a zone has, or with a tag that is no name, is refused and not answered about something else", async () => {
  const faultsOf = async (body: object) => {
    const question = { attributes: ["temperature"], from: start, ...body };
    const { status, body: said } = await me.send<{ errors?: { path: string }[] }>("POST", "/v1/telemetry/query", {
      body: question,
    });
    return [status, ...(said.errors ?? []).map(({ path }) => path)];
  };
  const ends = { every: "10y", timezone: "Australia/Lord_Howe", fill: "previous" };
  assert.deepEqual(await faultsOf({ ...ends, from: -8.64e15 }), [400, "from"]);
  assert.deepEqual(await faultsOf({ ...ends, to: 8.64e15 }), [400, "to"]);
  assert.deepEqual(await faultsOf({ ...ends, from: "0000-01-01T00:00:00Z", to: "9999-12-31T23:59:59.999Z" }), [200]);
  assert.deepEqual(await faultsOf({ every: "1d", timezone: "PST" }), [400, "timezone"]);
  assert.deepEqual(await faultsOf({ every: "1d", timezone: "EST" }), [200]);
  assert.deepEqual(await faultsOf({ tags: JSON.parse('{"__proto__":"north"}') as object }), [400, "tags.__proto__"]);
  const path = `/v1/devices/${north.id}/telemetry?attribute=temperature&every=1mo&timezone=Asia/Kathmandu`;
  assert.equal((await me.send("GET", `${path}&from=-8640000000000000`)).status, 400);
});

const exported = (as: typeof me, body: object) => as.send("POST", "/v1/telemetry/export", { body });

test("a file has every point, as CSV, NDJSON and Parquet alike, and says how many there are", async () => {
  const wanted = { ...range, devices: [north.id, south.id] };
  const csv = await exported(me, { ...wanted, format: "csv" });
  assert.deepEqual(
    [csv.status, csv.headers["content-type"], csv.headers["holdfast-points"]],
    [200, "text/csv; charset=utf-8; header=present", "3600"],
  );
  assert.match(csv.headers["content-disposition"] as string, /^attachment; filename="telemetry-[\d-]+\.csv"$/);
  const lines = csv.text.split("\r\n");
  assert.deepEqual([lines.length, lines[0]], [3_602, "device,attribute,time,value"]);
  assert.ok(csv.text.includes(`,"'=HYPERLINK(""x""), ""y"""`), "no formula reaches a spreadsheet");

  const ndjson = await exported(me, { ...wanted, format: "ndjson" });
  const rows = ndjson.text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  assert.equal(rows.length, 3_600);
  assert.deepEqual(
    rows
      .filter(({ device: of, attribute }) => of === south.id && attribute === "temperature")
      .map(({ time, value }) => [time, value]),
    rising(100).map(({ time, values }) => [new Date(time).toISOString(), values.temperature]),
  );

  const parquet = await download({ ...wanted, format: "parquet" });
  const file = parquet.buffer.slice(parquet.byteOffset, parquet.byteOffset + parquet.length) as ArrayBuffer;
  const compressors = { ZSTD: (input: Uint8Array) => new Uint8Array(zstdDecompressSync(input)) };
  const found = await parquetReadObjects({ file, compressors });
  assert.deepEqual(
    found.map(({ device: of, attribute, time, number, boolean, text }) => ({
      device: of,
      attribute,
      time: (time as Date).toISOString(),
      value: number ?? boolean ?? text,
    })),
    rows,
  );
  // as the command counts them while they come
  const counted = new ParquetRows();
  for (let at = 0; at < parquet.length; at += 997) counted.add(parquet.subarray(at, at + 997));
  assert.equal(counted.count, rows.length);
});

for (const way of ["HTTP/1.1", "HTTP/2"] as const) {
  test(`whose access ends in the middle of a file is cut off at once over ${way}, and knows that it is not whole`, async () => {
    const reader = await token(`telemetry.read:${wordy.id}`);
    const body = JSON.stringify({ from: start, devices: [wordy.id], format: "ndjson" });
    const stream = way === "HTTP/2" ? await byHttp2(reader.token, body) : await byHttp1(reader.token, body);
    const [first] = (await once(stream.readable, "data")) as [Buffer];
    stream.readable.pause(); // who reads slowly is not sent more than fits on the way
    let received = first.length;
    await me.delete(`/v1/credentials/${reader.id}`);
    stream.readable.on("data", (chunk: Buffer) => (received += chunk.length));
    stream.readable.resume();
    assert.equal(await stream.outcome, "cut off");
    assert.ok(received < 15e6, `${received} bytes of 21 million came`);
    assert.equal((await exported(visitor.as(reader.token), JSON.parse(body) as object)).status, 401);
  });
}

test("of files that are asked for at the same moment a credential gets four, and whoever hangs up before the first byte leaves his place", async () => {
  const reader = await token(`telemetry.read:${wordy.id}`);
  const wanted = { from: start, devices: [wordy.id], format: "ndjson" };
  const all = await Promise.all(Array.from({ length: 12 }, () => byHttp1(reader.token, JSON.stringify(wanted))));
  const statuses = all.map(({ readable }) => (readable as IncomingMessage).statusCode ?? 0).toSorted((a, b) => a - b);
  assert.deepEqual(statuses, [...Array<number>(4).fill(200), ...Array<number>(8).fill(429)]);
  for (const { readable } of all) (readable as IncomingMessage).destroy();

  for (const hangUp of [hangUpByHttp1, hangUpByHttp2])
    for (let times = 0; times < 30; times++) await hangUp(reader.token, JSON.stringify(wanted));
  const few = { ...wanted, to: start + 1 };
  for (let tries = 0; ; tries++) {
    const { status } = await exported(visitor.as(reader.token), few);
    if (status === 200) break;
    assert.ok(tries < 1_000, "the places of those who hung up are free again");
    await setTimeout(20);
  }
});

async function hangUpByHttp1(credential: string, body: string): Promise<void> {
  const headers = { "x-auth-token": credential, "content-type": "application/json" };
  const call = request(new URL("/v1/telemetry/export", place.url), { method: "POST", ca: place.ca, headers });
  call.on("error", () => {}); // it is what was wanted
  call.end(body);
  await once(call, "finish");
  call.destroy();
}

async function hangUpByHttp2(credential: string, body: string): Promise<void> {
  const { session } = http2(place);
  await once(session, "connect");
  const headers = { "x-auth-token": credential, "content-type": "application/json" };
  const call = session.request({ ":method": "POST", ":path": "/v1/telemetry/export", ...headers });
  call.on("error", () => {});
  call.end(body);
  await once(call, "finish");
  session.destroy();
}

type Running = { readable: NodeJS.ReadableStream; outcome: Promise<"whole" | "cut off"> };

async function byHttp1(credential: string, body: string): Promise<Running> {
  const call = request(new URL("/v1/telemetry/export", place.url), {
    method: "POST",
    ca: place.ca,
    headers: { "x-auth-token": credential, "content-type": "application/json" },
  });
  call.end(body);
  const [readable] = (await once(call, "response")) as [IncomingMessage];
  const outcome = new Promise<"whole" | "cut off">((resolve) => {
    readable.on("error", () => resolve("cut off")).on("end", () => resolve(readable.complete ? "whole" : "cut off"));
  });
  return { readable, outcome };
}

async function byHttp2(credential: string, body: string): Promise<Running> {
  const { session } = http2(place);
  const readable = session.request({
    ":method": "POST",
    ":path": "/v1/telemetry/export",
    "x-auth-token": credential,
    "content-type": "application/json",
  });
  readable.on("error", () => {}); // the code says it
  readable.end(body);
  const outcome = new Promise<"whole" | "cut off">((resolve) => {
    readable.on("close", () => {
      resolve(readable.rstCode === 0 ? "whole" : "cut off");
      session.destroy();
    });
  });
  await once(readable, "response");
  return { readable, outcome };
}

async function download(body: object): Promise<Buffer> {
  const { readable } = await byHttp1(owner.token, JSON.stringify(body));
  const chunks: Buffer[] = [];
  for await (const chunk of readable) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

test("what Grafana's Infinity data source sends for each recipe is answered as the recipe says", async () => {
  const recipes = [
    ...readFileSync("docs/grafana.md", "utf8").matchAll(
      /\*Rows\/Root\* `([\w.]+)`[^]*?```http\n(GET|POST) (\S+)\n([^]*?)```/g,
    ),
  ];
  assert.equal(recipes.length, 5);
  // What Grafana puts in place of its own variables and of the dashboard's.
  const values: Record<string, string | number> = {
    device: north.id,
    application: application.id,
    __from: range.from,
    __to: range.to,
    __interval: "30m",
  };
  const { token: reading } = await token("telemetry.read", "device.read");
  const headers = {
    authorization: `Bearer ${reading}`,
    "user-agent": "Grafana/12.0",
    accept: "application/json;q=0.9,text/plain",
  };
  for (const [, root = "", method = "", path = "", body = ""] of recipes) {
    const put = (text: string) => text.replaceAll(/\$\{(\w+)\}/g, (_, name: string) => String(values[name]));
    const bytes = method === "POST" ? Buffer.from(put(body)) : undefined;
    const answer = await visitor.send(method, put(path), { headers, ...(bytes && { bytes }) });
    assert.equal(answer.status, 200, `${path}: ${answer.text}`);
    const rows = root
      .split(".")
      .reduce<unknown>((at, name) => new Map(Object.entries(at ?? {})).get(name), answer.body);
    assert.ok(Array.isArray(rows) && rows.length > 0, `${path} has rows at ${root}`);
    for (const row of rows as Record<string, unknown>[]) {
      if (path.startsWith("/v1/devices?")) assert.ok(row["id"] && row["name"]);
      else assert.ok(!Number.isNaN(Date.parse(String(row["time"]))) && Object.keys(row).length > 1);
    }
  }
});

test("what is older than is kept, and what was erased, is seen by no way of asking: questions, latest, files, pictures", async () => {
  const product = await me.post<{ id: string }>("/v1/products", { name: "Kept a month" });
  const old = await me.post<Device>("/v1/devices", { application: application.id, product: product.id, name: "Old" });
  const day = 24 * hour;
  const [long, late] = [start - 60 * day, start];
  const each = (from: number, value: number) =>
    Array.from({ length: 900 }, (_, at) => ({ time: from + at * 60_000, values: { level: value, past: value } }));
  // In chunks with rollups, in chunks without, and in no chunk yet.
  for (const body of [each(long, 1), each(late, 2), { time: late + day, values: { level: 3 } }]) await send(old, body);
  const widget = { type: "value", id: "a", place: { x: 0, y: 0, w: 4, h: 3 }, device: old.id, attribute: "past" };
  const dashboard = await me.post<{ id: string }>("/v1/dashboards", { name: "Past", widgets: [widget] });

  const whole = { from: long - day, to: late + 2 * day, devices: [old.id] };
  const attributes = ["level"];
  const seen = async () => {
    const question = { ...whole, attributes };
    const counted = async (every: string) => {
      const [series] = await ask({ ...question, every, aggregates: ["count"] });
      return (series?.items ?? []).reduce((sum, { count }) => sum + Number(count), 0);
    };
    const values = (series: Series[]) => series.flatMap(({ items }) => items.map(({ value }) => Number(value)));
    const file = await exported(me, { ...question, format: "csv" });
    const parquet = await parquetReadObjects({
      file: new Uint8Array(await download({ ...question, format: "parquet" })).buffer,
      compressors: { ZSTD: (input: Uint8Array) => new Uint8Array(zstdDecompressSync(input)) },
    });
    const path = `/v1/devices/${old.id}/telemetry`;
    const { items } = await me.get<{ items: { value: number }[] }>(
      `${path}?attribute=level&from=${whole.from}&to=${whole.to}&limit=10000`,
    );
    const [chart] = await ask({ ...question, width: 10 });
    const shown = await me.get<{ devices: { latest: { value: unknown }[] }[] }>(
      `/v1/dashboards/${dashboard.id}/devices`,
    );
    const latest = async (attribute: string) => [
      ...(await me.get<Latest>(`${path}/latest`)).items.filter((one) => one.attribute === attribute),
      ...(await me.post<Latest>("/v1/telemetry/latest", { devices: [old.id], attributes: [attribute] })).items,
    ];
    return {
      points: [...new Set(values(await ask(question)))],
      quarters: await counted("1d"),
      decoded: await counted("1m"),
      chart: [...new Set(chart?.items.map(({ value }) => value) ?? [])],
      page: [...new Set(items.map(({ value }) => value))],
      csv: [file.headers["holdfast-points"], file.text.trim().split("\r\n").length - 1],
      parquet: parquet.length,
      level: (await latest("level")).map(({ value }) => value),
      past: (await latest("past")).map(({ value }) => value),
      picture: shown.devices[0]?.latest.map(({ value }) => value),
    };
  };
  const all = {
    points: [1, 2, 3],
    quarters: 1_801,
    decoded: 1_801,
    chart: [1, 2, 3],
    page: [1, 2, 3],
    csv: ["1801", 1_801],
    parquet: 1_801,
    level: [3, 3],
    past: [2, 2],
    picture: [2],
  };
  assert.deepEqual(await seen(), all);

  const path = `/v1/products/${product.id}/retention`;
  await me.put(path, { keep: 30, attributes: { past: 1 } });
  const month = { points: [2, 3], quarters: 901, decoded: 901, chart: [2, 3], page: [2, 3], csv: ["901", 901] };
  assert.deepEqual(await seen(), { ...all, ...month, parquet: 901, past: [], picture: [] });

  await me.post(`/v1/devices/${old.id}/erase`);
  const none = { points: [], quarters: 0, decoded: 0, chart: [], page: [], csv: ["0", 0], parquet: 0 };
  const nothing = { ...none, level: [], past: [], picture: [] };
  assert.deepEqual(await seen(), nothing);
  await me.put(path, { keep: "forever" });
  assert.deepEqual(await seen(), nothing);
  await send(old, { time: late + day, values: { level: 4, past: 4 } });
  const next = { points: [4], quarters: 1, decoded: 1, chart: [4], page: [4], csv: ["1", 1], parquet: 1 };
  assert.deepEqual(await seen(), { ...next, level: [4, 4], past: [4, 4], picture: [4] });
});
