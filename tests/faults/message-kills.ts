import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import type { TestContext } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { Deployment } from "./deployment.ts";
import { Drain, Source, type Coming } from "./lasting.ts";
import { placesOfMessages } from "./places.ts";
import { Chance } from "./seed.ts";

type Key = { readonly id: string; readonly secret: string };
type Made = { readonly id: string; readonly key: Key };

/** So many acknowledgements after a start a place that was not passed is given up. */
const enough = 1_500;

/**
 * Devices publish with QoS 1 and 2; programs are subscribed for good and are there, or away, or there without answering. The server is killed again and
 * again. In the end everybody has everything that was acknowledged, of QoS 2 once.
 */
export async function killUnderMessages(t: TestContext, times: number): Promise<void> {
  const chance = new Chance();
  t.diagnostic(`seed ${chance.seed}`);
  const deployment = await Deployment.make(chance);
  t.after(() => deployment.close());
  await deployment.start();
  const { token } = await deployment.setUp();
  const me = deployment.visitor.as(token);
  const application = await me.post<{ id: string }>("/v1/applications", { name: "Messages" });
  const ca = readFileSync(deployment.caFile, "utf8");

  let acknowledged = 0;
  let wanted = { count: Infinity, reached: () => {} };
  const more = (count: number) =>
    new Promise<void>((resolve) => (wanted = { count: acknowledged + count, reached: resolve }));
  const told = () => {
    if ((acknowledged += 1) >= wanted.count) wanted.reached();
  };

  const place = { port: deployment.mqttsPort, ca };
  const sources: { device: string; source: Source }[] = [];
  for (let at = 0; at < 6; at += 1) {
    const { id, key } = await me.post<Made>("/v1/devices", { application: application.id, name: `Source ${at}` });
    const coming: Coming = { ...place, clientId: "source", key, version: at % 3 === 0 ? 4 : 5 };
    sources.push({ device: id, source: new Source(coming, at % 2 === 0 ? 2 : 1, told) });
  }
  const drains: { drain: Drain; isAway: () => boolean }[] = [];
  for (let at = 0; at < 6; at += 1) {
    const made = await me.post<{ token: string }>("/v1/tokens", { name: `Drain ${at}`, grants: ["telemetry.read"] });
    const key = { id: "program", secret: made.token };
    const coming: Coming = { ...place, clientId: `drain-${at}`, key, version: at % 2 === 0 ? 5 : 4 };
    const drain = new Drain(coming, at < 3 ? 2 : 1, at % 3 === 1 ? 4 : 0);
    await drain.subscribe("devices/+/telemetry");
    // One of each kind is there, one keeps answers to itself, one comes and goes.
    drains.push({ drain, isAway: () => at % 3 === 2 && chance.between(1, 3) > 1 });
  }
  t.after(() => {
    for (const { source } of sources) source.leave();
    for (const { drain } of drains) drain.leave();
  });
  await Promise.all(sources.map(({ source }) => source.come()));

  const killed = new Map<string, number>();
  const note = (how: string) => killed.set(how, (killed.get(how) ?? 0) + 1);
  for (let kill = 1; kill <= times; kill += 1) {
    for (const { drain, isAway } of drains) {
      drain.leave();
      if (!isAway()) void drain.come();
    }
    await more(chance.between(20, 300));
    await deployment.kill();
    note("at random");
    if (kill % 2 === 0) {
      const here = placesOfMessages[(kill / 2) % placesOfMessages.length] ?? "append sent";
      const starting = deployment.begin(`${here}:${here.startsWith("append") ? chance.between(1, 60) : 1}`);
      await Promise.race([starting.ended, more(enough)]);
      const isOver = starting.child.signalCode !== null;
      if (!isOver) await deployment.kill();
      note(isOver ? here : `${here} not passed`);
    }
    await deployment.start();
  }

  await more(50);
  await Promise.all(sources.map(({ source }) => source.drain()));
  for (const { drain } of drains) {
    drain.leave();
    await drain.come();
  }
  const all = sources.reduce((sum, { source }) => sum + source.sent, 0);
  const end = performance.now() + 60_000;
  for (const { drain } of drains) while (drain.count < all && performance.now() < end) await wait(20);
  await wait(200); // what comes twice may come behind what came once

  for (const { drain } of drains) {
    const { clientId } = drain.coming;
    const missing = sources.flatMap(({ device, source }) =>
      Array.from({ length: source.sent }, (_, n) => `${device}/${n + 1}`).filter((key) => !drain.given.has(key)),
    );
    assert.deepEqual(missing.slice(0, 10), [], `${clientId} lacks ${missing.length} of ${all} acknowledged messages`);
    if (drain.qos === 1) continue;
    const exact = new Set(sources.filter(({ source }) => source.qos === 2).map(({ device }) => device));
    const twice = [...drain.given].filter(([key, count]) => count > 1 && exact.has(key.split("/")[0] ?? ""));
    assert.deepEqual(twice.slice(0, 10), [], `${clientId} was given ${twice.length} messages of QoS 2 twice`);
  }
  const sum = (of: (one: Drain) => number) => drains.reduce((total, { drain }) => total + of(drain), 0);
  const repeated = sources.reduce((total, { source }) => total + source.repeated, 0);
  assert.ok(repeated > 0, "nothing was outstanding when the server was killed");
  t.diagnostic(
    `${times} rounds (${[...killed].map(([how, count]) => `${how} ${count}`).join(", ")}): ${all} messages to each of ${drains.length}, none missing, none of QoS 2 twice; publishers sent ${repeated} again, ` +
      `subscribers were sent ${sum((one) => one.duplicates)} again, ${sum((one) => one.unanswered)} answers were withheld`,
  );
  assert.equal((await deployment.stop()).code, 0);
}
