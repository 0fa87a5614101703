import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import type { Reply } from "@holdfast/client";
import { Device as Packaged } from "@holdfast/device";
import { openIdentity } from "@holdfast/device/node";
import { newId, systemClock, systemRandom } from "@holdfast/kernel";
import type { routes } from "@holdfast/protocol";
import { x509 } from "../apps/server/src/tls/sign.ts";
import { atEnd, startTestPlatform, TestClock } from "../apps/server/src/testing/index.ts";
import { Owner, type Key, type Problem, type Thing } from "./authority.fixture.ts";
import { placeOf, run } from "./clients.fixture.ts";
import { comers, p256, type Shows } from "./issued.fixture.ts";
import { enrolling, Manufacturer, never } from "./manufacturers.fixture.ts";

// Devices that enrol by the birth certificates of their manufacturers: docs/enrolment.md, "By a birth certificate".
const clock = new TestClock(systemClock.now());
const platform = await startTestPlatform({ clock, config: { clientCertificatePort: 0 } });
atEnd.after(() => platform.close());
const [owner, other] = [
  new Owner(platform.visitor, await platform.setUp()),
  new Owner(platform.visitor, await platform.setUp()),
];
const application = await owner.application();
const product = await owner.product();
const enrol = enrolling(platform);
const { byMqtt, byHttps } = comers(platform);
const hour = 3_600_000;

type Asked = Reply<typeof routes.askManufacturer>;
type Listed = Reply<typeof routes.listManufacturers>["items"][number];
const manufacturersOf = (app: Thing) => `/v1/applications/${app.id}/manufacturers`;
const ask = (certificate: string, who = owner, app = application) =>
  who.asks.post<Asked>(`${manufacturersOf(app)}/nonce`, { certificate });
async function offer(acme: Manufacturer, more: object = {}, who = owner, app = application) {
  const { nonce, text } = await ask(acme.certificate, who, app);
  const body = { name: "Acme", product: product.id, certificate: acme.certificate, nonce, signature: acme.sign(text) };
  return who.asks.send<Key & Problem>("POST", manufacturersOf(app), { body: { ...body, ...more } });
}
async function added(acme: Manufacturer, more: object = {}, who = owner, app = application): Promise<string> {
  const { status, body } = await offer(acme, more, who, app);
  assert.equal(status, 201, JSON.stringify(body));
  return body.id;
}
const listed = async (of = product, who = owner) =>
  (await who.asks.get<{ items: Listed[] }>(`/v1/manufacturers?product=${of.id}`)).items;

type Device = { readonly id: string; readonly name: string; readonly product?: string };
const devices = async (who = owner) => (await who.asks.get<{ items: Device[] }>("/v1/devices?limit=1000")).items;
const statusOf = async (shows: Shows, label: string = product.id) => {
  const { status, code } = await enrol(shows, label);
  return code === undefined ? String(status) : `${status} ${code}`;
};

/** The first certificate of an answer. */
async function leafIn(text: string): Promise<{ subject: string; pem: string }> {
  const lib = await x509();
  const [leaf] = new lib.X509Certificates(Buffer.from(text, "base64"));
  assert.ok(leaf);
  return { subject: leaf.subject.slice("CN=".length), pem: leaf.toString("pem") };
}

