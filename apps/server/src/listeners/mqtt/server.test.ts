import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { after, before, test } from "node:test";
import tls from "node:tls";
import { systemClock, systemRandom, systemTimers } from "@holdfast/kernel";
import { Broker, type Asked } from "@holdfast/mqtt";
import { Strangers } from "../../live/index.ts";
import { operatorCertificate, world } from "../../tls/tls.fixture.ts";
import { Arrivals } from "../arrivals.ts";
import { MqttListener } from "./server.ts";

const notAuthorized = 0x87;
let platform: Awaited<ReturnType<typeof world>>;
let listener: MqttListener;
const came: Asked[] = [];

before(async () => {
  platform = await world();
  const { certificates, clock } = platform;
  const broker = new Broker({
    // It lets nobody in, and remembers who came.
    policy: {
      connect: async (asked) => (came.push(asked), { turnedAway: notAuthorized }),
      renew: (_context, gate) => gate,
      accept: () => notAuthorized,
    },
    time: {
      now: () => clock.now(),
      elapsed: () => clock.elapsed(),
      setTimer: (ms, call) => clock.after(ms, call).cancel,
    },
    newClientId: () => "nobody",
    reportFault: (fault) => assert.fail(String(fault)),
  });
  const arrivals = new Arrivals({
    clock: systemClock,
    timers: systemTimers,
    report: () => {},
    proxies: [],
    openOfNetwork: 100,
    perSecondOfNetwork: 1_000,
  });
  listener = await MqttListener.open({
    certificates,
    arrivals,
    strangers: new Strangers({ clock }),
    random: systemRandom,
    broker,
    host: "127.0.0.1",
    port: 0,
    maximumPacket: 1_024,
  });
});
after(async () => {
  await listener.close();
  await platform.certificates.close();
});

// MQTT 3.1.1, 3.1: client id "x", clean session.
const connectPacket = Buffer.from("100d00044d5154540402003c000178", "hex");

/** What the policy hears of somebody who comes so, and with what he can come back. */
async function come(options: tls.ConnectionOptions) {
  const socket = tls.connect({ port: listener.port, host: "127.0.0.1", ca: platform.certificates.caPem, ...options });
  let session: Buffer | undefined;
  socket.on("session", (bytes) => (session = bytes));
  socket.write(connectPacket);
  await once(socket, "data");
  const isResumed = socket.isSessionReused();
  socket.destroy();
  return { asked: came.pop() ?? assert.fail("nobody was asked"), session, isResumed };
}

for (const version of ["TLSv1.2", "TLSv1.3"] as const) {
  const spoken = { minVersion: version, maxVersion: version };

  test(`with ${version} the certificate that a client shows reaches the policy, also when it comes back`, async () => {
    const { root, leaf } = await operatorCertificate();
    const shown = { cert: leaf.certificate + root.certificate, key: leaf.key };
    const first = await come({ ...spoken, ...shown });
    const { raw } = new X509Certificate(leaf.certificate);
    assert.deepEqual(Buffer.from(first.asked.transport.certificate ?? []), raw);
    const again = await come({ ...spoken, ...shown, session: first.session ?? assert.fail("there was no ticket") });
    assert.ok(again.isResumed);
    assert.deepEqual(Buffer.from(again.asked.transport.certificate ?? []), raw);
    // Who comes back with a ticket has shown the key before. Without one it is nobody's.
    assert.equal((await come(spoken)).asked.transport.certificate, undefined);
  });

  test(`with ${version} a client without a certificate is let as far as the policy, also when it comes back`, async () => {
    const first = await come(spoken);
    assert.equal(first.asked.transport.certificate, undefined);
    const again = await come({ ...spoken, session: first.session ?? assert.fail("there was no ticket") });
    assert.ok(again.isResumed);
    assert.equal(again.asked.transport.certificate, undefined);
  });
}
