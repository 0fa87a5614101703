import assert from "node:assert/strict";
import { once } from "node:events";
import http2 from "node:http2";
import https from "node:https";
import type { Writable } from "node:stream";
import { test } from "node:test";
import { day, hour } from "./roots.ts";
import { TestClock } from "../testing/clock.ts";
import { connect, jump, listening, serve, start, world } from "./tls.fixture.ts";

/** A platform whose certificate is due in half an hour, by a clock that is one hour behind that of Node's clients. */
async function almostDue() {
  const made = await world({ clock: new TestClock(start - 60 * day + 0.5 * hour) });
  jump(made.clock, 60 * day - 1.5 * hour);
  assert.equal(await made.certificates.renewIfDue(), false);
  return made;
}

for (const version of ["TLSv1.2", "TLSv1.3"] as const) {
  test(`a swap drops nobody over ${version}: open connections go on, new ones see the new certificate, tickets stay good`, async () => {
    const { certificates, clock } = await almostDue();
    await using server = await listening(certificates);
    const trust = { ca: certificates.caPem, maxVersion: version };
    using before = await connect(server.port, trust);
    jump(clock, hour);
    assert.equal(await certificates.renewIfDue(), true);
    assert.equal(await before.echo("still here"), "still here");
    using fresh = await connect(server.port, trust);
    using resumed = await connect(server.port, { ...trust, session: before.session() });
    assert.ok(fresh.socket.authorized && resumed.socket.authorized);
    assert.notEqual(fresh.serial, before.serial);
    assert.deepEqual(
      [before, fresh, resumed].map((client) => client.isResumed),
      [false, false, true],
    );
    await certificates.close();
  });
}

test("a ticket taken at one listener is good at another that speaks the same, and nowhere else", async () => {
  const { certificates } = await world();
  await using one = await listening(certificates);
  await using twin = await listening(certificates);
  await using other = await listening(certificates, certificates.serverOptions(["http/1.1"]));
  const trust = { ca: certificates.caPem };
  using first = await connect(one.port, trust);
  using second = await connect(twin.port, { ...trust, session: first.session() });
  using third = await connect(other.port, { ...trust, session: first.session() });
  assert.deepEqual([second.isResumed, third.isResumed], [true, false]);
  await certificates.close();
});

test("ticket keys are replaced each day, at every listener; older tickets then mean a full handshake, not a refusal", async () => {
  const { certificates, clock } = await world();
  await using server = await listening(certificates);
  const trust = { ca: certificates.caPem };
  const keys = server.server.getTicketKeys();
  using first = await connect(server.port, trust);
  jump(clock, day - 1);
  await certificates.renewIfDue();
  assert.deepEqual(server.server.getTicketKeys(), keys);
  jump(clock, 1);
  await certificates.renewIfDue();
  assert.notDeepEqual(server.server.getTicketKeys(), keys);
  using second = await connect(server.port, { ...trust, session: first.session() });
  assert.equal(second.isResumed, false);
  using third = await connect(server.port, { ...trust, session: second.session() });
  assert.ok(third.isResumed);
  await certificates.close();
});

test("HTTP/2 and HTTP/1.1 servers swap in the middle of an answer, too", async () => {
  const { certificates, clock } = await almostDue();
  const release = Promise.withResolvers<void>();
  const options = { ...certificates.serverOptions(["h2", "http/1.1"]), allowHTTP1: true };
  const answer = (_request: unknown, response: Writable) => {
    response.write("begun, ");
    void release.promise.then(() => response.end("done"));
  };
  await using both = await serve(http2.createSecureServer(options, answer));
  await using one = await serve(https.createServer(options, answer));
  certificates.attach(both.server, options);
  certificates.attach(one.server, options);

  const session = http2.connect(`https://localhost:${both.port}`, { ca: certificates.caPem });
  const stream = session.request({ ":path": "/" });
  const request = https.get({ port: one.port, host: "localhost", ca: certificates.caPem });
  const [[begun], [response]] = await Promise.all([once(stream, "data"), once(request, "response")]);
  assert.equal(String(begun), "begun, ");
  jump(clock, hour);
  assert.equal(await certificates.renewIfDue(), true);
  release.resolve();
  assert.equal(String(Buffer.concat(await stream.toArray())), "done");
  assert.equal(String(Buffer.concat(await response.toArray())), "begun, done");

  const { sha256 } = certificates.status().certificate;
  for (const { port } of [both, one]) {
    using fresh = await connect(port, { ca: certificates.caPem, ALPNProtocols: ["http/1.1"] }, "secureConnect");
    assert.equal(fresh.socket.getPeerX509Certificate()?.fingerprint256, sha256);
  }
  session.destroy();
  await certificates.close();
});

test("a listener attached late shows what is in service by then", async () => {
  const { certificates, clock } = await almostDue();
  const old = certificates.serverOptions(["mqtt"]);
  jump(clock, hour);
  await certificates.renewIfDue();
  await using late = await listening(certificates, old);
  using client = await connect(late.port, { ca: certificates.caPem });
  assert.equal(client.socket.getPeerX509Certificate()?.fingerprint256, certificates.status().certificate.sha256);
  await certificates.close();
});

test("once closed, nothing is waited for and nothing renewed", async () => {
  const { certificates, clock } = await almostDue();
  await certificates.close();
  assert.equal(clock.waiting, 0);
  jump(clock, hour);
  assert.equal(await certificates.renewIfDue(), false);
});
