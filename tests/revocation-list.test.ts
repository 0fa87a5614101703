import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import path from "node:path";
import { test, type TestContext } from "node:test";
import { newId, systemClock, systemRandom } from "@holdfast/kernel";
import pg from "pg";
import { atEnd, startTestPlatform, TestClock } from "../apps/server/src/testing/index.ts";
import { Owner } from "./authority.fixture.ts";
import { placeOf, run } from "./clients.fixture.ts";
import { comers, csrOf, p256, showing, type Certificate } from "./issued.fixture.ts";

// The revocation list of an organisation's own authority, as openssl reads it: docs/proof.md, "Its revocation list".
const clock = new TestClock(systemClock.now());
const platform = await startTestPlatform({ clock, timers: clock, config: { clientCertificatePort: 0 } });
atEnd.after(() => platform.close());
const owner = new Owner(platform.visitor, await platform.setUp());
const application = await owner.application();
const { byHttps } = comers(platform);
const { ca } = placeOf(platform);
const file = (name: string) => path.join(platform.database.folder, name);

async function issued(validFor?: string) {
  const pair = p256();
  const device = await owner.device(application.id);
  await owner.revoke(device.key.id); // so that it has nothing else
  const csr = await csrOf(pair);
  const certificate = await owner.asks.post<Certificate>(`/v1/devices/${device.id}/certificates`, {
    csr,
    ...(validFor !== undefined && { validFor }),
  });
  return { device, pair, certificate };
}

/** As anybody gets it: without a credential. */
async function fetched(authority: string): Promise<Buffer> {
  const { request } = await import("node:https");
  const { url } = platform.platform;
  return new Promise((resolve, reject) => {
    request(`${url}/.well-known/crl/${authority}.crl`, { ca, agent: false }, (response) => {
      assert.equal(response.headers["content-type"], "application/pkix-crl");
      const parts: Buffer[] = [];
      response.on("data", (part: Buffer) => parts.push(part)).on("end", () => resolve(Buffer.concat(parts)));
    })
      .on("error", reject)
      .end();
  });
}

/** What stock openssl says of a certificate with the list of now. */
async function verified(t: TestContext, { certificate, chain, certificateAuthority }: Certificate): Promise<string> {
  writeFileSync(file("one.crt"), certificate);
  writeFileSync(file("authority.pem"), chain);
  writeFileSync(file("list.crl"), await fetched(certificateAuthority));
  const read = await run(
    "openssl",
    "crl -inform DER -outform PEM -in".split(" ").concat(file("list.crl"), "-out", file("list.pem")),
  );
  if (!read) {
    t.skip("there is no openssl");
    return "";
  }
  assert.equal(read.code, 0, read.out);
  const at = String(Math.floor(clock.now() / 1_000) + 1);
  const options = [
    "-x509_strict",
    "-crl_check",
    "-attime",
    at,
    "-CAfile",
    file("authority.pem"),
    "-CRLfile",
    file("list.pem"),
  ];
  const checked = await run("openssl", ["verify", ...options, file("one.crt")]);
  return checked?.code === 0
    ? "good"
    : (/error 23|certificate revoked/.exec(checked?.out ?? "")?.[0] ?? checked?.out ?? "");
}

async function numberOf(authority: string): Promise<bigint> {
  writeFileSync(file("n.crl"), await fetched(authority));
  const read = await run("openssl", ["crl", "-inform", "DER", "-in", file("n.crl"), "-noout", "-crlnumber"]);
  return BigInt(/crlNumber=(0x)?([0-9A-F]+)/i.exec(read?.out ?? "")?.[2]?.replace(/^/, "0x") ?? "0");
}

test("openssl holds a certificate to be good until its credential is revoked, at once after it not, and others still", async (t) => {
  const [one, two] = [await issued(), await issued()];
  assert.equal(await verified(t, one.certificate), "good");
  const before = await numberOf(one.certificate.certificateAuthority);
  assert.equal(await numberOf(one.certificate.certificateAuthority), before, "what nothing changed is not made again");
  await owner.revoke(one.certificate.id);
  assert.match(await verified(t, one.certificate), /revoked|error 23/);
  assert.equal(await verified(t, two.certificate), "good");
  assert.ok((await numberOf(one.certificate.certificateAuthority)) > before);
});

