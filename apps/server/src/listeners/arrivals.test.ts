import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { test, type TestContext } from "node:test";
import tls from "node:tls";
import type { About } from "@holdfast/kernel";
import { Strangers } from "../live/index.ts";
import { TestClock } from "../testing/clock.ts";
import { world } from "../tls/tls.fixture.ts";
import { Arrivals } from "./arrivals.ts";
import { Port } from "./port.ts";
import type { Network } from "../authority/index.ts";

type Told = { readonly message: string; readonly about: About | undefined };
type Given = {
  openOfNetwork?: number;
  perSecondOfNetwork?: number;
  refused?: { perSecond: number; burst: number };
  halfOpen?: { ofNetwork: number; ofAll: number };
  proxies?: readonly Network[];
};

/** A port whose connections say what they want with their first byte, and hear where they come from; whoever says "!" is refused. */
async function opened(t: TestContext, given: Given = {}) {
  const { certificates, clock } = await world();
  const told: Told[] = [];
  const timers = new TestClock();
  const report = (message: string, about?: About) => void told.push({ message, about });
  const rates = { openOfNetwork: 10_000, perSecondOfNetwork: 1_000 };
  const arrivals = new Arrivals({ clock: timers, timers, report, proxies: [], ...rates, ...given });
  const strangers = new Strangers({ clock });
  const needs = { certificates, arrivals, strangers, host: "127.0.0.1", port: 0 };
  const port = new Port(needs, { name: "MQTT", transport: "mqtt", protocols: ["mqtt"] }, (socket) => {
    socket.on("error", () => socket.destroy()); // clients in these tests hang up as they like
    socket.once("data", (said: Buffer) => {
      arrivals.settle(socket);
      arrivals.judge(socket, said.toString() === "!" ? "refused" : "welcome");
      socket.write(`${socket.remoteAddress} ${socket.remotePort}`);
    });
  });
  await port.open();
  const sockets = new Set<Socket>();
  t.after(async () => {
    for (const socket of sockets) socket.destroy();
    port.cut();
    await port.close();
    arrivals.close();
    await certificates.close();
  });
  const dial = (localAddress = "127.0.0.1"): Socket => {
    const socket = connect({ host: "127.0.0.1", port: port.number, localAddress });
    sockets.add(socket);
    socket.on("error", () => {}); // a reset is as good as an end
    return socket;
  };
  /** A client that comes from there and stays; other bytes may be sent ahead. */
  const meet = async (from: string, ahead?: Uint8Array, says = "?") => {
    const socket = dial(from);
    if (ahead) socket.write(ahead);
    const secure = tls.connect({ socket, servername: "localhost", ca: certificates.caPem });
    secure.setEncoding("utf8").write(says);
    secure.on("error", () => {}); // as good as an end
    const heard = await new Promise<string>((resolve, reject) => {
      secure.once("data", resolve);
      socket.once("close", () => reject(new Error("it was hung up on")));
    });
    return { secure, heard };
  };
  return {
    arrivals,
    told,
    timers,
    dial,
    /** So many at once that say nothing; those that are still open when all have been looked at. */
    async flood(count: number, from: (at: number) => string): Promise<Socket[]> {
      const all = Array.from({ length: count }, (_, at) => dial(from(at)));
      await Promise.all(all.map((socket) => once(socket, "connect").catch(() => [])));
      // Whoever comes after them was let in after they were looked at.
      const last = dial("127.0.0.254");
      await new Promise((resolve) => last.once("connect", resolve));
      const { promise, resolve } = Promise.withResolvers<void>();
      last.once("close", () => resolve()).end();
      last.resume();
      await promise;
      return all.filter((socket) => !socket.destroyed);
    },
    meet,
    /** As many, one after the other, that show nothing good. */
    async refused(count: number, from: string): Promise<void> {
      for (let at = 0; at < count; at += 1) (await meet(from, undefined, "!")).secure.destroy();
    },
    /** What a good client hears that comes from there, and then leaves. */
    async hello(from: string, ahead?: Uint8Array): Promise<string> {
      const { secure, heard } = await meet(from, ahead);
      secure.destroy();
      return heard;
    },
  };
}

/** A reset is as good as an end. */
const closed = (socket: Socket): Promise<void> => new Promise((resolve) => socket.once("close", () => resolve()));

