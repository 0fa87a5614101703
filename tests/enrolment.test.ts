import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { newId, systemClock, systemRandom } from "@holdfast/kernel";
import { atEnd, startTestPlatform, TestClock } from "../apps/server/src/testing/index.ts";
import { Owner, textOf, type Key, type Problem } from "./authority.fixture.ts";
import { caFile, placeOf, run } from "./clients.fixture.ts";
import { comers, csrOf, ed25519, p256 } from "./issued.fixture.ts";
import type { KeyPair } from "@holdfast/client/testing";

// Devices that enrol by EST: docs/enrolment.md.
const clock = new TestClock(systemClock.now());
const platform = await startTestPlatform({ clock, config: { clientCertificatePort: 0 } });
atEnd.after(() => platform.close());
const place = placeOf(platform);
const [owner, other] = [
  new Owner(platform.visitor, await platform.setUp()),
  new Owner(platform.visitor, await platform.setUp()),
];
const application = await owner.application();
const product = await owner.product();
const { byMqtt, byHttps } = comers(platform);

const keyOf = (enrols: object = {}, more: object = {}) =>
  owner.asks.post<Key>(`/v1/applications/${application.id}/keys`, {
    name: "factory",
    kind: "enrolment",
    enrols,
    ...more,
  });
const basic = ({ id, secret }: Key) => `Basic ${Buffer.from(`${id}:${secret}`).toString("base64")}`;

/** What a request is in EST: base64 without the lines around it. */
const bodyOf = async (pair: KeyPair) => Buffer.from((await csrOf(pair)).replaceAll(/-----[A-Z ]+-----\n/g, ""));
async function enrol(key: Key, pair: KeyPair, label = "", headers: object = {}) {
  const where = label === "" ? "" : `/${label}`;
  return platform.visitor.send<Problem>("POST", `/.well-known/est${where}/simpleenroll`, {
    bytes: await bodyOf(pair),
    headers: { authorization: basic(key), "content-type": "application/pkcs10", ...headers },
  });
}

type Device = { readonly id: string; readonly name: string; readonly product?: string };
const devices = async () =>
  (await owner.asks.get<{ items: Device[] }>(`/v1/devices?application=${application.id}&limit=1000`)).items;

const { folder, keysFolder } = platform.database;
function keysKept(): unknown {
  using keyring = new DatabaseSync(path.join(keysFolder, "keyring.sqlite"), { readOnly: true });
  return keyring.prepare("select count(*) as count from keys where kind = 'device'").get()?.["count"];
}
const file = (name: string) => path.join(folder, name);

/** The certificates in a reply, as openssl reads them. */
async function certificatesIn(base64: string): Promise<[X509Certificate, ...X509Certificate[]]> {
  writeFileSync(file("reply.p7"), Buffer.from(base64, "base64"));
  const read = await run("openssl", ["pkcs7", "-inform", "DER", "-in", file("reply.p7"), "-print_certs"]);
  assert.equal(read?.code, 0, read?.out ?? "");
  const pems = (read?.out ?? "").match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  const certificates = pems.map((pem) => new X509Certificate(pem));
  assert.ok(certificates[0]);
  return [certificates[0], ...certificates.slice(1)];
}

