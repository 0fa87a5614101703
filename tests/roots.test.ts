import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { generateKeyPairSync, sign, X509Certificate, type KeyObject } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import { selfSigned } from "@holdfast/client/testing";
import { Device, type Events, type Options } from "@holdfast/device";
import { openRoots } from "@holdfast/device/node";
import { atEnd, startTestPlatform } from "../apps/server/src/testing/index.ts";
import { Owner, textOf, type Device as Made, type Problem } from "./authority.fixture.ts";
import { eventually } from "./messages.fixture.ts";
import { mqtt } from "./revocation.fixture.ts";

// Roots that devices trust: they learn the next one, say what they trust, and the platform goes over without losing any of them unseen.
const platform = await startTestPlatform();
atEnd.after(() => platform.close());
const { url, mqttsUrl, caPem = "" } = platform.platform;
const owner = new Owner(platform.visitor, await platform.setUp());
const other = new Owner(platform.visitor, await platform.setUp());
const application = await owner.application();
const folder = mkdtempSync(path.join(tmpdir(), "roots-"));
atEnd.after(async () => rmSync(folder, { recursive: true }));
let files = 0;
const freshFile = () => path.join(folder, `${(files += 1)}`);

const blocks = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----\n/g;
const [old = "", next = "", spare = ""] = caPem.match(blocks) ?? assert.fail();
const sha256 = (pem: string) => new X509Certificate(pem).fingerprint256;

type Counts = { ready: number; behind: number; unknown: number };
type Stages = {
  version: number;
  roots: { state: string; sha256: string }[];
  spareHere: boolean;
  devices: { coming: Counts; spare: Counts };
  organisations: { id: string; behind: number; unknown: number }[];
};
type Left = { device: string; name: string; trust: string; roots?: string[] };
const stages = () => owner.asks.get<Stages>("/v1/instance/roots");
const left = async (query = "", asks = owner.asks) =>
  (await asks.get<{ items: Left[] }>(`/v1/devices/roots${query}`)).items;
const go = (body: object, asks = owner.asks) =>
  asks.send<Problem & { version: number; current: { sha256: string } }>("POST", "/v1/instance/roots/switch", { body });

const open = new Set<Device>();
atEnd.after(async () => {
  for (const device of open) await device.close();
});
/** It waits for nothing. */
function connect(options: Partial<Options>) {
  const device = Device.connect(
    { url: mqttsUrl, ...options },
    { random: { bytes: (count: number) => new Uint8Array(count) } },
  );
  open.add(device);
  const offline: Events["offline"][0][] = [];
  const faults: unknown[] = [];
  device.on("offline", (about) => offline.push(about));
  device.on("fault", (error) => faults.push(error));
  return { device, offline, faults };
}
const follow = (made: Made, file: string) => {
  const roots = openRoots({ file, first: old, url });
  return { roots, ...connect({ ca: roots, key: made.key }) };
};
const trustOf = async ({ id }: { id: string }) => {
  const found = (await left()).find(({ device }) => device === id);
  return found ? [found.trust, found.roots] : "ready";
};
const until = (made: Made, trust: unknown) =>
  eventually(
    async () => JSON.stringify(await trustOf(made)) === JSON.stringify(trust),
    () => `${made.id} never was ${JSON.stringify(trust)}`,
  );

const [follower, fixed, stock, talker, child, gone] = (await Promise.all(
  ["Follower", "Fixed", "Stock", "Talker", "Child", "Gone"].map((name) => owner.device(application.id, { name })),
)) as [Made, Made, Made, Made, Made, Made]; // as many as names
await owner.asks.send("PUT", `/v1/devices/${child.id}/gateway`, { body: { gateway: talker.id } });
await owner.asks.post(`/v1/devices/${gone.id}/retire`);
const file = freshFile();

