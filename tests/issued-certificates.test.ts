import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { selfSigned, signedBy, type Claimed, type KeyPair } from "@holdfast/client/testing";
import { systemClock } from "@holdfast/kernel";
import { atEnd, ProvingLine, startTestPlatform, TestClock } from "../apps/server/src/testing/index.ts";
import { Owner, textOf, type Key, type Problem } from "./authority.fixture.ts";
import { caFile, placeOf, run } from "./clients.fixture.ts";
import { comers, csrOf, ed25519, p256, showing, type Authority, type Certificate } from "./issued.fixture.ts";

// Certificates that an organisation's own authority issues to its devices: docs/proof.md, "By a certificate that was issued".
const clock = new TestClock(systemClock.now());
const platform = await startTestPlatform({ clock, config: { clientCertificatePort: 0 } });
atEnd.after(() => platform.close());
const place = placeOf(platform);
const [owner, other] = [
  new Owner(platform.visitor, await platform.setUp()),
  new Owner(platform.visitor, await platform.setUp()),
];
const application = await owner.application();
const { byMqtt, byHttps, ticketOf } = comers(platform);
const hour = 3_600_000;

async function issued(body: object = {}, { pair = p256(), by = owner, of = application.id } = {}) {
  const device = await by.device(of);
  await by.revoke(device.key.id); // so that what comes in is the certificate
  const path = `/v1/devices/${device.id}/certificates`;
  const certificate = await by.asks.post<Certificate>(path, { csr: await csrOf(pair), ...body });
  return { device, pair, certificate, shows: showing(certificate, pair) };
}
const theirs = await issued({}, { by: other, of: (await other.application()).id });

const refused = (csr: string, more: object = {}) =>
  owner.device(application.id).then(({ id }) =>
    owner.asks.send<Problem & { errors?: { path: string }[] }>("POST", `/v1/devices/${id}/certificates`, {
      body: { csr, ...more },
    }),
  );
const dateOf = (text: string) => Math.floor(Date.parse(text) / 1_000);

test("a device with an issued certificate delivers in both versions of MQTT and over HTTPS, and is nobody but itself", async () => {
  for (const pair of [p256(), ed25519()]) {
    const { device, shows, certificate } = await issued({}, { pair });
    for (const more of [
      { protocolVersion: 5 },
      { protocolVersion: 4, username: "pump" },
      { username: certificate.id },
    ] as const) {
      const client = await byMqtt(shows, more);
      await client.publishAsync("me/telemetry", `{"temperature":21.5}`, { qos: 1 });
      await client.endAsync();
    }
    const { status, body } = await byHttps(shows);
    assert.deepEqual([status, (body as { device?: string }).device], [200, device.id]);
  }
});

test("a certificate says its device, its dates, that it is for clients, and nothing that the request asked for", async () => {
  const pair = p256();
  const { device, certificate } = await issued({ validFor: "30d" }, { pair });
  const leaf = new X509Certificate(certificate.certificate);
  const authority = new X509Certificate(certificate.chain);
  assert.equal(leaf.subject, `CN=${device.id}`);
  assert.equal(leaf.subjectAltName, undefined);
  assert.deepEqual([leaf.ca, leaf.keyUsage], [false, ["1.3.6.1.5.5.7.3.2"]]);
  assert.match(leaf.serialNumber, /^[4-7][0-9A-F]{31}$/);
  assert.equal(leaf.serialNumber.toLowerCase(), certificate.serial);
  assert.ok(leaf.checkIssued(authority) && leaf.verify(authority.publicKey) && authority.ca);
  assert.equal(authority.subject, `O=Holdfast\nCN=Holdfast devices ${certificate.certificateAuthority}`);
  assert.equal(dateOf(certificate.notAfter), Math.floor(clock.now() / 1_000) + 30 * 24 * 3_600);
  assert.equal(leaf.validToDate.getTime() / 1_000, dateOf(certificate.notAfter));
  const kept = await owner.asks.get<{ items: Certificate[] }>(`/v1/credentials/${certificate.id}/certificates`);
  const { certificate: pem, chain, serial } = certificate;
  assert.deepEqual(
    kept.items.map((one) => ({ pem: one.certificate, chain: one.chain, serial: one.serial })),
    [{ pem, chain, serial }],
  );
  const { items } = await owner.asks.get<{ items: Authority[] }>("/v1/certificate-authorities");
  assert.deepEqual(
    items.map(({ id, certificate: text }) => [id, text]),
    [[certificate.certificateAuthority, chain]],
  );
});

