import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { spawn, spawnSync } from "node:child_process";
import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { Client, newKeyAndRequest, ProvingKey, type PrivateKey } from "@holdfast/client";
import { nodeTransport } from "@holdfast/client/node";
import { systemClock } from "@holdfast/kernel";
import { routes } from "@holdfast/protocol";
import { connectAsync } from "mqtt";
import type { Ended } from "../apps/cli/src/testing/world.ts";
import { atEnd, startNameServer } from "../apps/server/src/testing/index.ts";
import { commandLine, ended, inProcess } from "./cli.fixture.ts";

// The command against a whole platform, as somebody meets both on the first day. Later tests use what earlier ones made.
// What their names have by DNS.
const texts = new Map<string, readonly string[]>();
const names = await startNameServer((name, type) => (type === "TXT" ? texts.get(name) : undefined));
atEnd.after(async () => names.close());
const { folder, url, env, call, answer, read, refused, setupLine } = await commandLine({
  config: { dnsServer: names.place },
});
const ownProcess = (argv: readonly string[]) => inProcess(argv, env, folder);

let org = "";
let application = "";
let device = "";
let deviceToken = "";

test("the platform is set up once, by whoever holds its ready file", async () => {
  const line = setupLine("Works", "ada@example.com");
  const made = await call(line);
  assert.equal(made.exit, 0, made.err);
  const { org: first, person, token } = JSON.parse(made.out);
  assert.match(`${first} ${person} ${token}`, /^org_\w+ per_\w+ hf_\S+$/);
  assert.match(made.err, /shown this once/);
  const again = await call(line);
  assert.deepEqual([again.exit, /setup\.(done|invalid)/.test(again.err)], [1, true]);
  org = first;
  env["HOLDFAST_TOKEN"] = token;
  const me = await answer("whoami");
  assert.deepEqual([me.org, me.person], [org, person]);
  assert.equal((await answer("org", "show")).name, "Works");
});

test("who is not trusted or not there is told apart from who refuses", async () => {
  const stranger = await call(["whoami", "--json"], { env: { HOLDFAST_CA_FILE: "" } });
  assert.deepEqual([stranger.exit, JSON.parse(stranger.err).error.code], [3, "untrusted"]);
  const nobody = await call(["whoami", "--url", "https://localhost:1", "--json"]);
  assert.deepEqual([nobody.exit, JSON.parse(nobody.err).error.code], [3, "unreachable"]);
  assert.equal(await refused(`hf_${"a".repeat(60)}`, "whoami"), "credential.invalid");
});

test("a product's schema is a file: what is shown of one makes another, and what is wrong with it is said before it is sent", async () => {
  const file = path.join(folder, "pump.json");
  const pressure = { type: "number", unit: "bar", min: 0, max: 16 };
  const schema = {
    attributes: { pressure, at: { type: "location" } },
    strict: true,
    onViolation: "mark",
    times: { past: "30d", future: "5m" },
  };
  writeFileSync(file, JSON.stringify(schema));
  const made = await answer("product", "create", "--name", "Pump", "--schema", file, "--attribute", "mode:text");
  assert.partialDeepStrictEqual(made, { ...schema, schemaVersion: 1 });
  writeFileSync(
    file,
    JSON.stringify({ ...made, attributes: { ...made.attributes, pressure: { ...pressure, max: 20 } } }),
  );
  const changed = await answer("product", "update", made.id, "--schema", file, "--on-violation", "refuse");
  assert.partialDeepStrictEqual(changed, { onViolation: "refuse", schemaVersion: 2, times: schema.times });
  assert.deepEqual([changed.attributes.pressure.max, Object.keys(changed.attributes).length], [20, 3]);
  const { out: shown } = await call(["product", "get", made.id]);
  assert.match(shown, /pressure:number:bar\[0\.\.20\] at:location mode:text/);
  assert.match(shown, /up to 30d old and 5m ahead/);
  for (const [text, why] of [
    ["{", /is not JSON/],
    ["[]", /is no object with attributes, strict, onViolation, times/],
    ['{"attributes": {"a": {"type": "text", "min": 1}}}', /attributes\.a\.min: only a number has one/],
  ] as const) {
    writeFileSync(file, text);
    const wrong = await call(["product", "update", made.id, "--schema", file]);
    assert.equal(wrong.exit, 2);
    assert.match(wrong.err, why);
  }
});

test("an application, a product and a device are made, found and changed", async () => {
  ({ id: application } = await answer("application", "create", "--name", "Heating"));
  const attributes = ["--attribute", "temperature:number:°C", "--attribute", "running:boolean"];
  const product = await answer("product", "create", "--name", "Pump", ...attributes);
  assert.deepEqual(product.attributes.temperature, { type: "number", unit: "°C" });
  const more = ["--product", product.id, "--alias", "pump-1", "--tag", "site=north"];
  const made = await answer("device", "create", "--application", application, "--name", "Pump 1", ...more);
  assert.match(made.key.secret, /^hfs_/);
  device = made.id;
  deviceToken = `${made.key.id}.${made.key.secret}`;
  await answer("device", "create", "--application", application, "--name", "Pump 2");
  const found = await answer("device", "list", "--tag", "site=north", "--application", application);
  assert.deepEqual(
    found.items.map(({ id }: { id: string }) => id),
    [device],
  );
  assert.equal((await answer("device", "list", "--limit", "1")).items.length, 1);
  const { tags, alias } = await answer("device", "update", device, "--tag", "site=south", "--tag", "floor=2");
  assert.deepEqual([tags, alias], [{ site: "south", floor: "2" }, "pump-1"]);
  const other = await answer("application", "create", "--name", "Cooling");
  assert.equal((await answer("device", "move", device, "--application", other.id)).application, other.id);
  await answer("device", "move", device, "--application", application);
  assert.match(await read("application", "list"), new RegExp(`^ID +NAME +MADE\n.*${other.id} +Cooling +`, "s"));
  assert.equal((await answer("application", "list", "--limit", "1")).items.length, 1);
  assert.equal((await answer("application", "delete", other.id)).deleted, true);
  assert.equal(await refused(undefined, "application", "get", other.id), "application.unknown");
  assert.match((await answer("device", "key", device)).secret, /^hfs_/);
  assert.match(
    (await call(["device", "list"])).out,
    /^ID +NAME +STATE +PRESENCE +LOOK AT +APPLICATION +ALIAS +TAGS +MADE\n/,
  );
});

