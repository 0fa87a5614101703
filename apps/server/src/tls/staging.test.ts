import assert from "node:assert/strict";
import { createPublicKey, verify, X509Certificate } from "node:crypto";
import { test } from "node:test";
import { systemRandom } from "@holdfast/kernel";
import { bringSpareBack, takeSpareOut, type Certificates } from "./index.ts";
import { day, firstRootValidity, year } from "./roots.ts";
import { newKeys, selfSign, type Signed } from "./sign.ts";
import { connect, jump, listening, operatorCertificate, Pocket, start, world } from "./tls.fixture.ts";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";

const names = (certificates: Certificates) => certificates.list().map(({ name }) => name.split(" ").at(-1));
const rootsIn = (signed: string): string[] => (JSON.parse(signed) as { roots: string[] }).roots;
const pemOf = (certificates: Certificates, state: string): string =>
  certificates.list().find((root) => root.state === state)?.pem ?? assert.fail(state);

const go = (certificates: Certificates, step: "coming" | "spare"): Promise<void> =>
  certificates.switchTo(step, new X509Certificate(pemOf(certificates, step)).fingerprint256);

/** Which of these roots have signed the bundle. */
function signersOf(certificates: Certificates, pems: readonly string[]): boolean[] {
  const { signed, signatures } = certificates.staging.bundle;
  return pems.map((pem) => {
    const { fingerprint256, publicKey } = new X509Certificate(pem);
    const { signature } = signatures.find(({ root }) => root === fingerprint256) ?? { signature: "" };
    return verify(
      "sha256",
      Buffer.from(signed),
      createPublicKey(publicKey.export({ type: "spki", format: "pem" })),
      Buffer.from(signature, "base64"),
    );
  });
}

test("after a switch the coming root signs, another one comes, the spare stays, and the one before never signs again", async () => {
  const { certificates, clock, secrets } = await world();
  const [before, coming, spare] = ["current", "coming", "spare"].map((state) => pemOf(certificates, state));
  const first = certificates.staging.bundle;
  assert.deepEqual(signersOf(certificates, [before ?? "", coming ?? "", spare ?? ""]), [true, true, false]);
  assert.deepEqual(rootsIn(first.signed), [before, coming, spare]);
  await go(certificates, "coming");
  assert.deepEqual(names(certificates), ["2", "4", "3"]);
  assert.ok(
    new X509Certificate(certificates.status().certificate.pem).verify(new X509Certificate(coming ?? "").publicKey),
  );
  const { bundle } = certificates.staging;
  assert.ok(bundle.version > first.version);
  assert.deepEqual(rootsIn(bundle.signed), [coming, spare, pemOf(certificates, "coming")]);
  // Whoever trusts only what was there before the switch takes it.
  assert.deepEqual(signersOf(certificates, [before ?? "", coming ?? ""]), [false, true]);
  const kept = new TextDecoder().decode(secrets.kept.get("tls.authority"));
  const { roots } = JSON.parse(kept) as { roots: { role: string; key?: string }[] };
  assert.deepEqual(
    roots.map(({ role, key }) => [role, key !== undefined]),
    [
      ["past", false],
      ["signs", true],
      ["spare", false],
      ["signs", true],
    ],
  );
  // Not even a clock that goes wrong brings it back.
  jump(clock, -3 * day);
  await certificates.renewIfDue();
  jump(clock, 3 * day);
  await certificates.renewIfDue();
  assert.deepEqual(names(certificates).slice(0, 1), ["2"]);
  const { certificates: restarted } = await world({ secrets, clock });
  assert.deepEqual(restarted.list(), certificates.list());
  assert.deepEqual(restarted.staging.bundle, certificates.staging.bundle);
  await Promise.all([certificates.close(), restarted.close()]);
});

test("of switches that are asked for at once one is done: none goes over to the root after the one that was meant", async () => {
  const { certificates } = await world();
  const asked = await Promise.allSettled([1, 2, 3].map(() => go(certificates, "coming")));
  assert.deepEqual(
    asked.map((one) => (one.status === "rejected" ? (one.reason as { code: string }).code : "done")),
    ["done", "request.conflict", "request.conflict"],
  );
  assert.deepEqual(names(certificates), ["2", "4", "3"]);
  await certificates.close();
});

test("a switch that cannot be kept changes nothing, and the next one is good", async () => {
  const { certificates, secrets } = await world();
  const before = [certificates.list(), certificates.status(), certificates.staging.bundle];
  secrets.isBroken = true;
  await assert.rejects(go(certificates, "coming"), /hole/);
  assert.deepEqual([certificates.list(), certificates.status(), certificates.staging.bundle], before);
  secrets.isBroken = false;
  await go(certificates, "coming");
  assert.deepEqual(names(certificates), ["2", "4", "3"]);
  await certificates.close();
});

test("open connections outlive a switch; whoever comes anew trusts the new root or stays out, whatever ticket it has", async () => {
  const { certificates } = await world();
  const [old, next] = [pemOf(certificates, "current"), pemOf(certificates, "coming")];
  await using server = await listening(certificates);
  const options = { ALPNProtocols: ["mqtt"], servername: "localhost" };
  using open = await connect(server.port, { ...options, ca: old });
  const session = open.session();
  assert.ok(session);
  using resumed = await connect(server.port, { ...options, ca: old, session });
  assert.ok(resumed.isResumed);
  await go(certificates, "coming");
  assert.equal(await open.echo("still here"), "still here");
  await assert.rejects(connect(server.port, { ...options, ca: old, session }), {
    code: /UNABLE_TO|SELF_SIGNED/,
  });
  using late = await connect(server.port, { ...options, ca: next });
  assert.ok(!late.isResumed);
  assert.equal(await late.echo("hello"), "hello");
});