test("a device learns the next root and says so, one whose roots are fixed says that, and a stock client by the same name", async () => {
  assert.deepEqual((await stages()).devices.coming, { ready: 0, behind: 0, unknown: 4 });
  const following = follow(follower, file);
  connect({ ca: old, key: fixed.key });
  await until(follower, "ready");
  assert.equal(following.roots.current.length, 3);
  await until(fixed, ["behind", [sha256(old)]]);
  const { client, end } = await mqtt(platform, { ...asUser(stock), protocolVersion: 5 });
  const heard: string[] = [];
  const watching = await mqtt(platform, { username: "watcher", password: owner.token, protocolVersion: 5 });
  watching.client.on("message", (topic) => heard.push(topic));
  await watching.client.subscribeAsync(`devices/${stock.id}/roots`, { qos: 1 });
  const say = (body: object) =>
    client.publishAsync("me/roots", JSON.stringify(body), { qos: 1 }).then(
      () => 0,
      ({ code }: { code?: number }) => code,
    );
  for (const no of [{}, { roots: [] }, { roots: ["ab"] }, { roots: Array.from({ length: 33 }, () => "ab".repeat(32)) }])
    assert.equal(await say(no), 0x99, JSON.stringify(no));
  const plain = sha256(next).replaceAll(":", "").toLowerCase();
  assert.equal(await say({ roots: [plain, sha256(old)] }), 0);
  assert.equal(await trustOf(stock), "ready");
  await eventually(
    () => heard.length === 1,
    () => "whoever may read twins did not hear it",
  );
  assert.deepEqual((await stages()).devices, {
    coming: { ready: 2, behind: 1, unknown: 1 },
    spare: { ready: 1, behind: 2, unknown: 1 },
  });
  end();
  watching.end();
});
const asUser = ({ key }: Made) => ({ username: key.id, password: key.secret });

test("devices that have not said what they trust are counted among those that a switch may cut off", async () => {
  const { behind, unknown } = (await stages()).devices.coming;
  assert.ok(unknown > 0);
  const { status, body } = await go({ cutOff: behind });
  assert.deepEqual([status, body.code], [409, "roots.cutOff"]);
  assert.match(body.detail ?? "", new RegExp(`${unknown} have not said: ${behind + unknown} together`));
});

test("over HTTPS a device says for itself what it trusts, and for nobody else", async () => {
  const asks = platform.visitor.as(textOf(talker.key));
  const put = async (body: object) => {
    const { status, body: said } = await asks.send<Problem>("PUT", "/v1/me/roots", { body });
    return [status, said.code];
  };
  assert.deepEqual(await put({ roots: ["no digest"] }), [422, "roots.malformed"]);
  assert.deepEqual(await put({ roots: [sha256(next)] }), [200, undefined]);
  assert.equal(await trustOf(talker), "ready");
  assert.deepEqual(await put({ roots: [sha256(old)] }), [200, undefined]);
  assert.deepEqual(await trustOf(talker), ["behind", [sha256(old)]]);
  assert.equal((await owner.asks.send("PUT", "/v1/me/roots", { body: { roots: [sha256(next)] } })).status, 403);
});

test("before a switch it is seen who would be cut off: how many by the instance, which by their organisation", async () => {
  const { roots, devices, organisations, spareHere } = await stages();
  assert.deepEqual(
    roots.map(({ state, sha256 }) => [state, sha256]),
    [
      ["current", sha256(old)],
      ["coming", sha256(next)],
      ["spare", sha256(spare)],
    ],
  );
  assert.deepEqual([devices.coming, spareHere], [{ ready: 2, behind: 2, unknown: 0 }, true]);
  assert.deepEqual(organisations, [{ id: owner.org, behind: 2, unknown: 0 }]);
  assert.deepEqual((await left()).map(({ name, trust }) => `${name} ${trust}`).toSorted(), [
    "Fixed behind",
    "Talker behind",
  ]);
  assert.deepEqual(await left("?trust=unknown"), []);
  assert.equal((await left("?to=spare")).length, 3);
  assert.deepEqual(await left("", other.asks), [], "nobody sees another organisation's");
  const first = await owner.asks.get<{ items: Left[]; nextCursor: string }>("/v1/devices/roots?limit=1");
  const second = await left(`?limit=1&cursor=${first.nextCursor}`);
  assert.deepEqual([...first.items, ...second], await left());
  const { token } = await owner.tokenOf([`device.read:${follower.id}`]);
  assert.deepEqual(await left("", platform.visitor.as(token)), []);
  const read = await other.asks.send<Problem>("GET", "/v1/instance/roots");
  assert.deepEqual([read.status, read.body.code], [403, "permit.missing"]);
});