test("a key, a token and a device are bound to a public key from a file, and nothing takes a private one", async () => {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const file = (name: string, text: string) => {
    writeFileSync(path.join(folder, name), text);
    return ["--public-key", path.join(folder, name)];
  };
  const pem = file("key.pub.pem", publicKey.export({ format: "pem", type: "spki" }));
  const jwk = file("key.jwk", JSON.stringify(publicKey.export({ format: "jwk" })));
  const first = await answer("device", "create", "--application", application, "--name", "Bound", ...pem);
  const made = [
    first.key,
    await answer("device", "key", first.id, ...jwk),
    await answer("token", "create", "--name", "bound", "--grant", "device.read", ...pem),
    await answer("key", "create", "--application", application, "--name", "bound", ...jwk),
    await answer("operator", "create", "--name", "bound", ...pem),
  ];
  const bound = await Promise.all(made.map(async ({ id }) => (await answer("credential", "get", id)).boundTo));
  assert.equal(new Set(bound).size, 1);
  assert.match(bound[0], /^[\w-]{43}$/);
  assert.equal(await refused(made[2].token, "whoami"), "proof.required");
  for (const text of [
    privateKey.export({ format: "pem", type: "pkcs8" }),
    JSON.stringify(privateKey.export({ format: "jwk" })),
    generateKeyPairSync("ec", { namedCurve: "P-384" }).publicKey.export({ format: "pem", type: "spki" }),
    "nothing of the kind",
  ]) {
    const wrong = await call(["device", "key", device, ...file("wrong", String(text))]);
    assert.deepEqual([wrong.exit, wrong.out], [2, ""]);
    assert.match(wrong.err, /--public-key/);
  }
  await answer("device", "retire", first.id);
});

test("a token that is bound to a new key works with its file and not without, also from a profile that holds both", async () => {
  const file = path.join(folder, "nightly.pem");
  const token = (name: string, grant: string) =>
    call(["token", "create", "--name", name, "--grant", grant, "--new-key", file, "--json"]);
  assert.equal((await token("nothing", "no.such")).exit, 1);
  assert.ok(!existsSync(file), "what was refused leaves no key");
  const made = JSON.parse((await token("nightly", "device.read")).out);
  assert.equal(statSync(file).mode & 0o777, 0o600);
  const again = await token("again", "device.read");
  assert.deepEqual([again.exit, /not written over/.test(again.err)], [1, true]);

  const shown = { HOLDFAST_TOKEN: made.token };
  const bare = await call(["whoami", "--json"], { env: shown });
  assert.deepEqual([bare.exit, JSON.parse(bare.err).error.code], [1, "proof.required"]);
  assert.match(bare.err, /--key-file/);
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const other = path.join(folder, "other.jwk");
  writeFileSync(other, JSON.stringify(privateKey.export({ format: "jwk" })));
  const wrong = await call(["whoami", "--json", "--key-file", other], { env: shown });
  assert.deepEqual([wrong.exit, JSON.parse(wrong.err).error.code], [1, "proof.invalid"]);
  const proved = await call(["whoami", "--json"], { env: { ...shown, HOLDFAST_KEY_FILE: file } });
  assert.equal(JSON.parse(proved.out).credential, made.id, proved.err);
  const list = await call(["device", "list", "--key-file", file], { env: shown });
  assert.equal(list.exit, 0, list.err);

  const home = { XDG_CONFIG_HOME: path.join(folder, "nightly"), HOLDFAST_TOKEN: "" };
  writeFileSync(path.join(folder, "nightly-token"), made.token);
  const login = ["login", "--token-file", path.join(folder, "nightly-token")];
  assert.equal((await call(login, { env: home })).exit, 1, "it is asked for before it is remembered");
  assert.equal((await call([...login, "--key-file", file], { env: home })).exit, 0);
  assert.equal(statSync(path.join(folder, "nightly/holdfast/profile.json")).mode & 0o777, 0o600);
  rmSync(file);
  const kept = await call(["whoami", "--json"], { env: home });
  assert.equal(JSON.parse(kept.out).credential, made.id, kept.err);
  const lent = await call(["whoami"], { env: { ...home, HOLDFAST_TOKEN: env["HOLDFAST_TOKEN"] ?? "" } });
  assert.equal(lent.exit, 0, "its key stays with its own token");
});

test("a client signs with a key of either kind, with the nonce of the answer before, and a change as well", async () => {
  for (const kind of ["ed25519", "P-256"] as const) {
    const pair = kind === "ed25519" ? generateKeyPairSync(kind) : generateKeyPairSync("ec", { namedCurve: kind });
    const jwk = pair.privateKey.export({ format: "jwk" }) as PrivateKey; // of these two kinds
    const { d, ...publicKey } = jwk;
    writeFileSync(path.join(folder, "bound.jwk"), JSON.stringify(publicKey));
    const bind = ["--public-key", path.join(folder, "bound.jwk")];
    const { token } = await answer(
      "token",
      "create",
      "--name",
      kind,
      "--grant",
      "org.read",
      "--grant",
      "org.update",
      ...bind,
    );
    let sent = 0;
    const inner = nodeTransport({ ca: readFileSync(path.join(folder, "ca.pem"), "utf8") });
    const send: typeof inner.send = (request) => ((sent += 1), inner.send(request));
    const client = new Client({ url, token, key: new ProvingKey(jwk), transport: { ...inner, send } });
    assert.equal((await client.call(routes.updateOrg, { body: { name: "Works" } })).name, "Works");
    assert.equal(sent, 2, "once to learn the nonce");
    for (let n = 0; n < 3; n += 1) await client.call(routes.readOrg);
    assert.equal(sent, 5);
    assert.ok(d);
    client.close();
  }
});

test("the lines that come with a new device send a reading as they are", async (t) => {
  const home = { XDG_CONFIG_HOME: path.join(folder, "ada") };
  const login = ["login", "--ready-file", path.join(folder, "ready.json"), "--email", "ada@example.com"];
  const signedIn = await call([...login, "--password-file", path.join(folder, "password")], { env: home });
  assert.equal(signedIn.exit, 0, signedIn.err);
  const made = await call(["device", "create", "--application", application, "--name", "Pump 3"], { env: home });
  assert.equal(made.exit, 0, made.err);
  const id = /dev_\w+/.exec(made.out)?.[0] ?? "";
  for (const program of ["curl", "mosquitto_pub"]) {
    await t.test(program, { skip: spawnSync(program, ["--help"]).error !== undefined }, async () => {
      const line = made.out.split("\n").find((line) => line.startsWith(program)) ?? "";
      const sent = await ended(spawn("/bin/sh", ["-c", line.replace("21.5", String(program.length))]));
      assert.equal(sent.code, 0, sent.stderr);
      const { items } = await answer("telemetry", "latest", id);
      assert.equal(items[0].value, program.length);
    });
  }
});