test("openssl's request is taken and its certificate delivers by mosquitto; openssl holds the chain to be good in its strictest mode", async (t) => {
  const { folder } = platform.database;
  const file = (name: string) => path.join(folder, name);
  const made = await run("openssl", [
    ..."req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=somebody".split(" "),
    ..."-addext basicConstraints=critical,CA:TRUE -addext subjectAltName=DNS:platform.example".split(" "),
    "-keyout",
    file("pump.pem"),
    "-out",
    file("pump.csr"),
  ]);
  if (!made) return t.skip("there is no openssl");
  const device = await owner.device(application.id);
  const csr = readFileSync(file("pump.csr"), "utf8");
  const got = await owner.asks.post<Certificate>(`/v1/devices/${device.id}/certificates`, { csr });
  writeFileSync(file("pump.crt"), got.certificate);
  writeFileSync(file("devices.pem"), got.chain);
  const verified = await run("openssl", [
    "verify",
    "-x509_strict",
    "-purpose",
    "sslclient",
    "-CAfile",
    file("devices.pem"),
    file("pump.crt"),
  ]);
  assert.deepEqual([verified?.code, verified?.out], [0, `${file("pump.crt")}: OK\n`]);
  assert.deepEqual(
    [new X509Certificate(got.certificate).subject, new X509Certificate(got.certificate).ca],
    [`CN=${device.id}`, false],
  );
  const to = ["-h", "localhost", "-p", String(place.mqttPort), "--cafile", caFile(platform)];
  const as = ["--cert", file("pump.crt"), "--key", file("pump.pem")];
  const sent = await run("mosquitto_pub", [...to, ...as, "-q", "1", "-t", "me/telemetry", "-m", '{"temperature": 7}']);
  if (!sent) return t.skip("there is no mosquitto_pub");
  assert.equal(sent.code, 0, sent.out);
});

test("what is no request of a key of P-256 or Ed25519 that its key signed is refused, and so is what would last too long", async () => {
  const pair = p256();
  const csr = await csrOf(pair);
  const lines = csr.split("\n");
  const der = Buffer.from(lines.slice(1, -2).join(""), "base64");
  const pem = (bytes: Buffer) => [lines[0], bytes.toString("base64"), lines.at(-2), ""].join("\n");
  const spki = (one: KeyPair) => one.publicKey.export({ type: "spki", format: "der" });
  const otherKey = Buffer.from(der);
  spki(p256()).copy(otherKey, der.indexOf(spki(pair)));
  for (const [text, what] of [
    ["", "nothing"],
    ["pump", "no PEM"],
    [selfSigned({ pair }).cert, "a certificate"],
    [csr + csr, "two"],
    [pem(der.subarray(0, -1)), "one that was cut off"],
    [pem(otherKey), "somebody else's key, signed with one's own"],
    [pem(Buffer.concat([der.subarray(0, -3), Buffer.of(1, 2, 3)])), "a wrong signature"],
  ] as const) {
    const { status, body } = await refused(text);
    assert.deepEqual([status, body.code], [422, "request.uncertified"], what);
  }
  const long = await refused(csr, { validFor: "399d" });
  assert.deepEqual([long.status, long.body.errors?.[0]?.path], [400, "validFor"]);
  assert.equal((await refused(csr, { validFor: "398d" })).status, 201);
});

/** What the certificate of a device says of who issued it. */
const claimsOf = ({ certificate }: { certificate: Certificate }): Claimed => ({
  issuer: { organisation: "Holdfast", name: `Holdfast devices ${certificate.certificateAuthority}` },
  serial: certificate.serial,
  forClients: true,
});

