import assert from "node:assert/strict";
import { readFileSync, readdirSync, renameSync } from "node:fs";
import path from "node:path";
import { describe, test, type TestContext } from "node:test";
import { connectAsync } from "mqtt";
import { childrenOf, Deployment, exists } from "./faults/deployment.ts";
import { Generator } from "./faults/generator.ts";
import { settle } from "./faults/ledger.ts";
import { Chance } from "./faults/seed.ts";

type Key = { id: string; secret: string };

/** A platform under load, with one more device, which never came yet. */
async function underLoad(t: TestContext, pace: Parameters<typeof Generator.on>[2] = {}) {
  const chance = new Chance();
  t.diagnostic(`seed ${chance.seed}`);
  const deployment = await Deployment.make(chance);
  t.after(() => deployment.close());
  await deployment.start();
  const { token } = await deployment.setUp();
  const load = await Generator.on(deployment, token, pace);
  t.after(() => load.kill());
  const me = deployment.visitor.as(token);
  const application = await me.post<{ id: string }>("/v1/applications", { name: "Others" });
  const other = await me.post<{ id: string; key: Key }>("/v1/devices", { application: application.id, name: "Other" });
  await load.acknowledged(2_000);
  return { chance, deployment, load, me, other };
}

/** Whoever talks to PostgreSQL as the committer does. */
function ingesting(postmaster: number): number {
  const found = childrenOf(postmaster).find((pid) => readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("_ingest "));
  assert.ok(found, "the committer has no connection");
  return found;
}

const connecting = (deployment: Deployment, { id, secret }: Key, protocolVersion: 4 | 5) =>
  connectAsync(`mqtts://localhost:${deployment.mqttsPort}`, {
    ca: readFileSync(deployment.caFile, "utf8"),
    username: id,
    password: secret,
    protocolVersion,
    reconnectPeriod: 0,
  });

type Way = { readonly name: string; take(deployment: Deployment): Promise<() => void> };

const ways: readonly Way[] = [
  {
    name: "that stands still",
    async take({ postmaster = 0 }) {
      const all = [postmaster, ...childrenOf(postmaster)];
      for (const pid of all) process.kill(pid, "SIGSTOP");
      return () => all.forEach((pid) => process.kill(pid, "SIGCONT"));
    },
  },
  {
    name: "that is killed and cannot be started again",
    async take({ data, postmaster = 0 }) {
      const folder = path.join(data, "postgres");
      const program = readdirSync(folder).find((name) => name.startsWith("program-")) ?? "";
      const from = path.join(folder, program, "bin/postgres");
      renameSync(from, `${from}.away`);
      const serving = childrenOf(postmaster);
      process.kill(postmaster, "SIGKILL");
      // Those that serve find out by themselves, and may answer until then.
      while (serving.some(exists)) await new Promise((resolve) => setTimeout(resolve, 5));
      return () => renameSync(`${from}.away`, from);
    },
  },
];

// Side by side, because most of their time is waiting.
void describe("PostgreSQL goes away", { concurrency: true }, () => {
  test("PostgreSQL that is killed is waited for: nobody is cut off, and nothing acknowledged is missing", async (t) => {
    const { deployment, load, me, chance } = await underLoad(t);
    const kills = [
      ["its first process", () => deployment.postmaster ?? 0],
      ["the committer's own", () => ingesting(deployment.postmaster ?? 0)],
      ["its first process", () => deployment.postmaster ?? 0],
    ] as const;
    for (const [name, pid] of kills) {
      await load.acknowledged(chance.between(1, 3_000));
      const began = performance.now();
      process.kill(pid(), "SIGKILL");
      await load.acknowledged(4_000);
      t.diagnostic(`${name} killed: 4,000 more acknowledged after ${Math.round(performance.now() - began)} ms`);
    }
    await load.drain();
    const told = await load.end();
    const balance = await settle(me, load.publishing, told);
    t.diagnostic(`${balance.acknowledged} acknowledged, 0 missing`);
    const cutOff = told.reduce((sum, one) => sum + one.cutOff, 0);
    assert.equal(cutOff, 0);
    assert.equal((await deployment.stop()).code, 0);
  });

  for (const { name, take } of ways) {
    test(`PostgreSQL ${name} is waited for ten seconds; then everybody is told, and goes on when it is back`, async (t) => {
      const { deployment, load, me, other } = await underLoad(t, { publishers: 16, rest: 100 });
      const began = performance.now();
      const seconds = () => Math.round((performance.now() - began) / 100) / 10;
      // While the machine stands still nobody is told anything.
      let stood = 0;
      let last = began;
      const looking = setInterval(() => {
        const now = performance.now();
        stood += Math.max(0, now - last - 150) / 1_000;
        last = now;
      }, 50);
      t.after(() => clearInterval(looking));
      const giveBack = await take(deployment);
      type Problem = { code: string };
      // Somebody who asks at once waits as the publishers do.
      const reader = me
        .send<Problem>("GET", `/v1/devices/${other.id}/telemetry?attribute=given`)
        .then((answer) => ({ answer, at: seconds() }));
      await load.cutOff();
      const publishersToldAt = seconds();
      const { answer: read, at: readerToldAt } = await reader;
      const device = deployment.visitor.as(`${other.key.id}.${other.key.secret}`);
      const later = [
        await me.send<Problem>("GET", "/readyz"),
        await device.send<Problem>("POST", "/v1/me/telemetry", { body: { given: 1 } }),
      ];
      for (const { status, body, headers } of [read, ...later]) {
        assert.deepEqual([status, body.code], [503, "storage.unavailable"]);
        assert.match(String(headers["retry-after"]), /^\d+$/);
      }
      for (const [version, code] of [
        [4, 3],
        [5, 0x88],
      ] as const) {
        for (const key of [other.key, load.publishing[0]?.key ?? other.key]) {
          await assert.rejects(
            connecting(deployment, key, version),
            (error: { code?: unknown }) => error.code === code,
          );
        }
      }
      const connackAt = seconds();
      giveBack();
      await load.acknowledged(5_000);
      t.diagnostic(
        `publishers told after ${publishersToldAt} s, a reader after ${readerToldAt}, CONNECTs refused by ${connackAt}; 5,000 more acknowledged by ${seconds()}`,
      );
      assert.equal((await me.send("GET", "/readyz")).status, 200);
      await load.drain();
      const told = await load.end();
      const balance = await settle(me, load.publishing, told);
      t.diagnostic(`${balance.acknowledged} acknowledged, 0 missing`);
      // MQTT 5 has 0x88 for a CONNACK alone: whoever was connected is told 0x89 (decision 0010).
      for (const [at, { farewells }] of told.entries()) {
        const codes = load.publishing[at]?.version === 5 ? [String(0x89)] : [];
        assert.deepEqual(Object.keys(farewells), codes);
      }
      assert.match(
        deployment.log,
        /"level":"warning","message":"The database does not answer: readings are refused[^\n]*"code":"storage\.unavailable"/,
      );
      assert.ok(
        publishersToldAt < 12 + stood && readerToldAt < 12 + stood && connackAt < 14 + stood,
        `${stood} s still`,
      );
      assert.equal((await deployment.stop()).code, 0);
    });
  }
});
