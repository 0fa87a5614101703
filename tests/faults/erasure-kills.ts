import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import type { TestContext } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { Deployment } from "./deployment.ts";
import { Drain } from "./lasting.ts";
import type { placesOfErasure } from "./places.ts";
import { Chance } from "./seed.ts";

type Made = { readonly id: string; readonly key: { readonly id: string; readonly secret: string } };

/**
 * A program that is away is owed messages of two devices; one of them is erased, and the server is killed in the midst of that. After the next
 * start it is erased all the same, and the program gets what the other sent, and what the erased one has sent since.
 */
export async function killUnderErasure(
  t: TestContext,
  places: readonly (typeof placesOfErasure)[number][],
): Promise<void> {
  const chance = new Chance();
  t.diagnostic(`seed ${chance.seed}`);
  const deployment = await Deployment.make(chance);
  t.after(() => deployment.close());
  await deployment.start();
  const { token } = await deployment.setUp();
  const me = () => deployment.visitor.as(token);
  const application = await me().post<{ id: string }>("/v1/applications", { name: "Messages" });
  const device = (name: string) => me().post<Made>("/v1/devices", { application: application.id, name });
  const send = ({ key }: Made, n: number) =>
    deployment.visitor.as(`${key.id}.${key.secret}`).post("/v1/me/telemetry", { n });
  const program = await me().post<{ token: string }>("/v1/tokens", { name: "Drain", grants: ["telemetry.read"] });

  for (const [at, place] of places.entries()) {
    const [pump, fan] = [await device(`Pump ${at}`), await device(`Fan ${at}`)];
    const coming = {
      port: deployment.mqttsPort,
      ca: readFileSync(deployment.caFile, "utf8"),
      clientId: `drain-${at}`,
      key: { id: "program", secret: program.token },
      version: 5,
    } as const;
    const drain = new Drain(coming, 1, 0);
    t.after(() => drain.leave());
    await drain.subscribe("devices/+/telemetry");
    drain.leave();
    await deployment.stop();

    const starting = deployment.begin(place);
    await starting.ready;
    for (let n = 1; n <= 3; n += 1) for (const one of [pump, fan]) await send(one, n);
    const asked = me()
      .send("POST", `/v1/devices/${pump.id}/erase`)
      .catch(() => undefined);
    const { signal } = await starting.ended;
    await asked;
    assert.equal(signal, "SIGKILL", `${place} was passed`);

    await deployment.start();
    const wasMarked = place !== "erasure marked"; // which the transaction took back
    if (!wasMarked) assert.equal((await me().send("POST", `/v1/devices/${pump.id}/erase`)).status, 200);
    await send(pump, 4);
    await send(fan, 4);
    await drain.come();
    for (const end = performance.now() + 10_000; drain.count < 5 && performance.now() < end;) await wait(20);
    const of = ({ id }: Made) => [1, 2, 3, 4].filter((n) => drain.given.has(`${id}/${n}`));
    assert.deepEqual([of(pump), of(fan)], [[4], [1, 2, 3, 4]], `killed at ${place}`);
    const { items } = await me().get<{ items: unknown[] }>(`/v1/devices/${pump.id}/telemetry?attribute=n`);
    assert.equal(items.length, 1);
    drain.leave();
  }
  assert.equal((await deployment.stop()).code, 0);
}
