import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import { inspect } from "node:util";
import { Refusal } from "@holdfast/kernel";
import { fingerprint } from "./index.ts";
import { day, hour, year } from "./roots.ts";
import { TestClock } from "../testing/clock.ts";
import { jump, Pocket, start, world } from "./tls.fixture.ts";

const hasOpenssl = spawnSync("openssl", ["version"]).status === 0;

test("the first start makes a root, the root after it, a spare, and a certificate for ninety days that names what was asked", async () => {
  const { certificates } = await world({ names: ["localhost", "127.0.0.1", "2001:db8::1", "*.example.org"] });
  const [current, coming, spare, ...more] = certificates.list();
  const { certificate } = certificates.status();
  assert.equal(more.length, 0);
  assert.match(current?.name ?? "", /^Holdfast [0-9a-f]{8} root 1$/);
  assert.equal(coming?.name, current?.name.replace(/1$/, "2"));
  assert.equal(spare?.name, current?.name.replace(/1$/, "3"));
  const states = [current, coming, spare, certificate].map((one) => one?.state);
  assert.deepEqual(states, ["current", "coming", "spare", "current"]);
  const second = start - (start % 1000);
  assert.deepEqual([current?.notBefore, current?.notAfter], [second - hour, second + 10 * year]);
  assert.deepEqual([certificate.notBefore, certificate.notAfter], [second - hour, second - hour + 90 * day]);
  const x509 = new X509Certificate(certificate.pem);
  assert.equal(
    x509.subjectAltName,
    "DNS:localhost, IP Address:127.0.0.1, IP Address:2001:DB8:0:0:0:0:0:1, DNS:*.example.org",
  );
  assert.deepEqual(certificates.names, ["localhost", "127.0.0.1", "2001:db8::1"]);
  assert.equal(fingerprint(certificates.caPem ?? ""), current?.sha256);
  assert.match(current?.sha256 ?? "", /^([0-9A-F]{2}:){31}[0-9A-F]{2}$/);
  await certificates.close();
});

test("a small chain: a client is shown less than 2 kB", async () => {
  const { certificates } = await world();
  assert.ok(new X509Certificate(certificates.status().certificate.pem).raw.length < 800);
  await certificates.close();
});

test(
  "openssl accepts the chain in its strictest mode, for a server and for nothing else",
  { skip: !hasOpenssl },
  async () => {
    const folder = await mkdtemp(path.join(tmpdir(), "holdfast-tls-"));
    // Past 2050 times are written in another form (RFC 5280 section 4.1.2.5).
    for (const at of [start, Date.parse("2051-07-01T00:00:00Z")]) {
      const { certificates } = await world({ clock: new TestClock(at) });
      await writeFile(path.join(folder, "ca.pem"), certificates.caPem ?? "");
      await writeFile(path.join(folder, "leaf.pem"), certificates.status().certificate.pem);
      const common = ["verify", "-x509_strict", "-attime", String(Math.floor(at / 1000)), "-CAfile", "ca.pem"];
      const verify = (...more: string[]) =>
        spawnSync("openssl", [...common, ...more, "leaf.pem"], { cwd: folder, encoding: "utf8" });
      const server = verify("-purpose", "sslserver", "-verify_hostname", "localhost", "-verify_ip", "127.0.0.1");
      assert.equal(server.stdout, "leaf.pem: OK\n", server.stderr);
      assert.notEqual(verify("-purpose", "sslclient").status, 0);
      assert.notEqual(verify("-verify_hostname", "elsewhere.example").status, 0);
      await certificates.close();
    }
    await rm(folder, { recursive: true });
  },
);

test("a restart shows the same certificate; a restart with other names shows another one of the same authority", async () => {
  const { certificates: first, secrets } = await world();
  const { certificates: second } = await world({ secrets, names: ["::1", "127.0.0.1", "localhost"] });
  const { certificates: third } = await world({ secrets, names: ["localhost", "iot.example.org"] });
  assert.deepEqual(second.status(), first.status());
  assert.equal(secrets.writes, 3, "the spare's key, all else, and another certificate");
  assert.notEqual(third.status().certificate.sha256, first.status().certificate.sha256);
  assert.deepEqual(third.names, ["localhost", "iot.example.org"]);
  assert.deepEqual(third.list(), first.list());
  await Promise.all([first.close(), second.close(), third.close()]);
});