test("a switch waits for the number of those whom it cuts off; then who learned the next root comes by it alone", async () => {
  const staying = connect({ ca: caPem, key: follower.key, clientId: "staying" });
  await staying.device.online();
  for (const [body, asks, wanted] of [
    [{}, owner.asks, [409, "roots.cutOff"]],
    [{ cutOff: 1 }, owner.asks, [409, "roots.cutOff"]],
    [{ cutOff: 3 }, owner.asks, [409, "roots.cutOff"]],
    [{ cutOff: 2, to: "current" }, owner.asks, [400, "request.malformed"]],
    [{ cutOff: 2 }, other.asks, [403, "permit.missing"]],
    [{ cutOff: 2 }, platform.visitor.as((await owner.tokenOf(["*"])).token), [403, "permit.missing"]],
  ] as const) {
    const { status, body: said } = await go(body, asks);
    assert.deepEqual([status, said.code], wanted, JSON.stringify(body));
  }
  const before = (await stages()).version;
  const answers = await Promise.all([1, 2, 3].map(() => go({ cutOff: 2 })));
  const done = answers.filter(({ status }) => status === 200);
  assert.equal(done.length, 1, JSON.stringify(answers));
  const { body: switched } = done[0] ?? assert.fail();
  assert.equal(switched.current.sha256, sha256(next));
  assert.ok(switched.version > before);
  const audited = (await owner.audited()).map(({ what }) => what);
  const times = (what: string) => audited.filter((one) => one === what).length;
  assert.equal(times("roots.switched") - times("roots.notSwitched"), 1, "each that was not done says so");
  const [entry] = (await owner.audited()).filter(({ what }) => what === "roots.switched");
  assert.deepEqual(entry?.facts, { to: "coming", root: sha256(next), cutOff: 2 });
  await staying.device.send({ t: 1 });
  assert.deepEqual(staying.offline, [], "what was open stays open");

  const { device, roots, faults } = follow(follower, file);
  await eventually(
    () => device.isOnline && roots.current.length === 3 && !roots.current.includes(old),
    () => `it still trusts the old one: ${faults.join()}`,
  );
  await device.send({ t: 2 });
  const { offline } = connect({ ca: old, key: fixed.key, clientId: "anew" });
  await eventually(
    () => offline.length > 0,
    () => "who trusts the old root alone was let in",
  );
  assert.match(String((offline[0]?.cause as { code?: string } | undefined)?.code), /UNABLE_TO|SELF_SIGNED/);
  // From now on it is about the root after that, which the follower has learned already.
  await until(follower, "ready");
  assert.deepEqual((await stages()).devices.coming, { ready: 1, behind: 3, unknown: 0 });
});

/** A server that shows what a device trusts, and says of roots whatever it likes. */
async function pretender(shown: { cert: string; key: string }) {
  let says = {};
  const server = createServer({ ...shown }, (_request, response) => response.end(JSON.stringify(says)));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  atEnd.after(async () => void server.close());
  const { port } = server.address() as AddressInfo; // it listens on a TCP port
  return { url: `https://localhost:${port}`, say: (bundle: object) => void (says = bundle) };
}
function bundle(
  version: number,
  roots: readonly string[],
  by: string,
  key: KeyObject | string,
  purpose = "holdfast/roots",
) {
  const signed = Buffer.from(JSON.stringify({ purpose, instance: "0", version, roots }));
  const signature = sign("sha256", signed, key).toString("base64");
  return { version, signed: signed.toString("base64"), signatures: [{ root: sha256(by), signature }] };
}

