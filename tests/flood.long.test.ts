import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import { after, test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import tls, { createSecureContext, type TLSSocket } from "node:tls";
import { Visitor, type Welcome } from "../apps/server/src/testing/visitor.ts";
import { connectFrame } from "../bench/mqtt/frames.ts";
import { base, Server } from "./server.fixture.ts";

// Measured in real time, over loopback, with clients of the same address: what a mass revocation costs the server.
const [revoked, good] = [300, 50];

type Made = { readonly key: { readonly id: string; readonly secret: string } };

const folder = path.join(base, "flood");
const server = new Server(["--data", folder, "--ready-file", `${folder}.json`, "--no-demo"]);
const ready = await server.ready(`${folder}.json`);
const ca = readFileSync(ready.caFile, "utf8");
const visitor = new Visitor(ready.url, ca);
after(() => visitor.close());
const secret = (ready.setupLink ?? "").split("#setup=")[1] ?? "";
const person = { email: "owner@example.com", password: "correct horse battery staple", org: "Flood" };
const me = visitor.as((await visitor.post<Welcome>("/v1/setup", { secret, ...person })).token);

/** So many devices of an application of their own. */
async function make(count: number): Promise<{ application: string; devices: Made[] }> {
  const { id: application } = await me.post<{ id: string }>("/v1/applications", { name: `Of ${count}` });
  const devices: Made[] = [];
  for (let at = 0; at < count; at += 1) {
    devices.push(await me.post<Made>("/v1/devices", { application, name: `Device ${count} ${at}` }));
  }
  return { application, devices };
}

async function metric(name: string): Promise<number> {
  const { text } = await visitor.send("GET", "/metrics");
  return Number(new RegExp(`^holdfast_${name} ([\\d.e+]+)$`, "m").exec(text)?.[1]);
}

const port = Number(new URL(ready.mqttsUrl).port);
const secureContext = createSecureContext({ ca });
const open = new Set<TLSSocket>();
after(() => {
  for (const socket of open) socket.destroy();
});

/** The code of the CONNACK, or nothing where it was hung up on; and when the connection is over. */
function come({ key }: Made): { answer: Promise<number | undefined>; over: Promise<void> } {
  const socket = tls.connect({ host: "127.0.0.1", port, servername: "localhost", secureContext });
  open.add(socket);
  socket.on("error", () => {}); // a reset is as good as an end
  socket.write(connectFrame(key.id, { user: key.id, password: key.secret }));
  const { promise: over, resolve } = Promise.withResolvers<void>();
  const answer = new Promise<number | undefined>((heard) => {
    socket.once("data", (bytes: Buffer) => heard(bytes[3]));
    socket.once("close", () => {
      open.delete(socket);
      heard(undefined);
      resolve();
    });
  });
  return { answer, over };
}

/** Milliseconds that the slowest of them waits until it is in. */
async function slowestOf(devices: readonly Made[]): Promise<number> {
  const waits = devices.map(async (device) => {
    const from = performance.now();
    assert.equal(await come(device).answer, 0);
    return performance.now() - from;
  });
  return Math.max(...(await Promise.all(waits)));
}

test("hundreds of clients that were revoked and come back at once cost little, and good ones of their address are in within seconds", async (t) => {
  const those = await make(revoked);
  const early = await make(good);
  const late = await make(good);
  assert.ok((await Promise.all(those.devices.map((device) => come(device).answer))).every((code) => code === 0));
  await me.post("/v1/revocations", { about: those.application });
  let going = true;
  const state = async () => ({
    at: performance.now(),
    cpu: await metric("process_cpu_seconds_total"),
    handshakes: await metric("mqtt_connections_total"),
  });
  const since = async (before: Awaited<ReturnType<typeof state>>) => {
    const now = await state();
    const seconds = (now.at - before.at) / 1_000;
    const [handshakes, cpu] = [now.handshakes - before.handshakes - good, now.cpu - before.cpu];
    t.diagnostic(`${handshakes} handshakes of the revoked in ${seconds.toFixed(1)} s, ${cpu.toFixed(1)} s of CPU`);
    return { handshakes, seconds };
  };

  const began = await state();
  const loops = those.devices.map(async (device) => {
    while (going) await come(device).over;
  });
  await wait(3_000); // they are in full swing
  const inTheMidst = await slowestOf(early.devices);
  await wait(Math.max(0, began.at + 10_000 - performance.now()));
  const first = await since(began);
  await wait(35_000); // now they wait for their answers
  const settled = await state();
  const afterwards = await slowestOf(late.devices);
  await wait(Math.max(0, settled.at + 10_000 - performance.now()));
  const last = await since(settled);
  going = false;
  for (const socket of open) socket.destroy();
  await Promise.all(loops);
  t.diagnostic(`the slowest good one waited ${inTheMidst.toFixed(0)} ms, and ${afterwards.toFixed(0)} ms later on`);
  assert.ok(first.handshakes <= 200 + revoked + 55 * first.seconds, `${first.handshakes} handshakes`);
  // Each once in ten seconds, and in bursts: one may begin and end the time that was measured.
  assert.ok(last.handshakes <= 30 * (last.seconds + 1), `${last.handshakes} handshakes`);
  assert.ok(inTheMidst < 10_000, `${inTheMidst} ms`);
  assert.ok(afterwards < 3_000, `${afterwards} ms`);
});
