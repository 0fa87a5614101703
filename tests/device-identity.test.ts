import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import { selfSigned } from "@holdfast/client/testing";
import { Device, type Events, type Options } from "@holdfast/device";
import { openIdentity, openJournal, openRoots, type Enrolment } from "@holdfast/device/node";
import { systemClock } from "@holdfast/kernel";
import { atEnd, startTestPlatform, TestClock } from "../apps/server/src/testing/index.ts";
import { Owner, type Key } from "./authority.fixture.ts";
import { csrOf, p256, showing, type Certificate } from "./issued.fixture.ts";
import { eventually } from "./messages.fixture.ts";

// packages/device with certificates: one that it was given, one that it got for itself, and the roots that it trusts.
const clock = new TestClock(systemClock.now());
const platform = await startTestPlatform({ clock, config: { clientCertificatePort: 0 } });
atEnd.after(() => platform.close());
const { url: https, mqttsUrl, caPem = "", clientCertificateUrl = assert.fail() } = platform.platform;
const wss = `${https.replace("https", "wss")}/mqtt`;
const owner = new Owner(platform.visitor, await platform.setUp());
const application = await owner.application();
const folder = mkdtempSync(path.join(tmpdir(), "identity-"));
atEnd.after(async () => rmSync(folder, { recursive: true }));
let files = 0;
const freshFile = () => path.join(folder, `${(files += 1)}`);
const day = 86_400_000;

const open = new Set<Device>();
atEnd.after(async () => {
  for (const device of open) await device.close();
});
/** It waits for nothing, and its clock is the platform's. */
function connect(options: Partial<Options>, needs: Parameters<typeof Device.connect>[1] = {}) {
  const random = { bytes: (count: number) => new Uint8Array(count) };
  const device = Device.connect({ url: mqttsUrl, ca: caPem, ...options }, { random, ...needs });
  open.add(device);
  const offline: Events["offline"][0][] = [];
  const faults: unknown[] = [];
  const rooted: boolean[] = [];
  device.on("offline", (about) => offline.push(about));
  device.on("fault", (error) => faults.push(error));
  device.on("roots", ({ isTaken }) => rooted.push(isTaken));
  return { device, offline, faults, rooted };
}
const valuesOf = async (id: string, asks = owner.asks) =>
  (
    await asks.get<{ items: { value: unknown }[] }>(`/v1/devices/${id}/telemetry?attribute=t&from=2026-01-01T00:00:00Z`)
  ).items.map(({ value }) => value);
const enrolmentKey = (more: object = {}) =>
  owner.asks.post<Key>(`/v1/applications/${application.id}/keys`, {
    name: "factory",
    kind: "enrolment",
    enrols: { validFor: "30d", ...more },
  });
const devices = async () =>
  (await owner.asks.get<{ items: { id: string }[] }>(`/v1/devices?application=${application.id}&limit=1000`)).items;
const identityAt = (file: string, key: Key, more: Partial<Enrolment> = {}) =>
  openIdentity({ file, url: https, key, ca: caPem, ...more }, clock);
const serialIn = (file: string) =>
  new X509Certificate((JSON.parse(readFileSync(file, "utf8")) as { cert: string }).cert).serialNumber;

test("a device is let in by a certificate that was issued to it, by nothing else, over each way", async () => {
  const made = await owner.device(application.id);
  const pair = p256();
  const issued = await owner.asks.post<Certificate>(`/v1/devices/${made.id}/certificates`, { csr: await csrOf(pair) });
  await owner.revoke(made.key.id);
  const { device, faults } = connect({ certificate: showing(issued, pair), clientId: "pump" });
  await device.send({ t: 1 });
  await device.close();
  assert.deepEqual([await valuesOf(made.id), faults], [[1], []]);
  // Of another pair than the certificate's: nothing goes out.
  const { device: thief, offline } = connect({ certificate: selfSigned({ name: made.id }), clientId: "pump" });
  await eventually(
    () => offline.length > 0,
    () => "it was let in",
  );
  assert.ok(!thief.isOnline);
  await thief.close();
});