const until = async (holds: () => boolean): Promise<void> => {
  for (let turn = 0; !holds(); turn += 1) {
    assert.ok(turn < 60_000, "it never came about");
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
};

test("whoever says nothing has so many connections and no more, and others do not notice", async (t) => {
  const { flood, hello, arrivals } = await opened(t, { halfOpen: { ofNetwork: 40, ofAll: 1_000 } });
  const left = await flood(100, () => "127.0.0.2");
  assert.equal(left.length, 40);
  assert.equal(arrivals.statistics.turnedAway.get("address_half_open"), 60);
  assert.match(await hello("127.0.0.3"), /^127\.0\.0\.3 /);
  await assert.rejects(hello("127.0.0.2"));
  left[0]?.destroy();
  await until(() => arrivals.statistics.halfOpen < 40);
  assert.match(await hello("127.0.0.2"), /^127\.0\.0\.2 /, "one place is free again");
});

test("a flood from many addresses shuts no other out: of those that have most, one goes for each newcomer", async (t) => {
  const { flood, hello, arrivals } = await opened(t, { halfOpen: { ofNetwork: 40, ofAll: 200 } });
  const left = await flood(300, (at) => `127.0.1.${1 + (at % 10)}`);
  assert.ok(left.length <= 200 && left.length >= 199, `${left.length}`); // one went for the fixture's own
  assert.ok(arrivals.statistics.halfOpen <= 200);
  for (let at = 0; at < 20; at += 1) assert.match(await hello(`127.0.2.${1 + at}`), /^127\.0\.2\./);
  assert.ok(arrivals.statistics.halfOpen <= 200);
  assert.ok((arrivals.statistics.turnedAway.get("half_open") ?? 0) >= 100);
});

test("who has said what it wants is half open no more", async (t) => {
  const { meet, flood, arrivals } = await opened(t, { halfOpen: { ofNetwork: 20, ofAll: 100 } });
  for (let at = 0; at < 30; at += 1) await meet("127.0.0.9");
  assert.equal(arrivals.statistics.halfOpen, 0);
  assert.equal((await flood(30, () => "127.0.0.9")).length, 20);
});

test("connections of an address in all have a bound of their own, whatever they have said", async (t) => {
  const { dial, arrivals } = await opened(t, { openOfNetwork: 10 });
  const all = Array.from({ length: 25 }, () => dial("127.0.0.9"));
  await until(() => all.filter((socket) => socket.destroyed).length === 15);
  assert.equal(arrivals.statistics.turnedAway.get("address_full"), 15);
  for (const socket of all) socket.destroy();
  await until(() => arrivals.statistics.halfOpen === 0);
  const again = dial("127.0.0.9");
  await until(() => arrivals.statistics.halfOpen === 1);
  assert.ok(!again.destroyed);
});

test("the operator is told once a minute, with the network that most came from", async (t) => {
  const { flood, told, timers } = await opened(t, { halfOpen: { ofNetwork: 5, ofAll: 1_000 } });
  await flood(30, (at) => (at % 3 === 0 ? "127.0.0.6" : "127.0.0.5"));
  assert.equal(told.length, 0);
  timers.move(60_000);
  const about = { connections: 20, networks: 2, mostFrom: "127.0.0.5", ofThose: 15 };
  assert.deepEqual(
    told.map((one) => one.about),
    [{ level: "warning", code: "connection.tooMany", ...about }],
  );
  timers.move(600_000);
  assert.equal(told.length, 1);
});

const refused = { perSecond: 10, burst: 20 };

test("where most of a network are refused its next ones wait for their handshake, and those of others do not", async (t) => {
  const { arrivals, timers, told, dial, meet, hello, refused: refuse } = await opened(t, { refused });
  await refuse(20, "127.0.0.2");
  assert.equal(arrivals.statistics.waiting, 0);
  const good = Array.from({ length: 5 }, () => meet("127.0.0.2"));
  await until(() => arrivals.statistics.waiting === 5);
  for (const leave of [(gone: Socket) => gone.end(), (gone: Socket) => gone.resetAndDestroy()]) {
    const gone = dial("127.0.0.2");
    gone.resume().write("whatever");
    await until(() => arrivals.statistics.waiting === 6);
    leave(gone);
    await until(() => arrivals.statistics.waiting === 5);
  }
  assert.match(await hello("127.0.0.3"), /^127\.0\.0\.3 /);
  assert.equal(arrivals.statistics.waiting, 5);
  // So many a second, whoever left apart.
  timers.move(100);
  await until(() => arrivals.statistics.waiting < 4);
  while (arrivals.statistics.waiting > 0) {
    timers.move(100);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  for (const { secure, heard } of await Promise.all(good)) {
    assert.match(heard, /^127\.0\.0\.2 /);
    secure.destroy();
  }
  assert.equal(arrivals.statistics.waited, 7);
  timers.move(60_000);
  assert.deepEqual(
    told.map(({ about }) => about),
    [{ level: "warning", code: "connection.slowed", connections: 7, networks: 1, mostFrom: "127.0.0.2", ofThose: 7 }],
  );
});

const proxies: readonly Network[] = [{ family: 4, prefix: 24, value: 0x7f_00_07_00n }]; // 127.0.7.0/24
const hex = (text: string): Buffer => Buffer.from(text.replaceAll(/\s/g, ""), "hex");
const signature = "0d0a0d0a 000d0a51 5549540a";
const header = hex(`${signature} 21 11 000c c6336407 c0a80001 dc04 01bb`); // 198.51.100.7:56324

test("behind a declared proxy a client has the address that its header says, and is counted by it", async (t) => {
  const { hello, dial, arrivals } = await opened(t, { proxies, halfOpen: { ofNetwork: 3, ofAll: 100 } });
  assert.equal(await hello("127.0.7.1", header), "198.51.100.7 56324");
  const six = `20010db8000000000000000000000001 ${"00".repeat(16)} 0007 01bb`;
  assert.equal(await hello("127.0.7.2", hex(`${signature} 21 21 0024 ${six}`)), "2001:db8::1 7");
  assert.match(await hello("127.0.7.1", hex(`${signature} 20 00 0000`)), /^127\.0\.7\.1 /, "the proxy itself");
  assert.equal(await hello("127.0.7.1", hex(`${signature} 21 00 0000`)), ":: 0", "nobody knows whom: not the proxy");
  const floods = Array.from({ length: 5 }, () => dial("127.0.7.1"));
  for (const socket of floods) socket.write(header);
  await until(() => floods.filter((socket) => socket.destroyed).length === 2);
  await assert.rejects(hello("127.0.7.2", header), "the same client over the other proxy");
  assert.match(
    await hello("127.0.7.1", hex(`${signature} 21 11 000c c6336408 c0a80001 0001 01bb`)),
    /^198\.51\.100\.8 1$/,
  );
  assert.equal(arrivals.statistics.turnedAway.get("address_half_open"), 3);
});

test("a header may come in pieces, and its last one with the first bytes of TLS", async (t) => {
  const { dial, arrivals } = await opened(t, { proxies });
  const socket = dial("127.0.7.1");
  socket.setNoDelay(true);
  const rest = Buffer.concat([header.subarray(20), hex("1603010005 0100000100")]); // a ClientHello that is none
  for (const part of [header.subarray(0, 1), header.subarray(1, 13), header.subarray(13, 20), rest]) {
    const { promise, resolve } = Promise.withResolvers<void>();
    socket.write(part, () => resolve());
    await promise;
    await new Promise((next) => setTimeout(next, 5));
  }
  const [alert] = (await once(socket, "data")) as [Buffer];
  assert.equal(alert[0], 0x15, "an alert of TLS: it has seen what came behind the header");
  assert.equal(arrivals.statistics.turnedAway.get("proxy_header"), 0);
});

test("from a declared address nobody comes without a header, and from any other nobody comes with one", async (t) => {
  const { dial, hello, arrivals, timers, told } = await opened(t, { proxies });
  await assert.rejects(hello("127.0.7.1"));
  const version1 = dial("127.0.7.1");
  version1.write("PROXY TCP4 198.51.100.7 192.168.0.1 56324 443\r\n");
  await closed(version1);
  const broken = dial("127.0.7.1");
  broken.write(hex(`${signature} 21 11 000a c6336407 c0a80001 dc04`));
  await closed(broken);
  const mute = dial("127.0.7.1");
  mute.write(header.subarray(0, 20));
  await until(() => timers.waiting === 2); // what is told in a minute, and the deadline of this one
  timers.move(5_000);
  await closed(mute);
  assert.equal(arrivals.statistics.turnedAway.get("proxy_header"), 4);
  assert.equal(arrivals.statistics.halfOpen, 0);
  timers.move(60_000);
  const about = { connections: 4, networks: 1, mostFrom: "127.0.7.1", ofThose: 4 };
  assert.deepEqual(
    told.map((one) => one.about),
    [{ level: "warning", code: "proxy.malformed", ...about }],
  );
  await assert.rejects(hello("127.0.8.1", header), "a header from elsewhere is a broken handshake");
  assert.match(await hello("127.0.8.1"), /^127\.0\.8\.1 /);
  const gone = dial("127.0.7.1");
  gone.end(header.subarray(0, 5));
  gone.resume();
  await closed(gone);
  assert.equal(timers.waiting, 0, "whoever hung up is not waited for");
});