test("curl and openssl alone enrol a device, whose certificate delivers, and renew it on the port for certificates", async (t) => {
  const key = await keyOf({ product: product.id, validFor: "30d" });
  const made = await run("openssl", [
    ..."req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -outform DER -subj".split(" "),
    "/CN=Pump 4711",
    "-keyout",
    file("pump.pem"),
    "-out",
    file("pump.der"),
  ]);
  if (!made) return t.skip("there is no openssl");
  writeFileSync(file("pump.p10"), readFileSync(file("pump.der")).toString("base64"));
  const curl = (url: string, ...more: string[]) =>
    run("curl", ["-sS", "--fail-with-body", "--cacert", caFile(platform), ...more, url]);
  const sending = ["-H", "Content-Type: application/pkcs10", "--data-binary", `@${file("pump.p10")}`];

  const cas = await curl(`${place.url}/.well-known/est/${product.id}/cacerts`);
  if (!cas) return t.skip("there is no curl");
  assert.equal(cas.code, 0, cas.out);
  const [authority] = await certificatesIn(cas.out);
  assert.ok(authority.ca);

  // Whoever asks without a password is asked for one, and only then sends it, as libest does.
  const enrolled = await curl(
    `${place.url}/.well-known/est/simpleenroll`,
    ...sending,
    "--anyauth",
    "-u",
    `${key.id}:${key.secret}`,
  );
  assert.equal(enrolled?.code, 0, enrolled?.out ?? "");
  writeFileSync(file("pump.p7.txt"), enrolled?.out ?? "");
  const piped = `base64 -d < ${file("pump.p7.txt")} | openssl pkcs7 -inform DER -print_certs`; // as docs/enrolment.md has it
  assert.match((await run("bash", ["-c", `set -o pipefail; ${piped}`]))?.out ?? "", /^subject=CN ?= ?dev_/);
  const [leaf] = await certificatesIn(enrolled?.out ?? "");
  assert.ok(leaf.checkIssued(authority) && leaf.verify(authority.publicKey));
  assert.equal(Math.round((leaf.validToDate.getTime() - clock.now()) / 86_400_000), 30);
  const device = (await devices()).find(({ id }) => leaf.subject === `CN=${id}`);
  assert.deepEqual([device?.name, device?.product], ["Pump 4711", product.id]);

  writeFileSync(file("pump.crt"), leaf.toString());
  const client = await byMqtt({ cert: leaf.toString(), key: readFileSync(file("pump.pem"), "utf8") });
  await client.publishAsync("me/telemetry", `{"temperature":21.5}`, { qos: 1 });
  await client.endAsync();

  const { clientCertificateUrl = "" } = platform.platform;
  const showing = ["--cert", file("pump.crt"), "--key", file("pump.pem")];
  const renewed = await curl(`${clientCertificateUrl}/.well-known/est/simplereenroll`, ...sending, ...showing);
  assert.equal(renewed?.code, 0, renewed?.out ?? "");
  const [next] = await certificatesIn(renewed?.out ?? "");
  assert.equal(next.subject, leaf.subject);
  assert.notEqual(next.serialNumber, leaf.serialNumber);
  const entries = await owner.audited();
  for (const what of ["device.created", "credential.created"]) {
    assert.ok(entries.some((entry) => entry.what === what && entry.by === key.id));
  }
  assert.ok(
    entries.some(({ what, by, about }) => what === "credential.rotated" && by === about),
    "by its own certificate",
  );

  const attributes = await curl(`${place.url}/.well-known/est/csrattrs`);
  writeFileSync(file("attributes.der"), Buffer.from(attributes?.out ?? "", "base64"));
  const read = await run("openssl", ["asn1parse", "-inform", "DER", "-in", file("attributes.der")]);
  assert.match(read?.out ?? "", /id-ecPublicKey[\s\S]+prime256v1[\s\S]+ecdsa-with-SHA256[\s\S]+ED25519/);
});

test("an enrolment key enrols so many devices and no more; the same key again is the same device, and is not counted", async () => {
  const key = await keyOf({ most: 2 });
  const [first, second] = [p256(), ed25519()];
  const one = await enrol(key, first);
  const [leaf] = await certificatesIn(one.text);
  const [again] = await certificatesIn((await enrol(key, first)).text);
  assert.deepEqual([again.subject, again.serialNumber === leaf.serialNumber], [leaf.subject, false]);
  assert.equal((await enrol(key, second)).status, 200);
  const before = (await devices()).length;
  const third = await enrol(key, p256());
  assert.deepEqual([third.status, third.body.code], [403, "enrolment.exhausted"]);
  assert.equal((await devices()).length, before, "nothing is left of it");
  const keys = keysKept();
  for (let n = 0; n < 3; n += 1) assert.equal((await enrol(key, p256())).status, 403);
  assert.equal(keysKept(), keys, "nor in the keyring");
  assert.equal((await enrol(key, second)).status, 200, "whoever was there before still is");
});