test("whoever proves the key of a manufacturer's authority by openssl lets its devices enrol, by curl, and they deliver", async (t) => {
  const { folder } = platform.database;
  const file = (name: string) => path.join(folder, name);
  const docs = readFileSync(path.join(import.meta.dirname, "../docs/enrolment.md"), "utf8");
  const [, signing = ""] = /^openssl (pkeyutl .*)$/m.exec(docs) ?? [];
  for (const kind of ["P-256", "P-384", "Ed25519", "RSA-2048"] as const) {
    const acme = await Manufacturer.of(clock.now(), { kind, name: `Acme ${kind}` });
    const its = await owner.product(kind);
    const { nonce, text, expiresAt } = await ask(acme.certificate);
    assert.equal(Date.parse(expiresAt) - clock.now(), 600_000);
    writeFileSync(file("acme.key"), acme.key);
    writeFileSync(file("nonce.txt"), text);
    const signed = await run(
      "openssl",
      signing.split(" ").map((one) => (/^(acme|nonce)\./.test(one) ? file(one) : one)),
    );
    if (!signed) return t.skip("there is no openssl");
    assert.equal(signed.code, 0, signed.out);
    const signature = readFileSync(file("nonce.sig")).toString("base64");
    const body = { name: kind, product: its.id, certificate: acme.certificate, nonce, signature };
    const { id } = await owner.asks.post<Thing>(manufacturersOf(application), body);
    assert.equal(await statusOf(await acme.birth(`${kind} 1`), its.id), "200", id);
  }

  const acme = await Manufacturer.of(clock.now());
  const id = await added(acme, { validFor: "30d" });
  const birth = await acme.birth("SN-4711", { notAfter: never });
  for (const [name, content] of [
    ["birth.crt", birth.cert],
    ["birth.key", birth.key],
    ["ca.pem", placeOf(platform).ca],
  ] as const)
    writeFileSync(file(name), content);
  const requested = await run("openssl", [
    ..."req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -outform DER -subj /CN=whoever".split(" "),
    "-keyout",
    file("pump.pem"),
    "-out",
    file("pump.der"),
  ]);
  assert.equal(requested?.code, 0, requested?.out ?? "");
  writeFileSync(file("pump.p10"), readFileSync(file("pump.der")).toString("base64"));
  const { clientCertificateUrl = "" } = platform.platform;
  const enrolled = await run("curl", [
    "-sS",
    "--fail-with-body",
    "--cacert",
    file("ca.pem"),
    "--cert",
    file("birth.crt"),
    "--key",
    file("birth.key"),
    "-H",
    "Content-Type: application/pkcs10",
    "--data-binary",
    `@${file("pump.p10")}`,
    `${clientCertificateUrl}/.well-known/est/${product.id}/simpleenroll`,
  ]);
  if (!enrolled) return t.skip("there is no curl");
  assert.equal(enrolled.code, 0, enrolled.out);
  const leaf = await leafIn(enrolled.out);
  const device = (await devices()).find((one) => one.id === leaf.subject);
  assert.deepEqual([device?.name, device?.product], ["SN-4711", product.id], "as its manufacturer calls it");
  const client = await byMqtt({ cert: leaf.pem, key: readFileSync(file("pump.pem"), "utf8") });
  await client.publishAsync("me/telemetry", `{"temperature":21.5}`, { qos: 1 });
  await client.endAsync();
  const made = (await owner.audited()).filter(({ by }) => by === id).map(({ what }) => what);
  assert.deepEqual(made.toSorted(), ["credential.created", "device.created"]);
});

test("a manufacturer is listed with its devices, its end and what it may; the credential says which it is and has no secret", async () => {
  const its = await owner.product("Listed");
  const acme = await Manufacturer.of(clock.now(), { name: "Listed births", notAfter: never });
  const id = await added(acme, { product: its.id, most: 2 });
  assert.equal(await statusOf(await acme.birth("one"), its.id), "200");
  const [one] = await listed(its);
  const sha256 = (await acme.birth("none")).x509.fingerprint256;
  assert.notEqual(one?.sha256, sha256);
  assert.deepEqual(
    { ...one, sha256: "", createdAt: "" },
    {
      id,
      name: "Acme",
      state: "active",
      application: application.id,
      product: its.id,
      subject: "CN=Listed births, O=Acme",
      sha256: "",
      notAfter: "9999-12-31T23:59:59.000Z",
      enrolled: 1,
      most: 2,
      createdAt: "",
    },
  );
  const credential = await owner.asks.get<{ kind: string; enrols: { manufacturer?: string } }>(`/v1/credentials/${id}`);
  assert.deepEqual([credential.kind, credential.enrols.manufacturer], ["enrolment", one?.sha256]);
  const rotated = await owner.asks.send<Problem>("POST", `/v1/credentials/${id}/rotate`, { body: {} });
  assert.equal(rotated.body.code, "credential.unrotatable");
  const [created] = await owner.audited(id);
  assert.deepEqual([created?.what, created?.facts?.["manufacturer"]], ["credential.created", one?.sha256]);
  const asked = (await owner.audited(application.id)).filter(({ what }) => what === "manufacturer.asked");
  assert.ok(asked.some(({ facts }) => facts?.["sha256"] === one?.sha256));
  const foreign = await other.asks.get<{ items: Listed[] }>("/v1/manufacturers");
  assert.deepEqual(foreign.items, []);
});

test("so many devices enrol and no more; the same birth certificate is the same device, with another key too, and is not counted", async () => {
  const its = await owner.product("Counted");
  const acme = await Manufacturer.of(clock.now(), { name: "Counted births" });
  await added(acme, { product: its.id, most: 2 });
  const [first, second, third] = [await acme.birth("1"), await acme.birth("2"), await acme.birth("3")];
  const pair = p256();
  const one = await leafIn((await enrol(first, its.id, { pair })).text);
  const again = await leafIn((await enrol(first, its.id)).text);
  assert.equal(again.subject, one.subject);
  // Another certificate of the same device, as after a repair.
  const repaired = await leafIn((await enrol(await acme.birth("1"), its.id)).text);
  assert.equal(repaired.subject, one.subject);
  assert.equal(await statusOf(second, its.id), "200");
  assert.equal(await statusOf(third, its.id), "403 enrolment.exhausted");
  assert.deepEqual((await devices()).filter((device) => device.product === its.id).length, 2);
  const shared = await enrol(second, its.id, { pair });
  assert.equal(shared.code, "key.shared", "a key is one device's");
});