const bad: Record<string, () => Promise<{ cert: string; key: string }>> = {
  "one with the number of a device's and another key, which that key signed": async () => {
    const pair = p256();
    return signedBy(pair, { ...claimsOf(await issued()), pair });
  },
  "one that a device made of its own, to last longer": async () => {
    const own = await issued();
    return signedBy(own.pair, { ...claimsOf(own), pair: own.pair });
  },
  "one that another device signed for it": async () => {
    const [device, neighbour] = [await issued(), await issued()];
    return signedBy(neighbour.pair, { ...claimsOf(device), pair: device.pair });
  },
  "one that a certificate in between signed, which calls itself an authority": async () => {
    const [device, between] = [await issued(), p256()];
    const leaf = signedBy(between, { ...claimsOf(device), pair: device.pair });
    const authority = signedBy(device.pair, { ...claimsOf(device), pair: between, isAuthority: true });
    return { cert: leaf.cert + authority.cert, key: leaf.key };
  },
  "one of a number that nobody was given": async () => {
    const pair = p256();
    return signedBy(pair, { ...claimsOf(await issued()), serial: "40".repeat(16), pair });
  },
  "one with a number that is none of ours": async () => {
    const pair = p256();
    return signedBy(pair, { ...claimsOf(await issued()), serial: "01", pair });
  },
  "one that says it is another organisation's, with a number of ours": async () => {
    const own = await issued();
    const { issuer } = claimsOf(theirs);
    return signedBy(own.pair, { ...claimsOf(own), ...(issuer && { issuer }), pair: own.pair });
  },
  "the authority's own, without its key": async () => {
    const own = await issued();
    return {
      ...signedBy(own.pair, {
        ...claimsOf(own),
        name: `Holdfast devices ${own.certificate.certificateAuthority}`,
        pair: own.pair,
        isAuthority: true,
      }),
    };
  },
  "one that is over": async () => {
    const { shows } = await issued({ validFor: "1m" });
    clock.move(61_000);
    return shows;
  },
  "one whose credential is over": async () => {
    const { shows } = await issued({ expiresIn: "1m" });
    clock.move(61_000);
    return shows;
  },
  "one that was revoked": async () => {
    const { shows, certificate } = await issued();
    await owner.revoke(certificate.id);
    return shows;
  },
  "one whose device is retired": async () => {
    const { shows, device } = await issued();
    await owner.asks.post(`/v1/devices/${device.id}/retire`);
    return shows;
  },
};

test("whatever is wrong with a certificate, its bearer is refused alike, over MQTT and HTTPS", async () => {
  for (const [what, make] of Object.entries(bad)) {
    const shows = await make();
    const { status, body } = await byHttps(shows);
    assert.deepEqual([status, body.code], [401, "credential.invalid"], what);
    await assert.rejects(byMqtt(shows, { protocolVersion: 4 }), { code: 4 }, what);
  }
  // The organisation is told which it was, a moment later.
  for (const because of ["not issued here", "is over", "was revoked", "is retired"]) {
    const isTold = async () =>
      (await owner.asks.get<object>("/v1/audit?limit=200").then(JSON.stringify)).includes(because);
    for (const from = performance.now(); !(await isTold());) assert.ok(performance.now() - from < 10_000, because);
  }
});

test("the credential's id as the user name lets in no other certificate, not of the same key, and no pinned one speaks for it", async () => {
  const pair = p256();
  const [first, second] = [await issued({}, { pair }), await issued({}, { pair })];
  const client = await byMqtt(first.shows, { username: first.certificate.id });
  await client.endAsync();
  await assert.rejects(byMqtt(first.shows, { username: second.certificate.id }), { code: 4 });
  await assert.rejects(byMqtt(selfSigned({ pair }), { username: first.certificate.id }), { code: 4 });
  await assert.rejects(byMqtt(selfSigned({ pair })), { code: 4 });
  const { status, body } = await byHttps(first.shows);
  assert.deepEqual([status, (body as { device?: string }).device], [200, first.device.id]);
});

test("an issued certificate proves its key like any other, and speaks for a pinned one where that is named and nowhere else", async () => {
  const pair = ed25519();
  const { shows, certificate } = await issued({}, { pair });
  const { kty, crv, x } = pair.publicKey.export({ format: "jwk" });
  const publicKey = { kty, crv, x };
  const bound = await owner.device(application.id, { publicKey });
  const pinned = await owner.device(application.id);
  const pin = await owner.asks.post<Key>(`/v1/devices/${pinned.id}/keys`, { kind: "certificate", publicKey });
  const ways = [{ username: bound.key.id, password: bound.key.secret }, { username: pin.id }];
  for (const more of ways) await (await byMqtt(shows, more)).endAsync();
  await owner.revoke(certificate.id);
  for (const more of ways) await (await byMqtt(shows, more)).endAsync();
  await assert.rejects(byMqtt(shows), { code: 4 });
  assert.equal((await byHttps(shows)).body.code, "credential.invalid");
});