test("the same key that comes many times at once is one device, which each time gets a certificate", async () => {
  const [key, pair] = [await keyOf({ most: 1 }), p256()];
  const before = (await devices()).length;
  const replies = await Promise.all(Array.from({ length: 5 }, () => enrol(key, pair)));
  assert.deepEqual(
    replies.map(({ status, body }) => `${status} ${body.code}`),
    Array.from({ length: 5 }, () => "200 undefined"),
  );
  const subjects = new Set<string>();
  for (const { text } of replies) subjects.add((await certificatesIn(text))[0].subject);
  assert.deepEqual([subjects.size, (await devices()).length - before], [1, 1]);
});

test("one key is one device's: who brings another's by another enrolment key is refused", async () => {
  const pair = p256();
  assert.equal((await enrol(await keyOf(), pair)).status, 200);
  const { status, body } = await enrol(await keyOf(), pair);
  assert.deepEqual([status, body.code], [409, "key.shared"]);
});

test("a device that was retired is not enrolled again by its key", async () => {
  const [key, pair] = [await keyOf(), p256()];
  const [leaf] = await certificatesIn((await enrol(key, pair)).text);
  await owner.asks.post(`/v1/devices/${leaf.subject.slice("CN=".length)}/retire`);
  assert.equal((await enrol(key, pair)).body.code, "key.shared");
});

test("a device that was away until its certificate was over comes again by its key, as the same device", async () => {
  const [key, pair] = [await keyOf({ validFor: "1h" }), p256()];
  const [leaf] = await certificatesIn((await enrol(key, pair)).text);
  clock.move(3_600_000);
  const again = await enrol(key, pair);
  assert.equal(again.status, 200, again.text);
  const [next] = await certificatesIn(again.text);
  assert.equal(next.subject, leaf.subject);
  const client = await byMqtt({ cert: next.toString(), key: pair.privateKey.export({ type: "pkcs8", format: "pem" }) });
  await client.endAsync();
});

test("the key with which a device renewed is its own: it enrols no other, and does not bring back one that was shut out", async () => {
  const key = await keyOf();
  const renewed = async (first: KeyPair, next: KeyPair) => {
    const [leaf] = await certificatesIn((await enrol(key, first)).text);
    const shows = { cert: leaf.toString(), key: first.privateKey.export({ type: "pkcs8", format: "pem" }) };
    const { status, body } = await byHttps(shows, "/v1/me/certificates", { csr: await csrOf(next) });
    return { device: leaf.subject, status, body };
  };
  const next = p256();
  const { device, body } = await renewed(p256(), next);
  const again = await enrol(key, next);
  assert.equal((await certificatesIn(again.text))[0].subject, device, "it is the same device");
  const taken = await renewed(p256(), next);
  assert.deepEqual([taken.status, taken.body.code], [409, "key.shared"], "another one");
  await owner.revoke(body.id ?? "");
  const back = await enrol(key, next);
  assert.deepEqual([back.status, back.body.code], [409, "key.shared"]);
});

test("an enrolment key that was revoked, or is over, enrols nobody; what it enrolled goes on", async () => {
  const [key, pair] = [await keyOf({}, { expiresIn: "1h" }), p256()];
  const [leaf] = await certificatesIn((await enrol(key, pair)).text);
  clock.move(3_600_000);
  const late = await enrol(key, p256());
  assert.deepEqual([late.status, late.headers["www-authenticate"]], [401, 'Basic realm="holdfast", charset="UTF-8"']);
  const revoked = await keyOf();
  await owner.revoke(revoked.id);
  assert.equal((await enrol(revoked, p256())).status, 401);
  const client = await byMqtt({
    cert: leaf.toString(),
    key: pair.privateKey.export({ type: "pkcs8", format: "pem" }),
  });
  await client.endAsync();
});

test("a device whose certificate was revoked or that was retired does not come again when that is over besides", async () => {
  const key = await keyOf({ validFor: "1h" });
  const statusOf = async (pair: KeyPair) => {
    const { status, body } = await enrol(key, pair);
    return [status, body.code];
  };
  const [revoked, retired] = [p256(), p256()];
  const deviceOf = async (pair: KeyPair) => (await certificatesIn((await enrol(key, pair)).text))[0].subject.slice(3);
  const its = await owner.asks.get<{ items: { id: string }[] }>(`/v1/credentials?device=${await deviceOf(revoked)}`);
  for (const { id } of its.items) await owner.revoke(id);
  await owner.asks.post(`/v1/devices/${await deviceOf(retired)}/retire`);
  clock.move(3_600_000);
  for (const pair of [revoked, retired]) assert.deepEqual(await statusOf(pair), [409, "key.shared"]);
});