test("two instances can be told apart by their authorities' names", async () => {
  const [one, other] = [await world(), await world()];
  assert.notEqual(one.certificates.list()[0]?.name, other.certificates.list()[0]?.name);
  await Promise.all([one.certificates.close(), other.certificates.close()]);
});

test("a certificate is renewed at two thirds of its life, and not before", async () => {
  const { certificates, clock, events } = await world();
  const { sha256 } = certificates.status().certificate;
  jump(clock, 60 * day - hour - 1000);
  assert.equal(await certificates.renewIfDue(), false);
  jump(clock, 1000);
  assert.equal(await certificates.renewIfDue(), true);
  assert.notEqual(certificates.status().certificate.sha256, sha256);
  assert.deepEqual(events, [{ code: "tls.swapped", certificate: certificates.status().certificate }]);
  await certificates.close();
});

test("when a root has a month left, the root that was coming signs, and another one is coming", async () => {
  const { certificates, clock, secrets } = await world();
  const [first, second] = certificates.list();
  jump(clock, 10 * year - 31 * day);
  assert.equal(await certificates.renewIfDue(), true, "a new certificate, of the same root");
  assert.ok(certificates.status().certificate.notAfter <= (first?.notAfter ?? 0));
  assert.equal(certificates.list()[0]?.sha256, first?.sha256);
  jump(clock, day);
  assert.equal(await certificates.renewIfDue(), true);
  const [current, coming, spare] = certificates.list();
  assert.deepEqual(current, { ...second, state: "current" });
  assert.ok(coming && second && coming.notAfter > second.notAfter);
  assert.equal(coming.name, first?.name.replace(/1$/, "4"));
  assert.equal(spare?.name, first?.name.replace(/1$/, "3"));
  const leaf = new X509Certificate(certificates.status().certificate.pem);
  assert.ok(leaf.verify(new X509Certificate(second.pem).publicKey));
  const { certificates: restarted } = await world({ secrets, clock });
  assert.deepEqual(restarted.list(), certificates.list());
  await Promise.all([certificates.close(), restarted.close()]);
});

test("a clock that was far off for a while changes nobody's trust", async () => {
  for (const off of [-30 * year, -2 * day, 30 * day, 3 * year, 60 * year]) {
    const { certificates, clock } = await world();
    const before = certificates.list();
    jump(clock, off);
    await certificates.renewIfDue();
    const { certificate } = certificates.status();
    assert.ok(certificate.notBefore <= clock.now() && clock.now() < certificate.notAfter, `${off}`);
    jump(clock, -off);
    await certificates.renewIfDue();
    assert.deepEqual(certificates.list(), before, `${off}`);
    const leaf = new X509Certificate(certificates.status().certificate.pem);
    assert.ok(leaf.verify(new X509Certificate(before[0]?.pem ?? "").publicKey));
    await certificates.close();
  }
});

test("a renewal that cannot be kept is reported, the old certificate stays in service, and it is tried again", async () => {
  const { certificates, clock, secrets, events } = await world();
  const { certificate } = certificates.status();
  jump(clock, 70 * day);
  secrets.isBroken = true;
  clock.move(30_000);
  assert.equal(await certificates.renewIfDue(), false);
  assert.equal(certificates.status().unusable?.since, clock.now());
  assert.deepEqual(certificates.status().certificate, certificate);
  assert.deepEqual(
    events.map((event) => event.code),
    ["tls.unusable"],
  );
  secrets.isBroken = false;
  assert.equal(await certificates.renewIfDue(), true);
  assert.equal(certificates.status().unusable, undefined);
  await certificates.close();
});

test("what the keyring keeps and cannot be read is refused without quoting it", async () => {
  for (const text of ["garbage-4711", `{"format":1,"roots":"4711"}`, ""]) {
    const secrets = new Pocket();
    await secrets.keepSecret("tls.authority", new TextEncoder().encode(text));
    const refused = await world({ secrets }).then(
      () => assert.fail("it opened"),
      (error: unknown) => error,
    );
    assert.equal(refused instanceof Refusal && refused.code, "tls.unusable");
    assert.doesNotMatch(inspect(refused), /4711/);
  }
});