test("who comes back with a ticket is judged again", async () => {
  const { shows, certificate } = await issued();
  const session = await ticketOf(shows);
  const resume = async () => {
    const line = await ProvingLine.dial({ port: place.mqttPort, ca: place.ca }, { session });
    assert.ok(line.tls.isSessionReused());
    line.connect({ username: "", password: "" }, {});
    return line;
  };
  {
    using line = await resume();
    assert.equal((await line.next()).reasonCode, 0);
    assert.equal((await line.publish()).reasonCode, 0);
  }
  await owner.revoke(certificate.id);
  using line = await resume();
  assert.equal((await line.next()).reasonCode, 0x86);
});

test("who is there goes when the certificate ends, and when it is revoked", async () => {
  const ends: [string, (one: Certificate) => Promise<unknown>][] = [
    ["revoked", ({ id }) => owner.revoke(id)],
    ["the authority ended", ({ certificateAuthority: id }) => owner.asks.delete(`/v1/certificate-authorities/${id}`)],
  ];
  for (const [what, end] of ends) {
    const { shows, certificate } = await issued();
    const client = await byMqtt(shows, { protocolVersion: 5 });
    const left = new Promise((resolve) => client.once("disconnect", ({ reasonCode }) => resolve(reasonCode)));
    await end(certificate);
    assert.equal(await left, 0x98, what);
    assert.equal((await byHttps(shows)).body.code, "credential.invalid", what);
  }
});

test("an authority that was ended is none, what it issued is over, and the next certificate is of another one", async () => {
  const { shows, certificate } = await issued();
  const { certificateAuthority: id } = certificate;
  const path = `/v1/certificate-authorities/${id}`;
  const foreign = await other.asks.send<Problem>("DELETE", path);
  assert.deepEqual([foreign.status, foreign.body.code], [404, "certificateAuthority.unknown"]);
  await owner.asks.delete(path);
  assert.equal((await byHttps(shows)).status, 401);
  const next = await issued();
  assert.notEqual(next.certificate.certificateAuthority, id);
  assert.equal((await byHttps(next.shows)).status, 200);
  const { items } = await owner.asks.get<{ items: Authority[] }>("/v1/certificate-authorities");
  assert.deepEqual(
    items.map((one) => one.id),
    [next.certificate.certificateAuthority],
  );
  const { state } = await owner.asks.get<{ state: string }>(`/v1/credentials/${certificate.id}`);
  assert.equal(state, "revoked");
  assert.equal((await byHttps(theirs.shows)).status, 200, "another organisation's is another one");
});

/** A device asks for another certificate, with the one that it has. */
async function renew(shows: { cert: string; key: string }, body: object = {}) {
  const pair: KeyPair = p256();
  const answer = await byHttps(shows, "/v1/me/certificates", { csr: await csrOf(pair), ...body });
  const certificate = answer.body as Certificate & { code?: string };
  return { ...answer, certificate, ...(answer.status === 201 && { shows: showing(certificate, pair) }) };
}

test("a device renews its certificate itself, for another key, and the one before is good for a while and no longer", async () => {
  const { shows, certificate, device } = await issued({ validFor: "2h" });
  const renewed = await renew(shows, { validFor: "4h" });
  assert.equal(renewed.status, 201);
  assert.ok(renewed.shows);
  assert.equal(renewed.certificate.id, certificate.id, "the credential is the same");
  assert.equal(renewed.certificate.formerEndsAt, certificate.notAfter, "a day, or as long as it was good");
  for (const each of [shows, renewed.shows]) assert.equal((await byHttps(each)).status, 200);
  const { items } = await owner.asks.get<{ items: Certificate[] }>(`/v1/credentials/${certificate.id}/certificates`);
  assert.equal(items.length, 2);
  const [entry] = (await owner.audited(certificate.id)).filter(({ what }) => what === "credential.rotated");
  assert.match(JSON.stringify(entry), new RegExp(renewed.certificate.serial));
  const client = await byMqtt(shows, { protocolVersion: 5 });
  await client.endAsync();
  clock.move(2 * hour);
  assert.equal((await byHttps(shows)).body.code, "credential.invalid");
  assert.equal((await byHttps(renewed.shows)).status, 200);
  await owner.asks.post(`/v1/devices/${device.id}/suspend`);
  assert.equal((await renew(renewed.shows)).body.code, "device.suspended");
});