test("a device that lay in a box until its certificate was over comes again by its birth certificate", async () => {
  const its = await owner.product("Boxed");
  const acme = await Manufacturer.of(clock.now(), { name: "Boxed births" });
  await added(acme, { product: its.id, validFor: "1h", most: 1 });
  const birth = await acme.birth("1", { notAfter: never });
  const { subject } = await leafIn((await enrol(birth, its.id)).text);
  clock.move(hour);
  const pair = p256();
  const { pem, subject: again } = await leafIn((await enrol(birth, its.id, { pair })).text);
  assert.equal(again, subject);
  const key = pair.privateKey.export({ type: "pkcs8", format: "pem" }).toString();
  await (await byMqtt({ cert: pem, key })).endAsync();
});

test("a device that was retired, or whose credential was revoked, comes back by its birth certificate no more", async () => {
  const its = await owner.product("Gone");
  const acme = await Manufacturer.of(clock.now(), { name: "Gone births" });
  await added(acme, { product: its.id, validFor: "1h" });
  const [retired, revoked] = [await acme.birth("retired"), await acme.birth("revoked")];
  const device = (await leafIn((await enrol(retired, its.id)).text)).subject;
  await owner.asks.post(`/v1/devices/${device}/retire`);
  assert.equal(await statusOf(retired, its.id), "403 enrolment.ended");
  const gone = (await leafIn((await enrol(revoked, its.id)).text)).subject;
  const { items } = await owner.asks.get<{ items: Thing[] }>(`/v1/credentials?device=${gone}`);
  for (const { id } of items) await owner.revoke(id);
  assert.equal(await statusOf(revoked, its.id), "403 enrolment.ended");
  clock.move(hour);
  assert.equal(await statusOf(revoked, its.id), "403 enrolment.ended", "nor once that is over besides");
});

test("revoking a manufacturer stops enrolment at once, ends no device, and it may be added again: then its devices are known", async () => {
  const its = await owner.product("Removed");
  const acme = await Manufacturer.of(clock.now(), { name: "Removed births" });
  const id = await added(acme, { product: its.id });
  const [birth, late] = [await acme.birth("1"), await acme.birth("2")];
  const pair = p256();
  const { subject, pem } = await leafIn((await enrol(birth, its.id, { pair })).text);
  await owner.revoke(id);
  assert.equal(await statusOf(late, its.id), "401 credential.invalid");
  assert.equal(await statusOf(birth, its.id), "401 credential.invalid");
  const key = pair.privateKey.export({ type: "pkcs8", format: "pem" }).toString();
  await (await byMqtt({ cert: pem, key })).endAsync();
  clock.move(1_000);
  await added(acme, { product: its.id });
  assert.equal((await leafIn((await enrol(birth, its.id)).text)).subject, subject);
  assert.deepEqual(
    (await listed(its)).map(({ state, enrolled }) => [state, enrolled]),
    [
      ["revoked", 1],
      ["active", 0],
    ],
  );
});

test("a birth certificate counts in the organisation whose address is asked alone, and as the product that it says", async () => {
  const acme = await Manufacturer.of(clock.now(), { name: "Shared births" });
  const [mine, theirs] = [await owner.product("Mine"), await other.product("Theirs")];
  await added(acme, { product: mine.id });
  const birth = await acme.birth("1");
  for (const label of [
    theirs.id,
    other.org,
    (await owner.product("Another")).id,
    newId("product", systemRandom),
    "pump",
  ])
    assert.equal(await statusOf(birth, label), "401 credential.invalid", label);
  assert.deepEqual(await devices(other), []);
  // The other organisation proves the same authority for itself.
  const elsewhere = await other.application();
  await added(acme, { product: theirs.id }, other, elsewhere);
  assert.equal(await statusOf(birth, theirs.id), "200");
  assert.deepEqual(
    (await devices(other)).map(({ name }) => name),
    ["1"],
  );
  assert.equal(await statusOf(birth, mine.id), "200", "and here it is another device");
  // Where one organisation has it for two products, the address says which.
  assert.equal(await statusOf(await acme.birth("2"), other.org), "200");
  await added(acme, { product: (await other.product("More")).id }, other, elsewhere);
  assert.equal(await statusOf(await acme.birth("3"), other.org), "404 enrolment.label");
});