test("what a device measured is read back, as points, in steps and as the newest", async () => {
  const client = new Client({
    url,
    token: deviceToken,
    transport: nodeTransport({ ca: readFileSync(path.join(folder, "ca.pem"), "utf8") }),
  });
  const minute = Math.floor(systemClock.now() / 60_000) * 60_000 - 600_000;
  const readings = Array.from({ length: 300 }, (_, i) => ({
    time: minute + i * 1_000,
    values: { temperature: i / 4 },
  }));
  const content = JSON.stringify(readings);
  const { accepted } = await client.call(routes.sendTelemetry, { body: { contentType: "application/json", content } });
  client.close();
  assert.equal(accepted, 300);
  const get = ["telemetry", "get", device, "--attribute", "temperature", "--from", "-1h", "--to", "now"];
  const { items } = await answer(...get);
  assert.deepEqual([items.length, items[0].value, items[299].value], [300, 0, 74.75]);
  const steps = await answer(...get, "--every", "1m", "--aggregate", "avg,count");
  assert.deepEqual(
    steps.items.map(({ count }: { count: number }) => count),
    [60, 60, 60, 60, 60],
  );
  const two = await answer(...get, "--every", "1m", "--limit", "2");
  assert.equal(two.items.length, 2);
  const rest = await answer(...get, "--every", "1m", "--cursor", two.nextCursor);
  assert.equal(rest.items.length, 3);
  assert.ok(rest.items[0].time > two.items[1].time);
  const query = ["telemetry", "query", "--tag", "floor=2", "--attribute", "temperature", "--from", "-1h", "--every"];
  const [series] = (await answer(...query, "1h", "--aggregate", "count")).series;
  assert.equal(series.device, device);
  const counts = series.items.map(({ count }: { count: number }) => count);
  assert.equal(
    counts.reduce((sum: number, count: number) => sum + count, 0),
    300,
  );
  assert.equal((await call([...query, "soon"])).exit, 2);
  const written = await read("telemetry", "export", device, "--from", "-1h", "--format", "ndjson");
  assert.equal(written.trimEnd().split("\n").length, 300);
  const nowhere = await call(["telemetry", "export", device, "--from", "-1h", "--output", path.join(folder, "no/all")]);
  assert.deepEqual([nowhere.exit, nowhere.out], [2, ""]);
  assert.equal((await answer("telemetry", "send", device, "running=true", "note=as it is")).accepted, 1);
  const latest = await answer("telemetry", "latest", device);
  assert.equal(latest.items.find(({ attribute }: { attribute: string }) => attribute === "running").value, true);
  assert.equal(await refused(undefined, "telemetry", "send", device, "temperature=warm"), "telemetry.wrongType");
});

test("a door is shown, set and taken away, and what it may not say is a misuse before anything is asked", async () => {
  const set = await answer(
    "door",
    "set",
    device,
    "--transport",
    "mqtts",
    "--allow",
    "127.0.0.1,apiToken",
    "--rate",
    "60/10",
    "--readable",
    "temperature=session",
  );
  const door = {
    transports: ["mqtts"],
    allow: { addresses: ["127.0.0.1"], kinds: ["apiToken"] },
    readable: [{ attributes: ["temperature"], by: { kinds: ["session"] } }],
    rate: { perMinute: 60, burst: 10 },
  };
  assert.deepEqual(set.door, door);
  assert.match((await call(["door", "show", device])).out, new RegExp(`${device} +takes mqtts only`));
  // What no flag names stays, unless it is said that the whole is meant.
  const narrower = await answer("door", "set", device, "--dangerous", "unlock", "--rate", "30/10");
  assert.deepEqual(narrower.door, { ...door, dangerous: ["unlock"], rate: { perMinute: 30, burst: 10 } });
  const whole = await answer("door", "set", device, "--transport", "mqtts", "--replace");
  assert.deepEqual(whole.door, { transports: ["mqtts"] });
  assert.equal((await answer("door", "remove", device)).removed, true);
  assert.match((await call(["door", "show", device])).out, /nothing beyond a good credential/);
  for (const [argv, sentence] of [
    [["show", "key_1"], /no identifier of a product or a device/],
    [["set", device], /Say what it demands/],
    [["set", device, "--allow", "weather"], /is not a network, a person/],
    [["set", device, "--readable", "a=10.0.0.1"], /WHO is no address here/],
  ] as const) {
    const { exit, err } = await call(["door", ...argv]);
    assert.equal(exit, 2);
    assert.match(err, sentence);
  }
});

test("a device is certified for a key that was made here or for somebody's request, and it delivers with that alone", async () => {
  const made = await answer("device", "create", "--application", application, "--name", "Certified");
  await answer("credential", "revoke", made.key.id);
  const [key, crt] = [path.join(folder, "pump.pem"), path.join(folder, "pump.crt")];
  const first = ["device", "certificate", made.id, "--new-key", key, "--out", crt, "--valid", "30d"];
  const certificate = await answer(...first);
  assert.equal(statSync(key).mode & 0o777, 0o600);
  assert.equal(readFileSync(crt, "utf8"), certificate.certificate);
  const { mqttsUrl } = JSON.parse(readFileSync(path.join(folder, "ready.json"), "utf8"));
  const client = await connectAsync(mqttsUrl, {
    ca: readFileSync(path.join(folder, "ca.pem")),
    cert: readFileSync(crt),
    key: readFileSync(key),
    reconnectPeriod: 0,
  });
  await client.publishAsync("me/telemetry", '{"temperature": 7}', { qos: 1 });
  await client.endAsync();
  const { csr } = await newKeyAndRequest();
  const second = await call(["device", "certificate", made.id, "--csr", "-"], { stdin: csr });
  assert.match(second.out, /^-----BEGIN CERTIFICATE-----\n[^ ]+\n-----END CERTIFICATE-----\n$/);
  assert.match(second.err, /Credential key_[0-9a-f]+, good until /);
  assert.equal((await call(["credential", "certificate", certificate.id])).out, certificate.certificate);
  const lost = path.join(folder, "lost.pem");
  assert.equal(await refused(undefined, "device", "certificate", made.id, "--new-key", lost), "key.tooMany");
  assert.ok(!existsSync(lost), "where nothing came of it there is no key");
  assert.equal((await call(first)).exit, 1, "a key is not written over");
  assert.equal((await call(["device", "certificate", made.id])).exit, 2);
  const [{ id }] = (await answer("certificate-authority", "list")).items;
  assert.equal((await call(["certificate-authority", "certificate", id])).out, certificate.chain);
  assert.equal((await answer("certificate-authority", "end", id)).ended, true);
  assert.match((await call(["certificate-authority", "list"])).err, /There is none/);
  assert.match((await call(["credential", "certificate", certificate.id])).err, /No certificate that is good/);
});