test("a device whose renewal was lost on the way asks again with what it has, however often", async () => {
  const { shows, certificate } = await issued({ validFor: "2h" });
  const lost = [await renew(shows), await renew(shows)];
  const got = await renew(shows);
  assert.ok(got.shows);
  assert.equal((await byHttps(got.shows)).status, 200);
  const kept = await owner.asks.get<{ items: Certificate[] }>(`/v1/credentials/${got.certificate.id}/certificates`);
  assert.deepEqual(
    kept.items.map(({ serial }) => serial).toSorted(),
    [certificate.serial, got.certificate.serial].toSorted(),
  );
  for (const { shows: one } of lost) assert.equal(one && (await byHttps(one)).status, 401, "there are never three");
  assert.equal((await byHttps(shows)).status, 200);
});

test("a device renews as often as it needs, and does not fill the audit log with it", async () => {
  let { shows } = await issued();
  for (let times = 0; times < 10; times++) {
    const renewed = await renew(shows);
    assert.ok(renewed.shows);
    ({ shows } = renewed);
  }
  const { status, body } = await renew(shows);
  assert.deepEqual([status, body.code], [429, "rate.exceeded"]);
  clock.move(60_000);
  assert.equal((await renew(shows)).status, 201);
});

test("a renewal outlasts neither its credential nor what the organisation demands", async (t) => {
  const { shows, certificate } = await issued({ validFor: "1h", expiresIn: "3h" });
  const renewed = await renew(shows, { validFor: "90d" });
  assert.equal(dateOf(renewed.certificate.notAfter), dateOf(certificate.expiresAt ?? ""));
  assert.equal(renewed.certificate.expiresAt, certificate.expiresAt);
  const young = await issued();
  t.after(() => owner.asks.patch("/v1/org", { demands: {} }));
  await owner.asks.patch("/v1/org", { demands: { devices: { greatestAgeDays: 1, bound: true } } });
  const most = Math.floor(clock.now() / 1_000) + 24 * 3_600;
  assert.equal(dateOf((await issued({ validFor: "90d" })).certificate.notAfter), most);
  assert.ok(dateOf((await renew(young.shows, { validFor: "90d" })).certificate.notAfter) <= most);
});

test("with its key a device gets a certificate that ends with that key and reaches no further, and has one of them", async () => {
  const device = await owner.device(application.id);
  const asks = platform.visitor.as(textOf(device.key)).anew();
  const ask = async (pair: KeyPair) =>
    asks.send<Certificate & Problem>("POST", "/v1/me/certificates", { body: { csr: await csrOf(pair) } });
  const [first, second] = [p256(), ed25519()];
  const [one, again] = [await ask(first), await ask(second)];
  assert.deepEqual([one.status, again.status, again.body.id], [201, 201, one.body.id]);
  const shows = showing(again.body, second);
  assert.equal((await byHttps(shows)).status, 200);
  type Credential = { parent: string; grants: string[]; kind: string };
  const { parent, grants, kind } = await owner.asks.get<Credential>(`/v1/credentials/${one.body.id}`);
  assert.deepEqual(
    { parent, grants, kind },
    { parent: device.key.id, grants: [`telemetry.write:${device.id}`], kind: "certificate" },
  );
  const third = await owner.asks.send<Problem>("POST", `/v1/devices/${device.id}/certificates`, {
    body: { csr: await csrOf(p256()) },
  });
  assert.equal(third.body.code, "key.tooMany");
  await owner.revoke(device.key.id);
  assert.equal((await byHttps(shows)).body.code, "credential.invalid");
});

test("a program that may not make keys of a device gets no certificate for it, nor one that has no device for itself", async () => {
  const device = await owner.device(application.id);
  const reader = await owner.accessKey(application.id, ["device.read", "telemetry.write"]);
  const asks = platform.visitor.as(textOf(reader));
  const body = { csr: await csrOf(p256()) };
  for (const path of [`/v1/devices/${device.id}/certificates`, "/v1/me/certificates"]) {
    const { status, body: problem } = await asks.send<Problem>("POST", path, { body });
    assert.deepEqual([status, problem.code], [403, "permit.missing"], path);
  }
});

test("an issued certificate is good under the conditions that it was given", async () => {
  const { shows } = await issued({ conditions: { transports: ["mqtts"] } });
  assert.equal((await byHttps(shows)).body.code, "condition.unmet");
  await (await byMqtt(shows)).endAsync();
});
