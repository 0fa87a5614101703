import assert from "node:assert/strict";
import { generateKeyPairSync, X509Certificate } from "node:crypto";
import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { test, type TestContext } from "node:test";
import { setImmediate } from "node:timers/promises";
import { rfc3339, type Instant } from "@holdfast/kernel";
import { day, hour } from "./roots.ts";
import { TestClock } from "../testing/clock.ts";
import { connect, jump, listening, operatorCertificate, start, world } from "./tls.fixture.ts";

const round = 30_000;
const settling = 250;

const dayOf = (at: number) => rfc3339(at as Instant).slice(0, 10); // a sum of instants and durations

async function folder(t: TestContext) {
  const at = await mkdtemp(path.join(tmpdir(), "holdfast-tls-"));
  t.after(() => rm(at, { recursive: true }));
  const files = { cert: path.join(at, "cert.pem"), key: path.join(at, "key.pem") };
  return { at, files, write: (name: keyof typeof files, text: string) => writeFile(files[name], text) };
}

async function withFiles(t: TestContext) {
  const place = await folder(t);
  const own = await operatorCertificate();
  await place.write("cert", own.leaf.certificate);
  await place.write("key", own.leaf.key);
  const made = await world({ files: place.files });
  t.after(() => made.certificates.close());
  return { ...place, ...made, own };
}

test("the operator's certificate is shown, and nobody is told to trust an authority that only signs for others", async (t) => {
  const { certificates, own } = await withFiles(t);
  const { source, certificate } = certificates.status();
  assert.equal(source, "files");
  assert.equal(certificate.sha256, new X509Certificate(own.leaf.certificate).fingerprint256);
  assert.deepEqual(certificates.list(), []);
  assert.equal(certificates.caPem, undefined);
  assert.deepEqual(certificates.names, ["localhost"]);
});

test("a root at the top of the operator's chain is listed, whichever file it stands in", async (t) => {
  const { at, files, write } = await folder(t);
  const { leaf, root } = await operatorCertificate();
  await write("key", leaf.key);
  await write("cert", leaf.certificate + root.certificate);
  const joined = await world({ files });
  await write("cert", leaf.certificate);
  await writeFile(path.join(at, "chain.pem"), root.certificate);
  const apart = await world({ files: { ...files, chain: path.join(at, "chain.pem") } });
  for (const { certificates } of [joined, apart]) {
    assert.equal(certificates.caPem, root.certificate);
    await using server = await listening(certificates);
    using client = await connect(server.port, { ca: certificates.caPem, servername: "localhost" });
    assert.ok(client.socket.authorized);
    await certificates.close();
  }
});

test("new files are noticed by themselves, and new connections are shown the new certificate", async (t) => {
  const { certificates, clock, files, at, own, events } = await withFiles(t);
  await using server = await listening(certificates);
  const next = await operatorCertificate();
  // As certbot and Kubernetes do: by rename, over what was there.
  for (const [name, text] of [
    ["key", next.leaf.key],
    ["cert", next.leaf.certificate],
  ] as const) {
    await writeFile(path.join(at, "new"), text);
    await rename(path.join(at, "new"), files[name]);
  }
  while (clock.waiting < 2) await setImmediate(); // one waits for the next round; the other comes with the folder's event
  clock.move(settling);
  await certificates.renewIfDue();
  assert.equal(events.at(-1)?.code, "tls.swapped");
  using client = await connect(server.port, { ca: next.root.certificate, servername: "localhost" });
  assert.notEqual(client.serial, new X509Certificate(own.leaf.certificate).serialNumber);
});

test("where watching a folder brings nothing, looking at the files now and then does", async (t) => {
  const { certificates, clock, write } = await withFiles(t);
  const next = await operatorCertificate();
  await write("key", next.leaf.key);
  await write("cert", next.leaf.certificate);
  clock.move(round);
  await certificates.renewIfDue();
  assert.equal(certificates.status().certificate.sha256, new X509Certificate(next.leaf.certificate).fingerprint256);
  assert.ok(clock.waiting > 0, "and goes on looking");
});