test("what is on the lists is shown and taken off, and who would shut himself out is told", async () => {
  const made = await answer("list", "deny", "192.0.2.0/24", "--comment", "the old office", "--expires", "30d");
  assert.deepEqual([made.what, made.value, made.comment], ["address", "192.0.2.0/24", "the old office"]);
  assert.equal((await answer("list", "deny", device)).what, "device");
  assert.equal((await answer("list", "allow", `devices/${device}/#`)).what, "topic");
  const { err } = await call(["list", "allow", "192.0.2.7"]);
  assert.match(err, /shut you out/);
  const { items } = await answer("list", "show", "--list", "deny");
  assert.deepEqual(items.map(({ what }: { what: string }) => what).toSorted(), ["address", "device"]);
  const all = (await answer("list", "show")).items as { id: string }[];
  for (const { id } of all) await answer("list", "remove", id);
  assert.match((await call(["list", "show"])).err, /Nothing is on either list/);
});

test("a change is tried before it is made, and said in a sentence, with who is touched and why", async () => {
  const shut = ["simulate", "deny", device, "--days", "1"];
  const tried = await answer(...shut);
  assert.match(tried.sentence, /^On the last day it would newly refuse 1 device and 1 person,/);
  assert.equal(tried.newlyRefused.devices.items[0].id, device);
  const { out } = await call(shut);
  assert.match(out, new RegExp(`1 device and 1 person, newly allow none\\.\nnewly refused +${device} connect: denied`));
  assert.match(out, /: denied by list entry lst_/);
  assert.match(
    (await answer("simulate", "door", device, "--rate", "60")).sentence,
    /of 1 device and 1 person nobody can say/,
  );
  assert.match((await answer("simulate", "door", device)).sentence, /newly refuse none, newly allow none\./);
  assert.match((await answer("simulate", "allow", "127.0.0.0/8")).sentence, /newly refuse none/);
  assert.equal(await refused(undefined, "simulate", "role", "viewer", "--grant", "device.read"), "role.builtIn");
  const { id: entry } = await answer("list", "deny", "192.0.2.0/24");
  assert.match((await answer("simulate", "remove", entry)).sentence, /newly refuse none, newly allow none\./);
  await answer("list", "remove", entry);
  assert.equal(await refused(undefined, "simulate", "remove", entry), "list.unknown");
  assert.equal((await call(["simulate", "remove", device])).exit, 2);
  assert.equal((await call(["simulate", "deny", device, "--days", "0"])).exit, 2);
});

test("a token does what it was granted, is explained, listed and ended", async () => {
  const grant = `telemetry.read:${device}`;
  const made = await answer("token", "create", "--name", "dashboard", "--grant", grant, "--expires", "1h");
  const latest = await call(["telemetry", "latest", device], { env: { HOLDFAST_TOKEN: made.token } });
  assert.equal(latest.exit, 0, latest.err);
  assert.match(await refused(made.token, "device", "retire", device), /^(permit\.missing|device\.unknown)$/);
  const explain = ["explain", "--as", made.id, "--resource", device, "--action"];
  assert.equal((await answer(...explain, "telemetry.read")).allowed, true);
  const no = await answer(...explain, "device.retire");
  assert.deepEqual([no.allowed, typeof no.because], [false, "string"]);
  const early = await call(["token", "create", "--name", "long", "--grant", grant, "--expires", "90d"]);
  assert.match(early.err, /sooner than 90d/);
  const { items } = await answer("credential", "list", "--kind", "apiToken");
  assert.ok(items.some(({ id }: { id: string }) => id === made.id));
  assert.equal((await answer("credential", "revoke", made.id)).state, "revoked");
  assert.equal((await answer("credential", "get", made.id)).state, "revoked");
  assert.match(await refused(made.token, "whoami"), /^credential\.(ended|invalid)$/);
  const key = await answer("key", "create", "--application", application, "--name", "import");
  assert.equal((await call(["device", "get", device], { env: { HOLDFAST_TOKEN: `${key.id}.${key.secret}` } })).exit, 0);
  const operator = await answer("operator", "create", "--name", "night shift");
  assert.match(operator.secret, /^hfs_/);
  const mints = { env: { HOLDFAST_TOKEN: `${operator.id}.${operator.secret}` } };
  const minted = await call(["device", "create", "--application", application, "--name", "Pump 3", "--json"], mints);
  const { key: ofDevice } = JSON.parse(minted.out);
  assert.equal((await answer("credential", "get", ofDevice.id)).madeBy, operator.id);
  await answer("credential", "revoke", operator.id);
  assert.equal((await answer("credential", "get", ofDevice.id)).state, "active");
  assert.equal((await answer("credential", "revoke", operator.id, "--made")).state, "revoked");
  assert.equal((await answer("credential", "get", ofDevice.id)).state, "revoked");
});

test("the MQTT sessions of a device and of a program are shown, with what waits for them", async () => {
  assert.match((await call(["device", "sessions", device])).err, /There is no MQTT session/);
  const { mqttsUrl } = JSON.parse(readFileSync(path.join(folder, "ready.json"), "utf8"));
  const ca = readFileSync(path.join(folder, "ca.pem"));
  const come = (username: string, password: string) =>
    connectAsync(mqttsUrl, { ca, reconnectPeriod: 0, clientId: "lasting", clean: false, username, password });
  const { id, token } = await answer("token", "create", "--name", "wall", "--grant", `telemetry.read:${device}`);
  const program = await come("program", token);
  await program.subscribeAsync(["devices/+/telemetry", "devices/#"], { qos: 1 });
  await program.endAsync();
  const [username = "", password = ""] = deviceToken.split(".");
  const source = await come(username, password);
  await source.publishAsync("me/telemetry", '{"temperature": 1}', { qos: 1 });
  const shown = await call(["credential", "sessions", id]);
  assert.match(
    shown.out,
    /^CLIENT ID +STATE +SINCE +KEPT UNTIL +FILTERS +WAITING +BYTES\nlasting +offline +\S.* devices\/\+\/telemetry and 1 more +1 +\d+$/m,
  );
  const { items } = await answer("device", "sessions", device);
  assert.deepEqual(
    items.map(({ clientId, state }: { clientId: string; state: string }) => [clientId, state]),
    [["lasting", "online"]],
  );
  await source.endAsync();
  await answer("credential", "revoke", id);
});

