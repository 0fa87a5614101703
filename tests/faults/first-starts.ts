import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { Deployment } from "./deployment.ts";
import { Chance } from "./seed.ts";

/** Where a first start is ended: while initdb works, after one of its first statements, in the midst of a keyring that is being made. */
const moments = ["initdb", "statement done", "keyring writing", "keyring written"] as const;

/** Kills a first start again and again, on the same folder: whatever is half-made, the next one makes whole. */
export async function killFirstStarts(t: TestContext, times: number): Promise<void> {
  const chance = new Chance();
  t.diagnostic(`seed ${chance.seed}`);
  const deployment = await Deployment.make(chance);
  t.after(() => deployment.close());
  const ended: string[] = [];
  for (let kill = 0; kill < times; kill += 1) {
    const moment = moments[kill % moments.length] ?? "initdb";
    const starting = deployment.begin(
      moment === "initdb" ? undefined : `${moment}:${chance.between(1, moment === "statement done" ? 40 : 3)}`,
    );
    if (moment === "initdb") {
      const made = await Promise.race([deployment.said("Making the database"), starting.ready]);
      // Anywhere within the second that initdb takes.
      if (made === undefined) await wait(chance.between(0, 900));
      await deployment.kill();
    } else await Promise.race([starting.ended, starting.ready.catch(() => undefined)]);
    const { signalCode } = starting.child;
    if (signalCode === null) await deployment.kill();
    else assert.equal(signalCode, "SIGKILL", deployment.log);
    ended.push(signalCode === null ? `${moment} not passed` : moment);
  }
  await deployment.start();
  const { token } = await deployment.setUp();
  const me = deployment.visitor.as(token);
  const application = await me.post<{ id: string }>("/v1/applications", { name: "First" });
  const { id } = await me.post<{ id: string }>("/v1/devices", { application: application.id, name: "First" });
  await me.post(`/v1/devices/${id}/telemetry`, { given: 1 });
  await deployment.kill();
  await deployment.start();
  const { items } = await deployment.visitor
    .as(token)
    .get<{ items: unknown[] }>(`/v1/devices/${id}/telemetry?attribute=given`);
  assert.equal(items.length, 1);
  assert.equal((await deployment.stop()).code, 0);
  t.diagnostic(ended.join(", "));
}
