import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import { after, test } from "node:test";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { connectAsync, type IClientPublishOptions } from "mqtt";
import { refusalCodes } from "@holdfast/kernel";
import { atEnd, startTestPlatform } from "../apps/server/src/testing/index.ts";
import { read, type Block } from "../tools/documents/markdown.ts";
import { Owner, textOf, type Device } from "./authority.fixture.ts";
import { dial, placeOf } from "./clients.fixture.ts";

// What comes in, in every form, as docs/telemetry.md says, and as clients of others send it.
const platform = await startTestPlatform();
atEnd.after(() => platform.close());
const { visitor } = platform;
const owner = new Owner(visitor, await platform.setUp());
const { asks } = owner;
const application = await owner.application();
const place = placeOf(platform);

type Product = { readonly id: string; readonly version: number; readonly schemaVersion: number };
type Latest = { readonly items: readonly { attribute: string; value: unknown; mark?: string }[] };
type Refusal = { readonly code: string; readonly message?: string; readonly detail?: string };

const text = readFileSync(path.join(import.meta.dirname, "../docs/telemetry.md"), "utf8");
const product = (body: object) => asks.post<Product>("/v1/products", { name: "Pump", ...body });
// The examples have the times of one day, and are tried on any.
const timeless = await product({ times: { past: "3660d", future: "366d" } });
const latest = async (device: Device) => (await asks.get<Latest>(`/v1/devices/${device.id}/telemetry/latest`)).items;
const as = (device: Device) => visitor.as(textOf(device.key));

const compressed = (bytes: Uint8Array, encoding: string | undefined): Uint8Array => {
  if (encoding === undefined) return bytes;
  return encoding === "gzip" ? gzipSync(bytes) : zstdCompressSync(bytes);
};

/** A line of what is done, headers, and behind an empty line the body; of CBOR in hexadecimal. */
function parse({ text: block }: Block) {
  const [head = "", ...rest] = block.split("\n\n");
  const [line = "", ...fields] = head.split("\n");
  const headers = new Map(fields.map((field) => field.split(": ", 2) as [string, string])); // written so
  const body = rest.join("\n\n").replace(/\n$/, "");
  const isHex = headers.get("Content-Type")?.includes("cbor");
  const bytes = isHex ? Buffer.from(body.replaceAll(" ", ""), "hex") : Buffer.from(body);
  const encoding = headers.get("Content-Encoding");
  return { words: line.split(" "), headers, body: compressed(bytes, encoding), encoding };
}

type Said = ReturnType<typeof parse>;

async function overHttp(device: Device, { words: [method = "", target = ""], headers, body }: Said) {
  const shown = headers.has("Authorization") ? { authorization: `Token ${textOf(device.key)}` } : undefined;
  const asked = shown ? visitor : as(device);
  headers.delete("Authorization");
  return asked.send<Refusal>(method, target, { bytes: body, headers: { ...Object.fromEntries(headers), ...shown } });
}

const { ca, mqttPort } = place;
const clientOf = (device: Device) =>
  connectAsync(`mqtts://localhost:${mqttPort}`, {
    ca,
    host: "127.0.0.1",
    servername: "localhost",
    username: device.key.id,
    password: device.key.secret,
    protocolVersion: 5,
  });

async function overMqtt(device: Device, { words: [, topic = ""], headers, body, encoding }: Said): Promise<void> {
  const client = await clientOf(device);
  const contentType = headers.get("Content-Type");
  const properties: NonNullable<IClientPublishOptions["properties"]> = {
    ...(contentType !== undefined && { contentType }),
    ...(encoding !== undefined && { userProperties: { "Content-Encoding": encoding } }),
  };
  await client.publishAsync(topic.replace("dev_…", device.id), Buffer.from(body), { qos: 1, properties });
  await client.endAsync();
}

const { blocks } = read(text);
const isSchema = ({ language, text: block }: Block) => language === "json" && block.includes('"attributes"');
const schemaAt = blocks.findIndex(isSchema);
const pump = await product(JSON.parse(blocks[schemaAt]?.text ?? "") as object);
const timesAt = text.slice(0, text.indexOf("## Times")).split("\n").length;