test("readings are followed as they come, until what follows them is revoked", async () => {
  const { id, token } = await answer("token", "create", "--name", "wall", "--grant", `telemetry.read:${device}`);
  let shown = "";
  const sees = { env: { HOLDFAST_TOKEN: token }, onOut: (text: string) => void (shown = text) };
  let ended: Ended | undefined;
  const tail = call(["device", "tail", device, "--json"], sees).then((end) => (ended = end));
  // The stream may open after a reading was kept, so there is another one until one is seen.
  while (shown === "" && ended === undefined) await answer("telemetry", "send", device, "temperature=42");
  await answer("credential", "revoke", id);
  const { exit, err } = await tail;
  assert.deepEqual([exit, /\bcredential\.(ended|invalid)\b/.test(err)], [1, true], err);
  const [first = ""] = shown.split("\n");
  assert.deepEqual(JSON.parse(first).values, { temperature: 42 });
});

test("another organisation's device is as unknown as one that never was", async () => {
  const { token } = await answer("org", "create", "--name", "Other works");
  const foreign = await refused(token, "device", "get", device);
  const never = await refused(token, "device", "get", `dev_${"0".repeat(32)}`);
  assert.deepEqual([foreign, never], ["device.unknown", "device.unknown"]);
});

test("somebody is invited, comes with her link, gets another role and is removed", async () => {
  const invited = ["member", "invite", "--email", "bob@example.com", "--role", "viewer"];
  const { id, link } = await answer(...invited);
  const table = await call(["invitation", "list"]);
  assert.match(table.out, /^ID +E-MAIL +ROLE +BY +EXPIRES\ninv_\w+ +bob@example\.com +viewer +per_\w+ +in [67] d\n$/);
  assert.ok(!table.out.includes(link));
  assert.equal((await answer("invitation", "withdraw", id)).withdrawn, true);
  writeFileSync(path.join(folder, "link"), `${link}\n`);
  const accept = ["invitation", "accept", "--email", "bob@example.com", "--link-file", path.join(folder, "link")];
  const line = [...accept, "--password-file", path.join(folder, "password")];
  assert.equal(await refused(undefined, ...line), "invitation.invalid");
  const again = await answer(...invited);
  writeFileSync(path.join(folder, "link"), again.link);
  // The link says where the platform is.
  const came = await call([...line, "--login", "--json"], { env: { HOLDFAST_URL: "", HOLDFAST_TOKEN: "" } });
  assert.equal(came.exit, 0, came.err);
  const { person, token } = JSON.parse(came.out);
  assert.equal((await call(["org", "show"], { env: { HOLDFAST_URL: "", HOLDFAST_TOKEN: "" } })).exit, 0, "signed in");
  assert.equal(await refused(token, "member", "remove", person), "permit.missing");
  assert.equal((await answer("member", "role", person, "--role", "owner")).role, "owner");
  const people = await call(["member", "list"]);
  assert.match(people.out, /^PERSON +E-MAIL +ROLE +STATE +INSTANCE\n/);
  assert.match(people.out, new RegExp(`${person} +bob@example\\.com +owner`));
  assert.equal((await answer("member", "suspend", person)).isSuspended, true);
  assert.equal(await refused(token, "whoami"), "credential.invalid");
  assert.equal((await answer("member", "resume", person)).isSuspended, false);
  assert.equal((await answer("member", "remove", person)).removed, true);
});

test("an organisation is deleted by who types its name and restored, and the administrator of the instance looks after all of them", async () => {
  const { org, token } = await answer("org", "create", "--name", "Passing");
  const as = (...words: string[]) => call([...words, "--json"], { env: { HOLDFAST_TOKEN: token } });
  assert.equal(await refused(token, "org", "delete", "--name", "Passed"), "org.misnamed");
  const { endsAt } = JSON.parse((await as("org", "delete", "--name", "Passing")).out);
  assert.ok(Date.parse(endsAt) > Date.now());
  const table = await call(["instance", "organisations"]);
  assert.match(table.out, /^ID +MADE +STATE +ENDS +PEOPLE +DEVICES\n/);
  assert.match(table.out, new RegExp(`${org} +.* ending +in [67] d +1 +0\\n`));
  assert.ok(!table.out.includes("Passing"));
  assert.equal(JSON.parse((await as("org", "restore")).out).endsAt, undefined);
  assert.equal((await answer("instance", "suspend", org)).state, "suspended");
  assert.equal(await refused(token, "device", "list"), "permit.missing");
  assert.equal((await answer("instance", "resume", org)).state, "active");
  assert.ok((await answer("instance", "delete", org)).endsAt > endsAt);
  assert.equal((await answer("instance", "restore", org)).state, "active");
  assert.equal(await refused(token, "org", "leave"), "member.lastOwner");
  const people = (await answer("instance", "people")).items as { id: string; administrator: boolean }[];
  const [first] = people.filter(({ administrator }) => administrator);
  assert.equal((await answer("instance", "add-administrator", first?.id ?? "")).administrator, true);
  const last = await call(["instance", "remove-administrator", first?.id ?? "", "--json"]);
  assert.match(last.err, /administrator\.last/);
});