test("a device that is retired or removed takes its certificates to the list; a suspended one does not", async (t) => {
  const [retired, suspended] = [await issued(), await issued()];
  await owner.asks.post(`/v1/devices/${suspended.device.id}/suspend`, {});
  assert.equal(await verified(t, suspended.certificate), "good");
  await owner.asks.post(`/v1/devices/${retired.device.id}/retire`, {});
  assert.match(await verified(t, retired.certificate), /revoked|error 23/);
});

test("an authority that is not there, or was ended, has no list, and what has no such name neither", async () => {
  const { certificate } = await issued();
  const path_ = `/v1/certificate-authorities/${certificate.certificateAuthority}`;
  assert.ok((await fetched(certificate.certificateAuthority)).length > 100);
  await owner.asks.send("DELETE", path_);
  const gone = [
    `${certificate.certificateAuthority}.crl`,
    `${newId("certificateAuthority", systemRandom)}.crl`,
    "x",
    "x.crl",
  ];
  for (const name of gone) {
    const { status, body } = await platform.visitor.send<{ code: string }>("GET", `/.well-known/crl/${name}`, {});
    assert.deepEqual([status, body.code], [404, "certificateAuthority.unknown"], name);
  }
});

test("what was listed goes from the database within an hour of its end; what is yet to end stays", async (t) => {
  const client = new pg.Client(platform.database.url);
  await client.connect();
  t.after(() => client.end());
  /** Two renewals end the first. */
  async function ended(validFor: string): Promise<string> {
    const { certificate: first, pair } = await issued(validFor);
    let by = { certificate: first, pair };
    for (let renewals = 0; renewals < 2; renewals++) {
      const next = p256();
      const asked = { csr: await csrOf(next), validFor };
      const { status, body } = await byHttps(showing(by.certificate, by.pair), "/v1/me/certificates", asked);
      assert.equal(status, 201, JSON.stringify(body));
      by = { certificate: body as Certificate, pair: next };
    }
    return first.serial;
  }
  const serials = [await ended("2h"), await ended("30d")];
  const kept = async () => {
    const select =
      "select encode(serial, 'hex') as serial from holdfast.ended_certificate where encode(serial, 'hex') = any($1)";
    const { rows } = await client.query<{ serial: string }>(select, [serials]);
    return serials.filter((one) => rows.some(({ serial }) => serial === one));
  };
  clock.move(3_600_000);
  assert.deepEqual(await kept(), serials);
  clock.move(3_600_000); // both are listed until now
  // Rounds run beside this, and write when the database has time for them; thirty days are 43,200 moves.
  for (let moves = 0; moves < 20_000 && (await kept()).length > 1; moves++) clock.move(60_000);
  assert.deepEqual(await kept(), serials.slice(1));
});

test("what a renewal replaced is good for a day yet, then listed, also where a third has taken the row of the first", async (t) => {
  const { certificate: first, pair } = await issued();
  const renewed = async (by: Certificate, with_: typeof pair) => {
    const next = p256();
    const { status, body } = await byHttps(showing(by, with_), "/v1/me/certificates", { csr: await csrOf(next) });
    assert.equal(status, 201, JSON.stringify(body));
    return { certificate: body as Certificate, pair: next };
  };
  const second = await renewed(first, pair);
  clock.move(10 * 60_000);
  assert.equal(await verified(t, first), "good");
  const third = await renewed(second.certificate, second.pair);
  clock.move(10 * 60_000);
  assert.match(await verified(t, first), /revoked|error 23/);
  assert.equal(await verified(t, second.certificate), "good");
  clock.move(25 * 3_600_000);
  assert.match(await verified(t, second.certificate), /revoked|error 23/);
  assert.equal(await verified(t, third.certificate), "good");
});