test("a birth certificate opens nothing but enrolling", async () => {
  const its = await owner.product("Nothing else");
  const acme = await Manufacturer.of(clock.now(), { name: "Nothing else" });
  await added(acme, { product: its.id });
  const birth = await acme.birth("1");
  assert.equal((await enrol(birth, its.id)).status, 200);
  assert.equal((await enrol(birth, "")).code, "credential.invalid", "without a label");
  assert.equal((await enrol(birth, its.id, { operation: "simplereenroll" })).code, "credential.invalid");
  for (const where of ["/v1/me", "/v1/devices", "/.well-known/est/cacerts"])
    assert.equal((await byHttps(birth, where)).body.code, "credential.invalid", where);
  assert.equal((await byHttps(birth, "/v1/me/telemetry", { temperature: 1 })).body.code, "credential.invalid");
  await assert.rejects(byMqtt(birth), { message: /authorized|bad user/i });
});

test("what the authority signed and is no good birth certificate is refused, and told to the organisation alone", async () => {
  const its = await owner.product("Odd");
  const acme = await Manufacturer.of(clock.now(), { name: "Odd births" });
  const id = await added(acme, { product: its.id });
  assert.equal(
    await statusOf(await acme.birth("1", { purposes: ["1.3.6.1.5.5.7.3.1"] }), its.id),
    "401 credential.invalid",
  );
  const told = (entries: Awaited<ReturnType<Owner["audited"]>>) =>
    entries.some(({ facts }) => facts?.["because"] === "a birth certificate that is none");
  await owner.auditedOnce(told, id);
  assert.equal(
    await statusOf(await acme.birth("1", { notAfter: clock.now() }), its.id),
    "401 credential.invalid",
    "over",
  );
  // Of another manufacturer that has the same name.
  const forger = await Manufacturer.of(clock.now(), { name: "Odd births" });
  assert.equal(await statusOf(await forger.birth("1"), its.id), "401 credential.invalid");
  assert.equal(await statusOf(await acme.birth("1"), its.id), "200");
});

test("with the certificate of the authority ends enrolling", async () => {
  const its = await owner.product("Short");
  const acme = await Manufacturer.of(clock.now(), { name: "Short births", notAfter: clock.now() + 2 * hour });
  await added(acme, { product: its.id });
  const birth = await acme.birth("1");
  assert.equal(await statusOf(birth, its.id), "200");
  clock.move(2 * hour);
  assert.equal(await statusOf(birth, its.id), "401 credential.invalid");
});

test("the nonce is for one certificate, one organisation, one use and ten minutes", async () => {
  const acme = await Manufacturer.of(clock.now(), { name: "Nonce births" });
  const its = await owner.product("Nonce");
  const offered = async (
    signing: { nonce: string; text: string },
    more: object = {},
    who = owner,
    app = application,
  ) => {
    const { nonce, text } = signing;
    const body = {
      name: "Acme",
      product: its.id,
      certificate: acme.certificate,
      nonce,
      signature: acme.sign(text),
      ...more,
    };
    const answer = await who.asks.send<Problem>("POST", manufacturersOf(app), { body });
    return `${answer.status} ${answer.body.code ?? ""}`.trim();
  };
  const unproved = "403 manufacturer.unproved";
  const first = await ask(acme.certificate);
  const twin = await Manufacturer.of(clock.now(), { name: "Nonce births" });
  assert.equal(await offered(first, { signature: twin.sign(first.text) }), unproved, "another key");
  assert.equal(await offered(first, { signature: acme.sign(`${first.text}\n`) }), unproved, "another text");
  assert.equal(await offered(first, { signature: "AA==" }), unproved, "no signature");
  assert.equal(await offered({ ...first, nonce: "00".repeat(32) }), unproved, "another nonce");
  const own = first.text.replace(first.nonce, "00".repeat(32));
  assert.equal(await offered({ nonce: "00".repeat(32), text: own }), unproved, "a nonce of one's own");
  assert.equal(await offered({ ...first, nonce: "pump" }), unproved, "none");
  // Of the same key, and another certificate.
  const renewed = await Manufacturer.of(clock.now(), { name: "Nonce births", pair: acme.pair, notAfter: never });
  const forRenewed = await ask(renewed.certificate);
  assert.equal(await offered(forRenewed), unproved, "asked of another certificate");
  const ours = forRenewed.text.split(" ");
  const mended = [...ours.slice(0, 2), first.text.split(" ")[2], ours[3]].join(" ");
  assert.equal(await offered({ nonce: forRenewed.nonce, text: mended }), unproved, "and signed for this one");
  // Of another organisation.
  const elsewhere = await other.application();
  const theirs = await other.product("Nonce");
  assert.equal(
    await offered(first, { product: theirs.id }, other, elsewhere),
    unproved,
    "asked in another organisation",
  );
  const forThem = first.text.replace(owner.org, other.org);
  assert.equal(
    await offered({ nonce: first.nonce, text: forThem }, { product: theirs.id }, other, elsewhere),
    unproved,
    "and signed for it",
  );
  // What was refused until now used nothing up; what is taken does.
  assert.equal(await offered(first), "201");
  const { id } = (await listed(its))[0] ?? { id: "" };
  await owner.revoke(id);
  assert.equal(await offered(first), unproved, "used");
  const late = await ask(acme.certificate);
  clock.move(600_000);
  assert.equal(await offered(late), unproved, "over");
  assert.equal(await offered(await ask(acme.certificate)), "201");
  assert.equal(await offered(await ask(acme.certificate)), "409 manufacturer.exists");
  const same = await ask(renewed.certificate);
  const again = { certificate: renewed.certificate, signature: renewed.sign(same.text) };
  assert.equal(await offered(same, again), "409 manufacturer.exists", "another certificate of the same key");
  const foreign = await ask(acme.certificate);
  assert.equal(await offered(foreign, { product: theirs.id }), "404 product.unknown");
});

