import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, test } from "node:test";
import tls from "node:tls";
import { systemClock, systemRandom, systemTimers } from "@holdfast/kernel";
import { Broker, type Asked } from "@holdfast/mqtt";
import { WebSocket } from "ws";
import { Strangers } from "../../live/index.ts";
import { operatorCertificate, world } from "../../tls/tls.fixture.ts";
import { Arrivals } from "../arrivals.ts";
import { MqttListener } from "./server.ts";

const notAuthorized = 0x87;
let platform: Awaited<ReturnType<typeof world>>;
let listener: MqttListener;
let broker: Broker;
const came: Asked[] = [];

before(async () => {
  platform = await world();
  const { certificates, clock } = platform;
  broker = new Broker({
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
    limits: { strangerBytes: 100_000 },
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
    maximumPacket: 100_000,
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

async function until(isTrue: () => boolean): Promise<void> {
  const end = performance.now() + 60_000;
  while (!isTrue()) {
    assert.ok(performance.now() < end, `never became true: ${isTrue.toString()}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

test("what WebSockets keep of messages that are not whole counts among what strangers have sent, and the largest is closed", async () => {
  const server = http.createServer().on("upgrade", (request, socket, head) => listener.upgrade(request, socket, head));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo; // a TCP server that listens has an AddressInfo
  const { statistics } = broker;
  const begin = async (bytes: number) => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}`, ["mqtt"]);
    const closed = once(socket, "close");
    await once(socket, "open");
    const before = statistics.strangerBytes;
    socket.send(Buffer.alloc(bytes), { fin: false });
    return { socket, closed, arrived: () => statistics.strangerBytes >= before + bytes };
  };
  const sockets = [];
  for (const bytes of [30_000, 40_000]) {
    const one = await begin(bytes);
    sockets.push(one);
    await until(one.arrived);
  }
  assert.equal(statistics.disconnectedStrangers, 0);
  sockets.push(await begin(35_000));
  await sockets[1]?.closed;
  assert.equal(statistics.disconnectedStrangers, 1);
  for (const { socket, closed } of [sockets[0], sockets[2]].filter((one) => one !== undefined)) {
    assert.equal(socket.readyState, WebSocket.OPEN);
    socket.terminate();
    await closed;
  }
  await until(() => statistics.strangerBytes === 0);
  server.close();
});