test("a device is called as no person may call one neither", async (t) => {
  const subject = "/CN=Pump \u202e1174\u2066 7\n8";
  const key = file("odd.pem");
  const made = await run("openssl", [
    ..."req -new -utf8 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -outform DER -keyout".split(" "),
    key,
    "-subj",
    subject,
    "-out",
    file("odd.der"),
  ]);
  if (!made) return t.skip("there is no openssl");
  const bytes = Buffer.from(readFileSync(file("odd.der")).toString("base64"));
  const headers = { authorization: basic(await keyOf()), "content-type": "application/pkcs10" };
  const { status, text } = await platform.visitor.send("POST", "/.well-known/est/simpleenroll", { bytes, headers });
  assert.equal(status, 200, text);
  const [leaf] = await certificatesIn(text);
  const id = leaf.subject.slice("CN=".length);
  const device = (await devices()).find((one) => one.id === id);
  assert.equal(device?.name, "Pump  1174  7 8");
  await owner.asks.send("PATCH", `/v1/devices/${id}`, { body: { name: device.name } });
});

test("an enrolment key does nothing but enrol, and enrols nowhere else", async () => {
  const key = await keyOf({ product: product.id });
  const by = platform.visitor.as(textOf(key));
  const device = await owner.device(application.id);
  for (const [method, path, body] of [
    ["GET", "/v1/devices", undefined],
    ["POST", "/v1/devices", { application: application.id, name: "Pump" }],
    ["POST", `/v1/devices/${device.id}/keys`, {}],
    ["GET", "/v1/credentials", undefined],
  ] as const) {
    const { status } = await by.send(method, path, body && { body });
    assert.ok([403, 404].includes(status), `${method} ${path}: ${status}`);
  }
  const strange = [
    (await owner.product("Valve")).id,
    (await other.product()).id,
    newId("product", systemRandom),
    (await owner.application()).id,
    other.org,
    newId("org", systemRandom),
    "pump",
  ];
  for (const label of strange) {
    const { status, body } = await enrol(key, p256(), label);
    assert.deepEqual([status, body.code], [404, "enrolment.label"], label);
  }
  for (const label of [owner.org, application.id, product.id])
    assert.equal((await enrol(key, p256(), label)).status, 200, label);
  const basicElsewhere = await platform.visitor.send("GET", "/v1/me", { headers: { authorization: basic(key) } });
  assert.equal(basicElsewhere.status, 401);
});

test("of an organisation without an authority, or none at all, a stranger learns the same", async () => {
  const asked = [other.org, newId("org", systemRandom), newId("product", systemRandom), "pump", application.id];
  for (const label of asked) {
    const { status, body } = await platform.visitor.send<Problem>("GET", `/.well-known/est/${label}/cacerts`);
    assert.deepEqual([status, body.code], [404, "enrolment.label"], label);
  }
});

test("what is no request is refused before anything is made, and so is a limit of another kind of key", async () => {
  const key = await keyOf();
  const before = (await devices()).length;
  for (const [bytes, type, code] of [
    ["", "application/pkcs10", "request.uncertified"],
    ["pump", "application/pkcs10", "request.uncertified"],
    [await csrOf(p256()), "application/json", "request.mediaType"],
  ] as const) {
    const { body } = await platform.visitor.send<Problem>("POST", "/.well-known/est/simpleenroll", {
      bytes: Buffer.from(bytes),
      headers: { authorization: basic(key), "content-type": type },
    });
    assert.equal(body.code, code);
  }
  assert.equal((await devices()).length, before);
  const refused = await owner.asks.send<Problem>("POST", `/v1/applications/${application.id}/keys`, {
    body: { name: "program", enrols: { most: 1 } },
  });
  assert.equal(refused.status, 400);
  const foreign = await owner.asks.send<Problem>("POST", `/v1/applications/${application.id}/keys`, {
    body: { name: "factory", kind: "enrolment", enrols: { product: (await other.product()).id } },
  });
  assert.equal(foreign.body.code, "product.unknown");
});