test("what is no certificate of an authority that can be taken is refused before anything is asked", async () => {
  const acme = await Manufacturer.of(clock.now());
  // Of a kind of key that nobody knows, and of a point that is on no curve.
  const der = new X509Certificate(acme.certificate).raw.toString("hex");
  const unread = [der.replace("06072a8648ce3d0201", "06072a8648ce3d027f"), der.replace(/(?<=03420004)..../, "7fff")];
  const said = [
    "pump",
    acme.certificate.slice(0, 200),
    (await acme.birth("1")).cert,
    `pump ${acme.certificate}`,
    ...unread.map(
      (hex) =>
        `-----BEGIN CERTIFICATE-----\n${Buffer.from(hex, "hex").toString("base64")}\n-----END CERTIFICATE-----\n`,
    ),
  ];
  for (const certificate of said) {
    const body = { certificate };
    const answer = await owner.asks.send<Problem>("POST", `${manufacturersOf(application)}/nonce`, { body });
    assert.deepEqual([answer.status, answer.body.code], [422, "manufacturer.certificate"], certificate);
  }
});

test("the package for devices enrols by a birth certificate, comes as the same device when its file is lost, and renews without it", async () => {
  const its = await owner.product("Packaged");
  const acme = await Manufacturer.of(clock.now(), { name: "Packaged births" });
  const id = await added(acme, { product: its.id, validFor: "30d", most: 1 });
  const { clientCertificateUrl = "", mqttsUrl, caPem: ca = "" } = platform.platform;
  const open = async (file: string, birth: Shows) =>
    openIdentity(
      { file: path.join(platform.database.folder, file), url: clientCertificateUrl, label: its.id, birth, ca },
      clock,
    );
  const birth = await acme.birth("SN-7", { notAfter: never });
  const identity = await open("identity", birth);
  const thing = Packaged.connect({ url: mqttsUrl, ca, identity });
  await thing.send({ t: 1 });
  const { name } = await identity.present();
  const made = (await devices()).filter(({ product: of }) => of === its.id);
  assert.deepEqual(
    made.map((one) => [one.id, one.name]),
    [[name, "SN-7"]],
  );
  // Its disk is a new one: another key pair, the same device, which counts no more.
  const again = await open("again", birth);
  assert.equal((await again.present()).name, name);
  const refusal = (code: string) => ({ code: "enrolment.refused", message: new RegExp(code) });
  await assert.rejects(
    (await open("one too many", await acme.birth("SN-8"))).present(),
    refusal("403 enrolment\\.exhausted"),
  );
  const stranger = await Manufacturer.of(clock.now(), { name: "Strange births" });
  await assert.rejects(
    (await open("stranger", await stranger.birth("SN-7"))).present(),
    refusal("401 credential\\.invalid"),
  );
  await owner.revoke(id);
  clock.move(21 * 24 * hour);
  const before = (await again.present()).cert;
  assert.ok(await again.renewIfDue());
  const after = await again.present();
  assert.notEqual(after.cert, before);
  await thing.close();
  const renewed = Packaged.connect({ url: mqttsUrl, ca, identity: again });
  await renewed.send({ t: 2 });
  await renewed.close();
});