test("a file that cannot be used changes nothing but the status, is said once, and is forgotten when it is mended", async (t) => {
  const { certificates, write, own, events, clock } = await withFiles(t);
  await using server = await listening(certificates);
  const before = certificates.status();
  const other = await operatorCertificate();
  const expired = await operatorCertificate(["localhost"], start - 20 * day);
  const later = await operatorCertificate(["localhost"], start + day);
  const weak = generateKeyPairSync("rsa", { modulusLength: 1024 }).privateKey.export({ type: "pkcs8", format: "pem" });
  const locked = generateKeyPairSync("ec", {
    namedCurve: "P-256",
    publicKeyEncoding: { type: "spki", format: "pem" },
    privateKeyEncoding: { type: "pkcs8", format: "pem", cipher: "aes-256-cbc", passphrase: "4711" },
  }).privateKey;
  const bad: [string, string, RegExp][] = [
    ["garbage", own.leaf.key, /cert\.pem holds no certificate/],
    [
      "-----BEGIN CERTIFICATE-----\nZ2FyYmFnZQ==\n-----END CERTIFICATE-----",
      own.leaf.key,
      /cannot be parsed \(ERR_OSSL_/,
    ],
    [own.leaf.certificate, "garbage", /key\.pem holds no private key/],
    [own.leaf.certificate, locked, /has a passphrase/],
    [own.leaf.certificate, String(weak), /is not that of the first certificate/],
    [own.leaf.certificate, other.leaf.key, /is not that of the first certificate/],
    [
      expired.leaf.certificate,
      expired.leaf.key,
      new RegExp(`Operator's server in .*cert\\.pem expired at ${dayOf(start - 10 * day)}T`),
    ],
    [later.leaf.certificate, later.leaf.key, new RegExp(`is not valid before ${dayOf(start + day - hour)}T`)],
    [own.leaf.certificate + other.root.certificate, own.leaf.key, /Certificate 2 of .* did not sign the one before it/],
  ];
  for (const [cert, key, detail] of bad) {
    await write("cert", cert);
    await write("key", key);
    assert.equal(await certificates.renewIfDue(), false);
    const { unusable, ...rest } = certificates.status();
    assert.match(unusable?.detail ?? "", detail);
    assert.deepEqual({ ...rest, unusable: undefined }, before);
    const told = events.length;
    await certificates.renewIfDue();
    assert.equal(events.length, told, "said once");
    assert.partialDeepStrictEqual(events.at(-1), { code: "tls.unusable" });
    using client = await connect(server.port, { ca: own.root.certificate, servername: "localhost" });
    assert.equal(client.serial, new X509Certificate(own.leaf.certificate).serialNumber);
  }
  assert.doesNotMatch(JSON.stringify(events), /PRIVATE|4711/);
  await write("cert", own.leaf.certificate);
  await write("key", own.leaf.key);
  assert.equal(await certificates.renewIfDue(), false);
  assert.deepEqual(certificates.status(), before);
  jump(clock, 11 * day);
  await certificates.renewIfDue();
  assert.match(certificates.status().unusable?.detail ?? "", /expired at/, "the one in service too");
});

test("a file that is gone changes nothing either", async (t) => {
  const { certificates, files } = await withFiles(t);
  await rm(files.key);
  await certificates.renewIfDue();
  assert.match(certificates.status().unusable?.detail ?? "", /key\.pem cannot be read \(ENOENT\)/);
});

test("at the start there is nothing to keep in service, so files that cannot be used are refused", async (t) => {
  const { files, write } = await folder(t);
  await assert.rejects(world({ files }), {
    code: "tls.unusable",
    message: /Mend the file named here.*cannot be read \(ENOENT\)/,
  });
  const { leaf } = await operatorCertificate();
  await write("cert", leaf.certificate);
  await write("key", leaf.key);
  await assert.rejects(world({ files, clock: new TestClock(start + 11 * day) }), { detail: /expired at/ });
});