test("a device enrols by a key that many share: its pair is made here and kept, and the same again is the same device", async () => {
  const key = await enrolmentKey({ most: 1 });
  const file = freshFile();
  const before = (await devices()).length;
  const identity = await identityAt(file, key);
  assert.equal(statSync(file).mode & 0o777, 0o600);
  const spool = freshFile();
  const journal = openJournal({ file: spool, secret: identity.secret });
  const { device, faults } = connect({ identity, journal });
  await device.send({ t: 1 });
  await device.close();
  const own = new X509Certificate((await identity.present()).cert).subject.replace("CN=", "");
  assert.deepEqual(await valuesOf(own), [1]);
  // As after a kill between the platform's answer and what was written of it: no certificate, the pair alone.
  const { cert: _, ...pair } = JSON.parse(readFileSync(file, "utf8")) as { cert: string };
  writeFileSync(file, JSON.stringify(pair));
  const again = await identityAt(file, key);
  const { device: back } = connect({ identity: again, journal: openJournal({ file: spool, secret: again.secret }) });
  await back.send({ t: 2 });
  await back.close();
  assert.deepEqual(new Set(await valuesOf(own)), new Set([1, 2]));
  assert.equal((await devices()).length, before + 1);
  assert.deepEqual(faults, []);
  // A second device is one too many: it is told why, and waits as long as a refused one does.
  const { device: late, offline } = connect({ identity: await identityAt(freshFile(), key) });
  await eventually(
    () => offline.length > 0,
    () => "it was enrolled",
  );
  const { cause, wait } = offline[0] ?? assert.fail();
  assert.deepEqual((cause as { code: string }).code, "enrolment.refused");
  assert.match(String(cause), /403 enrolment\.exhausted/);
  assert.ok(wait >= 30_000);
  await late.close();
});

test("a device whose certificate the platform does not know enrols again; one that was retired is told why it is not let in", async () => {
  const key = await enrolmentKey();
  const retired = async () => {
    const file = freshFile();
    const { name } = await (await identityAt(file, key)).present();
    await owner.asks.post(`/v1/devices/${name}/retire`);
    return { file, name };
  };
  const { file } = await retired();
  const timers = new TestClock();
  const { device, offline } = connect({ identity: await identityAt(file, key) }, { timers, clock });
  const waited = async (times: number) => {
    await eventually(
      () => offline.length === times,
      () => `it was tried ${offline.length} times`,
    );
    timers.move(60_000);
  };
  await waited(1);
  await waited(2);
  assert.deepEqual(
    offline.map(({ reason }) => reason),
    [0x86, 0x86],
    "not let in, and not enrolled either",
  );
  await device.close();
  // To another organisation it is unknown, as after a restore.
  const { file: kept, name } = await retired();
  const other = new Owner(platform.visitor, await platform.setUp());
  const elsewhere = await other.asks.post<Key>(`/v1/applications/${(await other.application()).id}/keys`, {
    name: "factory",
    kind: "enrolment",
    enrols: {},
  });
  const identity = await identityAt(kept, elsewhere);
  const { device: again, offline: refused } = connect({ identity }, { timers, clock });
  await eventually(
    () => refused.length === 1,
    () => "it was let in",
  );
  timers.move(60_000);
  await again.online();
  assert.notEqual((await identity.present()).name, name);
  await again.close();
});

test("a file that a disk damaged is told by its name, and without what is in it; of roots the first are trusted again", async () => {
  const file = freshFile();
  for (const text of ["", '{"key":"-----BEGIN PRIVATE KEY-----']) {
    writeFileSync(file, text);
    await assert.rejects(
      identityAt(file, { id: "key", secret: "secret" }),
      (error: Error & { code?: string }) =>
        error.code === "place.unreadable" && error.message.includes(file) && !error.message.includes("PRIVATE"),
    );
    assert.equal(readFileSync(file, "utf8"), text, "it is left as it is");
    assert.deepEqual(openRoots({ file, first: "first", url: https }).current, ["first"]);
  }
});

const [current] = caPem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----\n/g) ?? assert.fail();
const stranger = selfSigned({ name: "A stranger" }).cert;