test("the spare is gone over to where its key is here, and the others are past then; elsewhere it waits to be brought", async () => {
  const { certificates, secrets, clock } = await world();
  const [current, coming, spare] = ["current", "coming", "spare"].map((state) => pemOf(certificates, state));
  assert.equal(await certificates.staging.isSpareHere(), true);
  let file: Signed | undefined;
  await takeSpareOut(secrets, clock.now(), async (whole) => void (file = whole));
  assert.equal(await certificates.staging.isSpareHere(), false);
  await assert.rejects(go(certificates, "spare"), { code: "roots.spareAway" });
  await assert.rejects(
    takeSpareOut(secrets, clock.now(), async () => assert.fail("again")),
    { code: "roots.spareAway" },
  );
  if (!file) assert.fail("nothing was kept");
  const key = file.key.replaceAll(/-----[A-Z ]+-----|\n/g, "");
  for (const bytes of secrets.kept.values()) assert.ok(!new TextDecoder().decode(bytes).includes(key.slice(60)));
  // Somebody else's root, and somebody else's key for ours.
  const other = await selfSign(await newKeys(), { commonName: "x", ...firstRootValidity(start) }, systemRandom);
  for (const no of [other, { certificate: file.certificate, key: other.key }])
    await assert.rejects(bringSpareBack(secrets, no), { code: "config.malformed" });
  await bringSpareBack(secrets, file);
  await go(certificates, "spare");
  assert.deepEqual(names(certificates), ["3", "4", "5"]);
  assert.equal(pemOf(certificates, "current"), spare);
  const told = rootsIn(certificates.staging.bundle.signed);
  assert.deepEqual([told.includes(current ?? ""), told.includes(coming ?? ""), told.length], [false, false, 3]);
  assert.deepEqual(signersOf(certificates, [spare ?? "", current ?? ""]), [true, false]);
  await certificates.close();
});

test("a spare whose file could not be kept stays in the keyring", async () => {
  const { certificates, secrets, clock } = await world();
  await assert.rejects(
    takeSpareOut(secrets, clock.now(), async () => {
      throw new Error("no room");
    }),
    /no room/,
  );
  assert.equal(await certificates.staging.isSpareHere(), true);
  await assert.rejects(
    takeSpareOut(new Pocket(), clock.now(), async () => assert.fail("of what?")),
    { code: "roots.notOurs" },
  );
  await certificates.close();
});

test("versions go on above those that devices have seen, also where an older copy of the keyring was restored", async () => {
  const { certificates, secrets, clock } = await world();
  const copy = new Map(secrets.kept);
  jump(clock, 5_000);
  await go(certificates, "coming");
  const seen = certificates.staging.bundle.version;
  jump(clock, 1_000);
  const restored = new Pocket();
  for (const [name, bytes] of copy) restored.kept.set(name, bytes);
  const { certificates: again } = await world({ secrets: restored, clock });
  assert.ok(again.staging.bundle.version < seen, "it is the one of then, and no device takes it");
  await go(again, "coming");
  assert.ok(again.staging.bundle.version > seen);
  await Promise.all([certificates.close(), again.close()]);
});

test("while the clock is wrong devices are told of the roots that they know as well", async () => {
  const { certificates, clock } = await world();
  const before = rootsIn(certificates.staging.bundle.signed);
  jump(clock, 30 * year);
  await certificates.renewIfDue();
  const told = rootsIn(certificates.staging.bundle.signed);
  assert.deepEqual(told.slice(0, 3), before);
  jump(clock, -30 * year);
  await certificates.renewIfDue();
  assert.deepEqual(
    certificates.list().map(({ pem }) => pem),
    before,
  );
  await certificates.close();
});

test("what an older platform kept gets a spare and a bundle, and keeps its roots", async () => {
  const { certificates, secrets, clock } = await world();
  const { instance, roots, leaf } = JSON.parse(new TextDecoder().decode(secrets.kept.get("tls.authority"))) as {
    instance: string;
    leaf: object;
    roots: { certificate: string; key?: string }[];
  };
  const older = new Pocket();
  const kept = {
    format: 1,
    instance,
    leaf,
    roots: roots.slice(0, 2).map(({ certificate, key }) => ({ certificate, key })),
  };
  await older.keepSecret("tls.authority", new TextEncoder().encode(JSON.stringify(kept)));
  const { certificates: newer } = await world({ secrets: older, clock });
  assert.deepEqual(newer.list().slice(0, 2), certificates.list().slice(0, 2));
  assert.deepEqual(newer.status(), certificates.status());
  assert.equal(newer.list()[2]?.state, "spare");
  assert.match(new TextDecoder().decode(older.kept.get("tls.authority")), /"format":2/);
  await Promise.all([certificates.close(), newer.close()]);
});

test("with a certificate from files there is nothing to stage, and that is said", async () => {
  const folder = await mkdtemp(path.join(tmpdir(), "staging-"));
  const { leaf, root } = await operatorCertificate();
  const files = { cert: path.join(folder, "cert.pem"), key: path.join(folder, "key.pem") };
  await writeFile(files.cert, leaf.certificate + root.certificate);
  await writeFile(files.key, leaf.key);
  const { certificates } = await world({ files });
  assert.throws(() => certificates.staging, { code: "roots.notOurs" });
  assert.throws(() => certificates.switchTo("coming", ""), { code: "roots.notOurs" });
  await certificates.close();
  await rm(folder, { recursive: true });
});