test("whoever lost her second factors is helped where there is something to help with", async () => {
  const { items } = await answer("instance", "people");
  const { id } = items[0];
  assert.equal(await refused(undefined, "instance", "reset-factors", id), "factorReset.needless");
  assert.equal(await refused(undefined, "instance", "keep-factors", id), "factorReset.unknown");
  assert.match((await call(["instance", "factor-resets"])).err, /Nobody's second factors are to go/);
});

test("a role is made, given by its name, changed, reviewed as a file, applied to the state that was seen, and replaced", async () => {
  const grants = ["--grant", "device.read", "--grant", "device.suspend:tag:site=north"];
  const made = await answer("role", "create", "--name", "Night shift", ...grants, "--description", "After ten");
  assert.deepEqual(made.grants, ["device.read", "device.suspend:tag:site=north"]);
  const { link } = await answer("member", "invite", "--email", "carol@example.com", "--role", "night SHIFT");
  writeFileSync(path.join(folder, "carol"), link);
  const accept = ["invitation", "accept", "--email", "carol@example.com", "--link-file", path.join(folder, "carol")];
  const { person } = await answer(...accept, "--password-file", path.join(folder, "password"));
  const change = ["--grant", "audit.read", "--without", "device.suspend:tag:site=north"];
  assert.deepEqual((await answer("role", "update", "Night shift", ...change)).grants, ["device.read", "audit.read"]);
  const table = await call(["role", "list"]);
  assert.match(table.out, /^ROLE +MEMBERS +MAY +ID\nowner +1 +org\.read.*\n/);
  assert.match(table.out, new RegExp(`Night shift +1 +device\\.read audit\\.read +${made.id}`));
  assert.match((await call(["role", "show", made.id])).out, /name +Night shift[^]*may +device\.read\n +audit\.read/);
  assert.equal((await call(["role", "show", "operator"])).exit, 0);
  assert.match((await call(["role", "show", "No such"])).err, /There is no such role/);

  const { out } = await call(["role", "export"]);
  const file = path.join(folder, "roles.json");
  writeFileSync(file, out);
  const same = await call(["role", "diff", file]);
  assert.deepEqual([same.out, same.exit], ["", 0]);
  assert.match(same.err, /nothing would change[^]*--state \d+/);
  writeFileSync(file, out.replace('"audit.read"', '"telemetry.read"'));
  const told = await call(["role", "diff", file]);
  assert.match(
    told.out,
    /^~ Night shift\n {4}\+ telemetry\.read\n {4}- audit\.read\nper_\w+, who is Night shift\n {4}gains telemetry\.read\n/,
  );
  const state = /--state (\d+)/.exec(told.err)?.[1] ?? "";
  await answer("role", "update", "Night shift", "--description", "Changed meanwhile");
  const late = await call(["role", "apply", file, "--state", state, "--json"]);
  assert.equal(JSON.parse(late.err).error.code, "request.conflict");
  assert.equal((await answer("role", "apply", file)).changed[0].added[0], "telemetry.read");
  writeFileSync(file, "roles:\n");
  assert.deepEqual(
    [(await call(["role", "diff", file])).exit, (await call(["role", "apply", "nowhere.json"])).exit],
    [2, 2],
  );

  assert.match((await call(["role", "delete", "Night shift"])).err, /Somebody has this role/);
  assert.equal((await answer("role", "delete", "Night shift", "--replacement", "viewer")).deleted, true);
  const { items } = await answer("member", "list");
  assert.equal(items.find((one: { person: string }) => one.person === person).role, "viewer");
});

test("a provider is entered, tried, changed and switched on, its domain approved, demanded and relaxed, and it is removed", async () => {
  const issuer = "https://127.0.0.1:1";
  writeFileSync(path.join(folder, "client-secret"), "a secret between the two\n");
  const made = await answer(
    "provider",
    "create",
    "--name",
    "House accounts",
    "--issuer",
    issuer,
    "--client-id",
    "holdfast",
    "--secret-file",
    path.join(folder, "client-secret"),
    "--joins",
    "viewer",
    "--amr",
    "mfa",
    "--claim",
    "groups",
    "--map",
    "operators=operator",
  );
  assert.deepEqual(
    [made.isEnabled, made.hasSecret, made.joins, made.roles, made.secondFactor],
    [false, true, "viewer", { claim: "groups", map: [{ value: "operators", role: "operator" }] }, { amr: ["mfa"] }],
  );
  assert.ok(!JSON.stringify(made).includes("a secret between"));
  const shown = await call(["provider", "show", "house accounts"]);
  assert.match(shown.out, /by groups +operators = operator/);
  const tried = await answer("provider", "try", "House accounts");
  assert.match(tried.findings[0].says, /--outbound-allow/);
  assert.equal((await answer("provider", "on", made.id)).isEnabled, true);
  const less = await answer("provider", "update", made.id, "--without", "roles", "--without", "second-factor");
  assert.deepEqual([less.roles, less.secondFactor, less.joins], [undefined, undefined, "viewer"]);
  assert.deepEqual((await answer("provider", "people", made.id)).items, []);
  assert.equal(await refused(undefined, "provider", "unlink", made.id, `per_${"0".repeat(32)}`), "member.unknown");
  assert.match((await call(["provider", "show", "nobody"])).err, /There is no such provider/);

  const domain = await answer("domain", "add", "House accounts", "House.example");
  assert.deepEqual([domain.proof, domain.record.name], ["none", "_holdfast-challenge.house.example"]);
  assert.equal(await refused(undefined, "domain", "demand", "house.example"), "domain.unproved");
  const unproved = await call(["domain", "prove", "House.example"]);
  assert.deepEqual([unproved.exit, unproved.out], [1, ""]);
  assert.match(unproved.err, /no TXT record of _holdfast-challenge\.house\.example.*\n {2}\(domain\.unproved, /);
  texts.set(domain.record.name, ["v=spf1 -all", domain.record.value]);
  assert.match(await read("domain", "prove", "House.example"), /^domain +house\.example\nproved +by its record\n/);
  const stranger = await call(["domain", "prove", "stranger.example"]);
  assert.deepEqual([stranger.exit, stranger.out], [1, ""]);
  assert.match(stranger.err, /\n {2}\(domain\.unknown\)\n$/);
  const { id: org } = await answer("org", "show");
  await answer("instance", "approve-domain", org, "house.example");
  assert.equal((await answer("domain", "demand", "house.example", "--preview")).credentials.count, 0);
  assert.equal((await answer("org", "show")).demands.people?.provider, undefined);
  await answer("domain", "demand", "house.example");
  await answer("org", "demand", "--of", "people", "--greatest-age-days", "365");
  const demanded = await answer("org", "show");
  assert.deepEqual(demanded.demands.people, { greatestAgeDays: 365, provider: { domains: ["house.example"] } });
  assert.equal(await refused(undefined, "provider", "off", made.id), "provider.inUse");
  await answer("domain", "relax", "house.example");
  await answer("org", "demand", "--of", "people");
  await answer("instance", "withdraw-domain", org, "house.example");
  await answer("domain", "remove", "house.example");
  assert.equal((await answer("provider", "off", made.id)).isEnabled, false);
  await answer("provider", "remove", made.id);
  assert.deepEqual((await answer("provider", "list")).items, []);
});

test("signing in writes a profile for its owner only, and signing out ends it", async () => {
  const place = { HOLDFAST_TOKEN: "", HOLDFAST_URL: "", HOLDFAST_CA_FILE: "" };
  const login = ["login", "--ready-file", path.join(folder, "ready.json"), "--email", "ada@example.com", "--org", org];
  const line = [...login, "--password-file", path.join(folder, "password"), "--json"];
  const signedIn = await call(line, { env: place });
  assert.equal(signedIn.exit, 0, signedIn.err);
  assert.equal(statSync(path.join(folder, "holdfast", "profile.json")).mode & 0o777, 0o600);
  assert.equal((await call(["org", "show"], { env: place })).exit, 0);
  const out = await call(["logout", "--json"], { env: place });
  assert.deepEqual(JSON.parse(out.out), { signedIn: false, revoked: true });
  writeFileSync(path.join(folder, "wrong"), "not the password");
  const wrong = await call([...login, "--password-file", path.join(folder, "wrong"), "--json"], { env: place });
  assert.equal(JSON.parse(wrong.err).error.code, "credential.invalid");
});

test("a device is silenced, heard again and ended, and the log says who did it", async () => {
  assert.equal((await answer("device", "suspend", device)).state, "suspended");
  assert.equal((await answer("device", "resume", device)).state, "active");
  assert.equal((await answer("device", "retire", device)).state, "retired");
  const { items } = await answer("audit", "list", "--about", device);
  const what = items.map((entry: { what: string }) => entry.what);
  assert.deepEqual(what.slice(0, 3), ["device.retired", "device.resumed", "device.suspended"]);
  assert.ok((await answer("certificates")).certificates.length > 0);
});

test("what was used, who was connected, and what a plan bounds", async () => {
  const [step] = (await answer("usage", "--every", "month")).items;
  assert.ok(step.requests > 0 && step.points > 0, JSON.stringify(step));
  const byDevice = (await answer("usage", "--by", "device", "--from", "-24h")).items;
  assert.ok(byDevice.some(({ about }: { about?: string }) => about === device));
  assert.ok(Array.isArray((await answer("session", "list", "--open", "--limit", "5")).items));
  assert.deepEqual((await answer("quota")).items, []);
  await answer("plan", "save", "roomy", "--quota", "devices=1000", "--quota", "points=1000000");
  await answer("org", "plan", org, "--plan", "roomy");
  const { plan, items } = await answer("quota");
  assert.equal(plan, "roomy");
  assert.deepEqual(
    items.map(({ quota, limit, state }: Record<string, unknown>) => [quota, limit, state]),
    [
      ["devices", 1_000, "fine"],
      ["points", 1_000_000, "fine"],
    ],
  );
  assert.equal((await call(["plan", "remove", "roomy"])).exit, 1);
  await answer("org", "plan", org, "--none");
  await answer("plan", "remove", "roomy");
  assert.deepEqual((await answer("plan", "list")).items, []);
  assert.equal((await call(["plan", "save", "roomy", "--quota", "planets=1"])).exit, 2);
  assert.equal((await call(["org", "plan", org])).exit, 2);
});

test("a forgotten password is replaced by the link that whoever runs the platform hands over", async () => {
  const at = (name: string, text: string) => {
    writeFileSync(path.join(folder, name), text);
    return path.join(folder, name);
  };
  const email = "forgetful@example.com";
  const { link: invited } = await answer("member", "invite", "--email", email, "--role", "viewer");
  const before = at("before", "correct horse battery staple\n");
  await answer("invitation", "accept", "--link-file", at("link", invited), "--email", email, "--password-file", before);
  assert.deepEqual(await answer("password", "forgot", "--email", email), { by: "file" });
  const file = path.join(folder, "keys/ready.mail.jsonl");
  const end = performance.now() + 20_000;
  while (!existsSync(file)) {
    assert.ok(performance.now() < end, "no link was written");
    await new Promise((later) => setTimeout(later, 50)); // a round of the platform's writes it
  }
  const { to, link } = JSON.parse(readFileSync(file, "utf8"));
  assert.equal(to, email);
  const after = at("after", "mossy lantern oats\n");
  const reset = ["password", "reset", "--link-file", at("link", link), "--password-file"];
  assert.equal(await refused(undefined, ...reset, at("weak", "passwordpassword\n")), "password.common");
  assert.deepEqual(await answer(...reset, after), { reset: true });
  assert.equal(await refused(undefined, ...reset, after), "link.invalid");
  const home = { env: { XDG_CONFIG_HOME: path.join(folder, "forgetful"), HOLDFAST_KEYRING: "no", HOLDFAST_TOKEN: "" } };
  const login = (password: string) => call(["login", "--email", email, "--password-file", password, "--json"], home);
  assert.deepEqual([(await login(before)).exit, (await login(after)).exit], [1, 0]);
});

test("the installed command does the same in a process of its own", async () => {
  const whole = await ownProcess(["org", "show", "--json"]);
  assert.deepEqual([whole.code, whole.stderr], [0, ""]);
  assert.equal(JSON.parse(whole.stdout).id, org);
});

test("an address that is not https is told so, without advice about certificates", async () => {
  const plain = await call(["whoami", "--json", "--url", env["HOLDFAST_URL"]?.replace("https:", "http:") ?? ""]);
  const { code, sentence } = JSON.parse(plain.err).error;
  assert.deepEqual([plain.exit, code], [3, "unencrypted"]);
  assert.match(sentence, /Write https:\/\//);
  assert.doesNotMatch(sentence, /ca-file/i);
});

test("the keys are the server's own: its answers and its numbers come through", async () => {
  const passphrase = ["--passphrase-file", path.join(folder, "password"), "--json"];
  const noCopy = await ownProcess(["keys", "verify", "--in", path.join(folder, "ready.json"), ...passphrase]);
  assert.deepEqual([noCopy.code, noCopy.stdout, JSON.parse(noCopy.stderr).error.code], [1, "", "backup.wrong"]);
  const wrong = await ownProcess(["keys", "verify", "--in", path.join(folder, "nothing"), ...passphrase]);
  assert.deepEqual([wrong.code, wrong.stdout, JSON.parse(wrong.stderr).error.code], [2, "", "config.malformed"]);
});

test("a dashboard goes out as a file, comes in again, and is shared by a link that is shown once", async () => {
  const place = { x: 0, y: 0, w: 3, h: 2 };
  const widget = { type: "value", id: "a", place, device, attribute: "temperature" };
  const file = path.join(folder, "board.json");
  writeFileSync(file, JSON.stringify({ format: "holdfast-dashboard/1", name: "Boilers", widgets: [widget] }));
  assert.equal((await answer("dashboard", "import", file)).name, "Boilers");
  assert.equal((await answer("dashboard", "get", "boilers")).name, "Boilers");
  const { exit, out } = await call(["dashboard", "export", "boilers"]);
  assert.equal(exit, 0);
  const missing = `dev_${"0".repeat(32)}`;
  writeFileSync(file, out.replace(device, missing));
  const imported = await call(["dashboard", "import", file, "--name", "Others"]);
  assert.equal(imported.exit, 0, imported.err);
  assert.ok(imported.err.includes(`There is no ${missing} here.`));
  writeFileSync(file, out.replace('"w": 3', '"w": 30'));
  const broken = await call(["dashboard", "import", file]);
  assert.equal(broken.exit, 2);
  assert.match(broken.err, /Widget 1, place\.w: /);
  const { id, link } = await answer("dashboard", "share", "Boilers", "--name", "hall", "--expires", "1h");
  assert.match(link, /^https:\/\/[^/]+\/shared#key_[0-9a-f]{32}\.hfs_[\w-]+$/);
  assert.equal((await answer("dashboard", "links", "Boilers")).items[0].state, "active");
  await answer("dashboard", "unshare", "Boilers", id);
  assert.equal((await answer("dashboard", "links", "Boilers")).items[0].state, "revoked");
  await answer("dashboard", "delete", "Others");
  assert.equal((await answer("dashboard", "list")).items.length, 1);
});

test("what is wanted of a device is said and shown, and a command is sent, listed, cancelled and approved", async () => {
  const made = await answer("device", "create", "--application", application, "--name", "Lock");
  const twin = await answer("twin", "set", made.id, '{"interval": 60}');
  assert.deepEqual([twin.version, twin.difference], [1, { interval: 60 }]);
  assert.equal(await refused(undefined, "twin", "set", made.id, "{}", "--if-version", "7"), "request.conflict");
  assert.equal((await answer("twin", "get", made.id)).desired.interval, 60);
  assert.equal((await answer("twin", "history", made.id)).items.length, 1);
  await answer("door", "set", made.id, "--dangerous", "unlock");
  const blink = await answer("command", "send", made.id, "blink", "--body", "[1]", "--expires", "5m");
  assert.deepEqual([blink.state, blink.body], ["waiting", [1]]);
  assert.equal((await answer("command", "get", made.id, blink.id)).name, "blink");
  assert.equal((await answer("command", "cancel", made.id, blink.id)).state, "cancelled");
  const unlock = await answer("command", "send", made.id, "unlock");
  assert.equal(unlock.state, "proposed");
  const { token } = await answer("token", "create", "--name", "program", "--grant", "command.*");
  assert.equal(await refused(token, "command", "approve", made.id, unlock.id), "permit.missing");
  assert.equal((await answer("command", "approve", made.id, unlock.id)).state, "waiting");
  const { items } = await answer("command", "list", made.id, "--state", "waiting");
  assert.deepEqual(
    items.map(({ id }: { id: string }) => id),
    [unlock.id],
  );
  await answer("device", "update", made.id, "--tag", "floor=3");
  const batch = await answer("command", "send-many", "update", "--tag", "floor=3");
  assert.deepEqual([batch.total, batch.counts.waiting], [1, 1]);
  assert.equal((await answer("command", "batch", batch.id, "--state", "waiting")).items[0].device, made.id);
});

test("roots are shown with whom the next would cut off, which devices those are is listed, and a switch wants their number", async () => {
  const before = await answer("roots", "show");
  assert.deepEqual(
    before.roots.map(({ state }: { state: string }) => state),
    ["current", "coming", "spare"],
  );
  const { ready, behind, unknown } = before.devices.coming;
  assert.deepEqual([ready, behind], [0, 0]);
  const next = before.roots[1].sha256;
  const said = await answer("device", "create", "--application", application, "--name", "Stays");
  const transport = nodeTransport({ ca: readFileSync(path.join(folder, "ca.pem"), "utf8") });
  const client = new Client({ url, token: `${said.key.id}.${said.key.secret}`, transport });
  const content = JSON.stringify({ roots: [before.roots[0].sha256] });
  const body = { contentType: "application/json", content };
  await client.call(routes.reportRoots, { body });
  client.close();
  const shown = await call(["roots", "show"]);
  assert.match(shown.out, new RegExp(`0 trust it, 1 do not, ${unknown} have not said`));
  assert.match(shown.out, /in the keyring: take it out with holdfast keys take-spare/);

  const those = async (...more: string[]) =>
    (await answer("roots", "devices", ...more)).items.map(({ name, trust }: Record<string, string>) => [name, trust]);
  assert.equal((await those()).length, unknown + 1);
  assert.deepEqual(await those("--trust", "behind"), [["Stays", "behind"]]);
  assert.deepEqual(await those("--trust", "behind", "--to", "spare"), [["Stays", "behind"]]);
  const listed = await call(["roots", "devices", "--trust", "behind"]);
  assert.match(listed.out, /dev_[0-9a-f]{32} +Stays +no +/);

  assert.equal(await refused(undefined, "roots", "switch"), "roots.cutOff");
  assert.equal(await refused(undefined, "roots", "switch", "--cut-off", String(unknown)), "roots.cutOff");
  const { token } = await answer("token", "create", "--name", "all", "--grant", "*");
  const all = String(unknown + 1);
  assert.equal(await refused(token, "roots", "switch", "--cut-off", all), "permit.missing");
  const gone = await call(["roots", "switch", "--cut-off", all, "--json"]);
  assert.equal(gone.exit, 0, gone.err);
  assert.equal(JSON.parse(gone.out).current.sha256, next);
  assert.match(gone.err, /make a new one \(holdfast keys backup\)/);
  const after = await answer("roots", "show");
  assert.deepEqual([after.roots[0].sha256, after.version > before.version], [next, true]);
});