test("a device follows the platform's roots: what is new is written down before it is used", async () => {
  for (const url of [mqttsUrl, wss]) {
    const made = await owner.device(application.id);
    const file = freshFile();
    const roots = openRoots({ file, first: current, url: https });
    const { device, rooted, faults } = connect({ url, ca: roots, key: made.key });
    await eventually(
      () => rooted.length === 1,
      () => `no roots: ${faults.join()}`,
    );
    assert.deepEqual([rooted, roots.current.length], [[true], 3]);
    await device.send({ t: 1 });
    await device.close();
    const again = openRoots({ file, first: stranger, url: https });
    assert.deepEqual(again.current, roots.current, "what was taken over stays");
  }
});

test("roots that do not lead to the platform cut nobody off, and are dropped; those that alone do are found", async () => {
  const made = await owner.device(application.id);
  const file = freshFile();
  const roots = openRoots({ file, first: current, url: https });
  const ca = Object.assign(roots, { ask: async () => false }); // what is tried is what the test says
  const { device, rooted, offline } = connect({ ca, key: made.key });
  await device.online();
  device.replaceRoots([stranger]);
  assert.ok(readFileSync(file, "utf8").includes(JSON.stringify(stranger).slice(1, -1)), "before it is tried");
  await eventually(
    () => rooted.length === 1,
    () => `nothing was dropped: ${JSON.stringify(offline)}`,
  );
  assert.deepEqual([rooted, roots.current], [[false], [current]]);
  await device.send({ t: 1 });
  for (const no of [[], ["-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"]])
    assert.throws(() => device.replaceRoots(no), { code: "roots.invalid" });
  await device.send({ t: 2 });
  await device.close();
  // The platform went over to the next one while the device was away, which had it and had not tried it yet.
  const late = openRoots({ file: freshFile(), first: stranger, url: https });
  late.replace([current]);
  const { device: back, rooted: found } = connect({ ca: late, key: made.key });
  await back.send({ t: 3 });
  assert.deepEqual([found, late.current], [[true], [current]]);
  assert.deepEqual(new Set(await valuesOf(made.id)), new Set([1, 2, 3]));
  assert.throws(() => connect({ key: made.key }).device.replaceRoots([current]), { code: "roots.fixed" });
  await back.close();
  // So does one that has no certificate that is good any more, and has to enrol before it connects.
  const without = openRoots({ file: freshFile(), first: stranger, url: https });
  without.replace([current]);
  const identity = await identityAt(freshFile(), await enrolmentKey(), { ca: without });
  const { device: enrolled, rooted: tried, offline: cut } = connect({ ca: without, identity });
  await eventually(
    () => enrolled.isOnline,
    () => `it is cut off: ${String(cut.at(-1)?.cause)}`,
  );
  assert.deepEqual([tried, without.current], [[true], [current]]);
  await enrolled.close();
});

// From here on the clock moves, and whoever set the platform up is signed out.
const keys = [await enrolmentKey(), await enrolmentKey()];
const access = await owner.accessKey(application.id, ["telemetry.read"]);
const reader = platform.visitor.as(`${access.id}.${access.secret}`);
for (const [way, more] of [
  ["by the certificate that it has", { renewalUrl: clientCertificateUrl }],
  ["by the enrolment key, where the platform has no port for certificates", {}],
] as const) {
  test(`before its certificate ends a device gets the next, ${way}, and comes with it`, async () => {
    const key = keys.pop() ?? assert.fail();
    const file = freshFile();
    const identity = await identityAt(file, key, more);
    const timers = new TestClock();
    const { device, faults, offline } = connect({ identity }, { timers, clock });
    await device.send({ t: 1 });
    const first = serialIn(file);
    if (more.renewalUrl !== undefined) await owner.revoke(key.id);
    clock.move(19 * day);
    timers.move(2 * 3_600_000);
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.equal(serialIn(file), first);
    clock.move(2 * day);
    timers.move(2 * 3_600_000);
    await eventually(
      () => serialIn(file) !== first,
      () => `no other: ${faults.join()}`,
    );
    await eventually(
      () => device.isOnline,
      () => `it is away: ${JSON.stringify(offline)}`,
    );
    await device.send({ t: 2 });
    // Its certificate of before is good for a day yet, and then no more.
    clock.move(2 * day);
    await device.send({ t: 3 });
    const own = new X509Certificate((await identity.present()).cert).subject.replace("CN=", "");
    assert.deepEqual(new Set(await valuesOf(own, reader)), new Set([1, 2, 3]));
    assert.deepEqual([faults, offline], [[], []]);
    await device.close();
  });
}
