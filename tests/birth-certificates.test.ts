import assert from "node:assert/strict";
import { randomUUID, X509Certificate } from "node:crypto";
import { test } from "node:test";
import { systemClock, type Instant } from "@holdfast/kernel";
import {
  faultOfAuthority,
  faultOfBirth,
  isSignedBy,
  proves,
  serialOf,
} from "../apps/server/src/authority/manufacturer.ts";
import { look } from "../apps/server/src/tls/look.ts";
import { Manufacturer, never, pairOf, type Says } from "./manufacturers.fixture.ts";

// Which certificates are those of a manufacturer's authority, and which a birth certificate: docs/enrolment.md.
const now = systemClock.now();
const hour = 3_600_000;
const acme = await Manufacturer.of(now);

async function looked(x509: X509Certificate) {
  const found = await look(x509.raw);
  assert.ok(found);
  return found;
}

type Said = Says & Parameters<Manufacturer["birth"]>[1];
async function fault(says: Said, by = acme, at = now) {
  const { x509 } = await by.birth("SN-1", says);
  return faultOfBirth(x509, await looked(x509), new X509Certificate(by.certificate), at);
}

test("a birth certificate is a device's own, for clients, of one serial number, and not over: without end is an end like others", async () => {
  const none = "a birth certificate that is none";
  const odd: readonly (readonly [Said, string])[] = [
    [{ isAuthority: true }, none],
    [{ isAuthority: true, usage: "signs certificates" }, none],
    [{ usage: "neither" }, none],
    [{ purposes: ["1.3.6.1.5.5.7.3.1"] }, none],
    [{ strange: true }, none],
    [{ hash: "SHA-1" }, none],
    [{ subject: [{ CN: ["pump"] }] }, none],
    [{ subject: [{ "2.5.4.5": ["1"] }, { "2.5.4.5": ["2"] }] }, none],
    [{ subject: [{ "2.5.4.5": ["pump\u0007"] }] }, none],
    [{ subject: [{ "2.5.4.5": ["x".repeat(65)] }] }, none],
    [{ pair: pairOf("RSA-1024") }, none],
    [{ pair: pairOf("P-521") }, none],
    [{ notAfter: now - 1_000 }, "a birth certificate that is over"],
    [{ notBefore: now + hour }, "a birth certificate of later"],
  ];
  for (const [says, expected] of odd) assert.equal(await fault(says), expected, JSON.stringify(says));
  const good: readonly Said[] = [
    {},
    { purposes: ["2.5.29.37.0"] },
    { purposes: ["1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2"] },
    { usage: "unsaid" },
    { pair: pairOf("RSA-2048") },
    { pair: pairOf("P-384") },
    { pair: pairOf("Ed25519") },
  ];
  for (const says of good) assert.equal(await fault(says), undefined, JSON.stringify(says));
  assert.equal(
    await fault({ notAfter: never }, acme, (Date.UTC(9000, 0) - 1) as Instant),
    "a birth certificate that is over",
    "the authority's is",
  );
  const lasting = await Manufacturer.of(now, { notAfter: never });
  assert.equal(await fault({ notAfter: never }, lasting, Date.UTC(9000, 0) as Instant), undefined);
  const { x509 } = await acme.birth("SN 4711/b");
  assert.equal(serialOf(await looked(x509)), "SN 4711/b");
});

test("an authority's certificate says that it is one, has a key that can be trusted, and nothing in it that is not understood", async () => {
  const odd: readonly (readonly [Parameters<typeof Manufacturer.of>[1], RegExp])[] = [
    [{ isAuthority: false }, /basicConstraints/],
    [{ usage: "signs" }, /keyUsage/],
    [{ kind: "RSA-1024" }, /2048 to 8192/],
    [{ kind: "P-521" }, /P-384/],
    [{ strange: true }, /critical extension.*1\.2\.3\.4\.5/],
    [{ notAfter: now - 1_000 }, /over/],
    [{ notBefore: now + hour }, /of later/],
  ];
  for (const [says, expected] of odd) {
    const x509 = new X509Certificate((await Manufacturer.of(now, says)).certificate);
    assert.match(faultOfAuthority(x509, await looked(x509), now) ?? "", expected, JSON.stringify(says));
  }
  for (const kind of ["P-256", "P-384", "Ed25519", "RSA-2048"] as const) {
    const x509 = new X509Certificate((await Manufacturer.of(now, { kind })).certificate);
    assert.equal(faultOfAuthority(x509, await looked(x509), now), undefined, kind);
  }
});

test("only what an authority's own key signed is of it, whatever its name; and no signature but its own proves the key", async () => {
  const { x509 } = await acme.birth("1");
  const forger = new X509Certificate((await Manufacturer.of(now)).certificate);
  const own = new X509Certificate(acme.certificate);
  assert.ok(isSignedBy(x509, own));
  assert.equal(isSignedBy(x509, forger), false);
  const renamed = await Manufacturer.of(now, { name: "Another name", pair: acme.pair });
  assert.equal(isSignedBy(x509, new X509Certificate(renamed.certificate)), false, "of another name");
  for (const kind of ["P-256", "P-384", "Ed25519", "RSA-2048"] as const) {
    const one = await Manufacturer.of(now, { kind });
    const { publicKey } = new X509Certificate(one.certificate);
    const text = randomUUID();
    const signature = Buffer.from(one.sign(text), "base64");
    assert.ok(proves(publicKey, text, signature), kind);
    assert.equal(proves(publicKey, `${text} `, signature), false, kind);
    for (const bytes of [
      Buffer.alloc(0),
      Buffer.alloc(64),
      signature.subarray(1),
      Buffer.concat([signature, signature]),
    ])
      assert.equal(proves(publicKey, text, bytes), false, kind);
  }
});