for (const [at, block] of blocks.entries()) {
  if (block.language !== "http" && block.language !== "mqtt") continue;
  test(`docs/telemetry.md, line ${block.line}: what is sent is read as the page says`, async () => {
    const ofSchema = at > schemaAt && block.line < timesAt;
    const device = await owner.device(application.id, { product: ofSchema ? pump.id : timeless.id });
    const wanted = JSON.parse(blocks[at + 1]?.text ?? "") as { status?: number; code?: string };
    const said = parse(block);
    const answer = block.language === "http" ? await overHttp(device, said) : await overMqtt(device, said);
    if (wanted.code !== undefined) {
      assert.partialDeepStrictEqual({ status: answer?.status, ...answer?.body }, wanted);
      assert.deepEqual(await latest(device), []);
      return;
    }
    if (answer) assert.ok(answer.status === 200 || answer.status === 204, answer.text);
    const measured = (await latest(device)).map(({ attribute, value }) => [attribute, value] as const);
    assert.deepEqual(Object.fromEntries(measured), wanted);
  });
}

test("the page has every code of telemetry", () => {
  for (const code of refusalCodes.filter((one) => one.startsWith("telemetry."))) assert.ok(text.includes(code), code);
});

const lines = (count: number) =>
  Array.from({ length: count }, (_, at) => `mem,host=pi used_percent=${20 + (at % 70)}.5 ${Date.now() - at * 1_000}`);

test("clients of InfluxDB are answered as they expect it: theirs in JavaScript, Telegraf, and theirs in Python", async () => {
  const device = await owner.device(application.id);
  const token = { authorization: `Token ${textOf(device.key)}`, accept: "application/json" };
  const type = { "content-type": "text/plain; charset=utf-8" };
  const write = (query: string, body: string | Uint8Array, headers: Readonly<Record<string, string>>) =>
    visitor.send<Refusal>("POST", `/api/v2/write?${query}`, {
      bytes: Buffer.from(body),
      headers: { ...token, ...type, ...headers },
    });
  // @influxdata/influxdb-client 1.35 compresses from 1,000 bytes on; Telegraf 1.3x always; influxdb-client of Python says identity.
  const batch = lines(1_000).join("\n");
  const javaScript = await write("org=home&bucket=b&precision=ms", gzipSync(batch), { "content-encoding": "gzip" });
  assert.deepEqual([javaScript.status, javaScript.text], [204, ""]);
  const telegraf = await write("bucket=b&org=home&precision=ms", gzipSync(batch), { "content-encoding": "gzip" });
  assert.equal(telegraf.status, 204);
  const python = await write("org=home&orgID=&bucket=b&precision=ms", lines(1)[0] ?? "", {
    "content-encoding": "identity",
  });
  assert.equal(python.status, 204);
  const [item] = await latest(device);
  assert.deepEqual([item?.attribute, typeof item?.value], ["mem.used_percent,host=pi", "number"]);

  const wrong = await write("precision=ms", "mem used=", {});
  assert.deepEqual([wrong.status, wrong.body.code], [422, "telemetry.malformed"]);
  assert.match(String(wrong.headers["content-type"]), /^application\/json/, "theirs looks for it there alone");
  assert.match(wrong.body.message ?? "", /"mem\.used" of reading 1/);
  const tooMany = await write("precision=ms", lines(5_001).join("\n"), {});
  assert.deepEqual([tooMany.status, tooMany.body.code], [413, "telemetry.tooMany"]);
  const stranger = await write("precision=ms", batch, { authorization: "Token key_00.hfs_00" });
  assert.deepEqual([stranger.status, stranger.body.code], [401, "credential.invalid"]);
  const hours = await write("precision=h", batch, {});
  assert.deepEqual([hours.status, hours.body.code], [400, "request.malformed"]);
  const program = await asks.send<Refusal>("POST", "/api/v2/write", { bytes: Buffer.from(batch) });
  assert.equal(program.status, 403, "it asks whose device it is");
});

test("a bomb is refused with the size that it may have, one of another encoding by its name, and only deliveries are inflated", async () => {
  const device = await owner.device(application.id);
  const send = (bytes: Uint8Array, encoding: string) =>
    as(device).send<Refusal>("POST", "/v1/me/telemetry", { bytes, headers: { "content-encoding": encoding } });
  for (const [encoding, bytes] of [
    ["gzip", gzipSync(Buffer.alloc(32 << 20))],
    ["zstd", zstdCompressSync(Buffer.alloc(32 << 20))],
  ] as const) {
    const bomb = await send(bytes, encoding);
    assert.deepEqual([bomb.status, bomb.body.code], [413, "request.tooLarge"]);
    assert.match(bomb.body.detail ?? "", /Inflated it would have more than [\d,]+ bytes/);
  }
  const body = Buffer.from('{"temperature": 21.5}');
  assert.deepEqual((await send(body, "gzip")).body.code, "telemetry.malformed");
  for (const encoding of ["br", "deflate", "gzip, gzip"]) {
    const other = await send(body, encoding);
    assert.deepEqual([other.status, other.body.code], [415, "request.mediaType"]);
  }
  const managed = await asks.send<Refusal>("POST", "/v1/products", {
    bytes: gzipSync('{"name": "P"}'),
    headers: { "content-encoding": "gzip" },
  });
  assert.deepEqual([managed.status, managed.body.code], [415, "request.mediaType"]);
});