test("who stole the server's key makes no device trust a root, and an old word is not brought back", async () => {
  const shown = selfSigned();
  const [thief, second] = [selfSigned({ name: "thief" }), selfSigned({ name: "second" })];
  const { url: elsewhere, say } = await pretender(shown);
  const roots = openRoots({ file: freshFile(), first: shown.cert, url: elsewhere });
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  for (const no of [
    bundle(1, [shown.cert, thief.cert], shown.cert, privateKey),
    bundle(1, [shown.cert, thief.cert], thief.cert, thief.key),
    { ...bundle(1, [shown.cert, thief.cert], shown.cert, shown.key), signatures: [] },
    bundle(1, [shown.cert, thief.cert], shown.cert, shown.key, "something else"),
  ]) {
    say(no);
    await assert.rejects(roots.ask(), { code: "roots.unsigned" });
  }
  const altered = bundle(1, [shown.cert], shown.cert, shown.key);
  say({ ...altered, signed: bundle(1, [thief.cert], shown.cert, shown.key).signed });
  await assert.rejects(roots.ask(), { code: "roots.unsigned" });
  assert.deepEqual(roots.take(), [shown.cert]);
  const good = bundle(7, [shown.cert, second.cert], shown.cert, shown.key);
  say(good);
  assert.equal(await roots.ask(), true);
  assert.deepEqual(roots.take(), [shown.cert, second.cert], "it is tried");
  say(bundle(6, [thief.cert], shown.cert, shown.key));
  await assert.rejects(roots.ask(), { code: "roots.unread" });
  say(good);
  assert.equal(await roots.ask(), false, "it is known");
});

test("where the certificate is from files there is nothing to stage, and both sides say so", async () => {
  const shown = selfSigned();
  const [tlsCert, tlsKey] = [freshFile(), freshFile()];
  writeFileSync(tlsCert, shown.cert);
  writeFileSync(tlsKey, shown.key, { mode: 0o600 });
  const theirs = await startTestPlatform({ config: { tlsCert, tlsKey } });
  try {
    const asks = new Owner(theirs.visitor, await theirs.setUp()).asks;
    for (const [method, where, body] of [
      ["GET", "/v1/instance/roots", undefined],
      ["GET", "/v1/devices/roots", undefined],
      ["GET", "/security/roots", undefined],
      ["POST", "/v1/instance/roots/switch", {}],
    ] as const) {
      const said = await asks.send<Problem>(method, where, body && { body });
      assert.deepEqual([said.status, said.body.code], [404, "roots.notOurs"], where);
    }
    const roots = openRoots({ file: freshFile(), first: shown.cert, url: theirs.platform.url });
    assert.equal(await roots.ask(), false);
    assert.deepEqual(roots.current, [shown.cert]);
  } finally {
    await theirs.close();
  }
});

const hasOpenssl = spawnSync("openssl", ["version"]).status === 0;

test("what is said there can be checked with openssl", { skip: !hasOpenssl }, async () => {
  const { signed, signatures, version } = await platform.visitor.get<{
    version: number;
    signed: string;
    signatures: { root: string; signature: string }[];
  }>("/security/roots");
  const text = Buffer.from(signed, "base64").toString();
  const said = JSON.parse(text) as { purpose: string; version: number; roots: string[] };
  assert.deepEqual([said.purpose, said.version, said.roots.length], ["holdfast/roots", version, 3]);
  const file = (name: string, bytes: string | Buffer) => {
    writeFileSync(path.join(folder, name), bytes);
    return name;
  };
  const { publicKey } = new X509Certificate(next);
  const signature = signatures.find(({ root }) => root === sha256(next))?.signature ?? assert.fail();
  const checked = spawnSync(
    "openssl",
    [
      "dgst",
      "-sha256",
      "-verify",
      file("key.pem", publicKey.export({ type: "spki", format: "pem" })),
      "-signature",
      file("signature", Buffer.from(signature, "base64")),
      file("signed", text),
    ],
    { cwd: folder, encoding: "utf8" },
  );
  assert.equal(checked.stdout, "Verified OK\n", checked.stderr);
});

test("a child is counted where nobody speaks for it any more, or where it said itself what it trusts", async () => {
  const place = await other.application();
  const [gateway, sensor] = [await other.device(place.id), await other.device(place.id)];
  await other.asks.send("PUT", `/v1/devices/${sensor.id}/gateway`, { body: { gateway: gateway.id } });
  const counted = async () => (await left("", other.asks)).map(({ device }) => device).toSorted();
  assert.deepEqual(await counted(), [gateway.id]);
  await other.asks.post(`/v1/devices/${gateway.id}/retire`);
  assert.deepEqual(await counted(), [sensor.id]);
});
