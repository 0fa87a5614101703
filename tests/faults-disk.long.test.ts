import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { connect, connectAsync, type IClientOptions } from "mqtt";
import type { Client } from "pg";
import { Deployment } from "./faults/deployment.ts";
import { Disk } from "./faults/disk.ts";
import { Generator } from "./faults/generator.ts";
import { asOwner } from "./faults/owner.ts";
import { settle } from "./faults/ledger.ts";
import { Chance } from "./faults/seed.ts";

type Problem = { code: string };
type Made = { id: string; key: { id: string; secret: string } };

const made = Disk.make(640);

test(
  "a disk that runs full takes nothing new, loses nothing, and goes on when there is room",
  { skip: typeof made === "string" ? made : false },
  async (t) => {
    if (typeof made === "string") return;
    const disk = made;
    const chance = new Chance();
    t.diagnostic(`seed ${chance.seed}`);
    const deployment = await Deployment.make(chance, { data: path.join(disk.folder, "data") });
    t.after(async () => {
      await deployment.close();
      disk.close();
    });
    await deployment.start();
    const { token } = await deployment.setUp();
    const load = await Generator.on(deployment, token, { publishers: 8, rest: 50 });
    t.after(() => load.kill());
    const me = deployment.visitor.as(token);
    const application = await me.post<{ id: string }>("/v1/applications", { name: "Others" });
    const make = (name: string) => me.post<Made>("/v1/devices", { application: application.id, name });
    const [five, four, revoked] = [await make("Five"), await make("Four"), await make("Revoked")];
    const device = deployment.visitor.as(`${five.key.id}.${five.key.secret}`);
    const url = () => `mqtts://localhost:${deployment.mqttsPort}`;
    const as = ({ key }: Pick<Made, "key">, protocolVersion: 4 | 5): IClientOptions => ({
      ca: readFileSync(deployment.caFile, "utf8"),
      username: key.id,
      password: key.secret,
      protocolVersion,
      reconnectPeriod: 0,
    });
    const { token: secret } = await me.post<{ token: string }>("/v1/tokens", {
      name: "Program",
      grants: ["telemetry.read"],
    });
    /** A program with a session that lasts, and all that it is told. */
    const program = async (clientId: string, sessionExpiryInterval = 3_600) => {
      const lasting = { clientId, clean: false, properties: { sessionExpiryInterval } };
      const client = connect(url(), { ...as({ key: { id: "program", secret } }, 5), ...lasting });
      const heard: string[] = [];
      client.on("message", (_topic, payload) => heard.push(payload.toString()));
      const isResumed = await new Promise<boolean>((resolve, reject) => {
        client.once("connect", ({ sessionPresent }) => resolve(sessionPresent));
        client.once("error", reject);
      });
      return { client, heard, isResumed };
    };
    const topic = `devices/${five.id}/telemetry`;
    for (const name of ["away", "given up"]) {
      const { client } = await program(name);
      await client.subscribeAsync(topic, { qos: 1 });
      await client.endAsync();
    }
    const { client: here } = await program("here");
    await here.subscribeAsync(topic, { qos: 1 });
    await device.post("/v1/me/telemetry", { given: 1 });

    disk.fillTo(150);
    await until(async () => (await me.send("GET", "/readyz")).status !== 200);
    for (const refused of [
      await device.send<Problem>("POST", "/v1/me/telemetry", { body: { given: 2 } }),
      await me.send<Problem>("POST", "/v1/devices", { body: { application: application.id, name: "One too many" } }),
      await me.send<Problem>("GET", "/readyz"),
    ]) {
      assert.deepEqual([refused.status, refused.body.code], [507, "storage.full"]);
      assert.match(String(refused.headers["retry-after"]), /^\d+$/);
    }
    const modern = await connectAsync(url(), as(five, 5));
    await assert.rejects(
      modern.publishAsync("me/telemetry", `{"given":3}`, { qos: 1 }),
      (error: { code?: unknown }) => error.code === 0x97,
    );
    await modern.endAsync();
    // Nothing that would last is begun, and what ends is kept.
    for (const name of ["here", "away", "new"]) {
      await assert.rejects(program(name), (error: { code?: unknown }) => error.code === 0x97);
    }
    const clientId = "lasting";
    await assert.rejects(connectAsync(url(), { ...as(four, 4), clientId, clean: false }), /Server unavailable/);
    await assert.rejects(
      here.subscribeAsync("devices/+/telemetry", { qos: 1 }),
      (error: { packet?: { granted: number[] } }) => error.packet?.granted[0] === 0x97,
    );
    await here.unsubscribeAsync(topic);
    const givenUp = await program("given up", 0);
    assert.ok(givenUp.isResumed);
    await givenUp.client.endAsync();
    const old = await connectAsync(url(), as(four, 4));
    const closed = new Promise<string>((resolve) => old.once("close", () => resolve("closed")));
    const published = old.publishAsync("me/telemetry", `{"given":4}`, { qos: 1 }).then(
      () => "acknowledged",
      () => "closed",
    );
    assert.equal(await Promise.race([closed, published]), "closed");
    old.end(true);
    // What makes no room but must never wait for room.
    const { items } = await me.get<{ items: unknown[] }>(`/v1/devices/${five.id}/telemetry?attribute=given`);
    assert.equal(items.length, 1);
    assert.equal((await me.send("DELETE", `/v1/credentials/${revoked.key.id}`)).status, 200);
    assert.equal((await me.send("POST", `/v1/devices/${four.id}/suspend`)).status, 200);
    const gone = deployment.visitor.as(`${revoked.key.id}.${revoked.key.secret}`);
    assert.equal((await gone.send("POST", "/v1/me/telemetry", { body: { given: 5 } })).status, 401);

    disk.free();
    await load.acknowledged(1_000);
    assert.equal((await device.send("POST", "/v1/me/telemetry", { body: { given: 6 } })).status, 200);
    const away = await program("away");
    await until(async () => away.heard.length >= 2);
    assert.deepEqual([away.isResumed, ...away.heard], [true, '{"given":1}', '{"given":6}']);
    await here.subscribeAsync(topic, { qos: 1 });
    for (const client of [here, away.client]) await client.endAsync();
    await device.post("/v1/me/telemetry", { given: 7 });

    const owner = await asOwner(deployment);
    for (const how of ["at zero", "at zero, PostgreSQL in panic"]) {
      disk.fillTo(0);
      assert.ok(disk.freeBytes < 64 * 1024, `${disk.freeBytes} bytes are free`);
      if (how !== "at zero") await panic(owner);
      await until(async () => (await me.send("GET", "/readyz")).status !== 200);
      // For a while, in which everything that PostgreSQL had set aside is used up, too.
      await new Promise((resolve) => setTimeout(resolve, 1_000));
      disk.free();
      const freed = performance.now();
      await load.acknowledged(1_000);
      t.diagnostic(`${how}: 1,000 more acknowledged ${Math.round(performance.now() - freed)} ms after it was freed`);
    }
    assert.match(
      readFileSync(path.join(deployment.data, "postgres/postgres.log"), "utf8"),
      /PANIC: .*No space left on device/,
    );

    disk.fillTo(0);
    await deployment.kill();
    process.kill(deployment.postmaster ?? 0, "SIGKILL");
    // It either says that there is no room, or makes do without.
    const ended = await Promise.race([deployment.begin().ended, deployment.isReady]);
    if (ended !== true) {
      const last = deployment.log.trim().split("\n").at(-1) ?? "";
      assert.deepEqual([ended.code, JSON.parse(last).code], [1, "storage.full"]);
    }
    disk.free();
    if (ended !== true) await deployment.start();
    for (const name of ["here", "away"]) {
      const back = await program(name);
      await until(async () => back.heard.length >= 1);
      assert.deepEqual([back.isResumed, ...back.heard], [true, '{"given":7}']);
      await back.client.endAsync();
    }
    assert.equal((await program("given up", 0)).isResumed, false);
    await load.acknowledged(1_000);
    await load.drain();
    const told = await load.end();
    const balance = await settle(deployment.visitor.as(token), load.publishing, told);
    t.diagnostic(`${balance.acknowledged} acknowledged, 0 missing`);
    assert.equal((await deployment.stop()).code, 0);
  },
);

/** Uses up every file of its log that PostgreSQL has made ahead. Where there is no room for another, it ends itself. */
async function panic(owner: Client): Promise<void> {
  try {
    for (;;) await owner.query("select pg_switch_wal(), pg_logical_emit_message(true, 'test', 'fill')");
  } catch (error) {
    assert.ok(error instanceof Error);
  } finally {
    await owner.end().catch(() => undefined); // PostgreSQL has ended it
  }
}

/** Looks until it holds: what another process notices has no event for us. */
async function until(holds: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + 20_000;
  while (!(await holds())) {
    assert.ok(performance.now() < end, "it never came about");
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