test("what a product marks is kept: marked in the live view, counted, and marked in answers by the schema of then", async () => {
  const attributes = { pressure: { type: "number", min: 0, max: 16 } };
  const made = await product({ attributes, strict: true, onViolation: "mark" });
  const device = await owner.device(application.id, { product: made.id });
  const line = await dial(place, place.port);
  after(() => line.socket.destroy());
  line.socket.write(`GET /v1/live?device=${device.id} HTTP/1.1\r\nHost: x\r\nX-Auth-Token: ${owner.token}\r\n\r\n`);
  await line.until(/Readings follow/);
  await as(device).post("/v1/me/telemetry", { pressure: 17, extra: 1 });
  const seen = await line.until(/event: reading\ndata: .*\n/);
  const event = JSON.parse(/event: reading\ndata: (.*)\n/.exec(seen)?.[1] ?? "") as { values: object; marks: object };
  assert.deepEqual(event.values, { pressure: 17, extra: 1 });
  assert.deepEqual(event.marks, { pressure: "telemetry.outOfRange", extra: "telemetry.undeclared" });
  assert.match(await asks.get<string>("/metrics"), /^holdfast_telemetry_marked_total 2$/m);

  await as(device).post("/v1/me/telemetry", { pressure: 3 });
  const ofPressure = `/v1/devices/${device.id}/telemetry?attribute=pressure`;
  const points = async () => (await asks.get<Latest>(ofPressure)).items.map(({ value, mark }) => [value, mark]);
  assert.deepEqual(await points(), [
    [17, "telemetry.outOfRange"],
    [3, undefined],
  ]);
  const changed = await asks.patch<Product>(`/v1/products/${made.id}`, {
    attributes: { pressure: { type: "number", min: 4, max: 20 } },
    onViolation: "refuse",
  });
  assert.deepEqual([made.schemaVersion, changed.schemaVersion], [1, 2]);
  assert.deepEqual(await points(), [
    [17, undefined],
    [3, "telemetry.outOfRange"],
  ]);
  assert.deepEqual(
    (await latest(device)).map(({ attribute, mark }) => [attribute, mark]),
    [
      ["extra", undefined],
      ["pressure", "telemetry.outOfRange"],
    ],
  );
  const { items } = await asks.get<{ items: { what: string; facts?: { schema?: object } }[] }>("/v1/audit");
  assert.deepEqual(items.find(({ what }) => what === "product.updated")?.facts?.schema, {
    version: 2,
    changed: ["pressure"],
    onViolation: "refuse",
  });
  const refused = await as(device).send<Refusal>("POST", "/v1/me/telemetry", { body: { pressure: 1 } });
  assert.deepEqual([refused.status, refused.body.code], [422, "telemetry.outOfRange"]);
  await line.until(/event: refused\ndata: .*telemetry\.outOfRange/);
});

test("a schema that contradicts itself is refused, field by field", async () => {
  for (const [attribute, field] of [
    [{ type: "text", min: 1 }, "min"],
    [{ type: "number", min: 2, max: 1 }, "max"],
    [{ type: "json", values: ["a"] }, "values"],
    [{ type: "number", values: ["a"] }, "values"],
    [{ type: "text", values: ["a", "a"] }, "values"],
    [{ type: "number", max: 3, values: [4] }, "values"],
  ] as const) {
    const body = { name: "P", attributes: { a: attribute } };
    const refused = await asks.send<{ errors: { path: string }[] }>("POST", "/v1/products", { body });
    assert.deepEqual([refused.status, refused.body.errors[0]?.path], [400, `attributes.a.${field}`]);
  }
  for (const times of [{ past: "3661d" }, { future: "0s" }, { future: "soon" }]) {
    const refused = await asks.send("POST", "/v1/products", { body: { name: "P", times } });
    assert.equal(refused.status, 400);
  }
});

test("a door's size holds for what came and for what it became", async () => {
  const device = await owner.device(application.id);
  await asks.put(`/v1/devices/${device.id}/door`, { size: 100 });
  const send = (text: string) =>
    as(device).send<Refusal>("POST", "/v1/me/telemetry", {
      bytes: gzipSync(text),
      headers: { "content-encoding": "gzip" },
    });
  assert.equal((await send('{"state": "idle"}')).status, 200);
  const refused = await send(`{"state": "${"x".repeat(200)}"}`);
  assert.deepEqual([refused.status, refused.body.code], [413, "door.tooLarge"]);
});
