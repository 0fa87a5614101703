import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { childrenOf, Deployment } from "./deployment.ts";
import { FrameSource } from "./frames.ts";
import { placesOfSockets } from "./places.ts";
import { Chance } from "./seed.ts";

type Made = { readonly id: string };
type Page = { readonly items: { readonly value: number }[]; readonly nextCursor?: string };

/** So many acknowledgements after a start a place that was not passed is given up. */
const enough = 4_000;
/** The program that ends itself, where it never does: what is kept of frames is written anew as often in it. */
const nowhere = `append sent:${Number.MAX_SAFE_INTEGER}`;
/** Longer than a commit is tried. */
const standstill = 13_000;

/**
 * Devices send frames, and again what was not answered; somebody on the way sends what was. The server is killed again and again, and where
 * `standsStill` its database stops answering for longer than a commit is tried. In the end every reading is there once.
 */
export async function killUnderFrames(t: TestContext, times: number, standsStill = 0): Promise<void> {
  const chance = new Chance();
  t.diagnostic(`seed ${chance.seed}`);
  const deployment = await Deployment.make(chance, { more: ["--udp-port", "0"] });
  t.after(() => deployment.close());
  await deployment.begin(nowhere).ready;
  const { token } = await deployment.setUp();
  const me = () => deployment.visitor.as(token);
  const application = await me().post<Made>("/v1/applications", { name: "Frames" });

  let acknowledged = 0;
  let wanted = { count: Infinity, reached: () => {} };
  const more = (count: number) =>
    new Promise<void>((resolve) => (wanted = { count: acknowledged + count, reached: resolve }));
  const told = () => {
    if ((acknowledged += 1) >= wanted.count) wanted.reached();
  };
  const sources: FrameSource[] = [];
  for (let at = 0; at < 6; at += 1) {
    const { id } = await me().post<Made>("/v1/devices", { application: application.id, name: `Source ${at}` });
    await me().put(`/v1/devices/${id}/door`, { transports: ["https", "mqtts", "socket"] });
    const { secret } = await me().post<{ secret: string }>(`/v1/devices/${id}/keys`, { kind: "socket" });
    sources.push(new FrameSource(id, secret, chance, told));
  }
  t.after(() => sources.forEach((source) => source.close()));
  const turn = () => sources.forEach((source) => source.turnTo(Number(new URL(deployment.ready.udpUrl ?? "").port)));
  turn();

  const killed = new Map<string, number>();
  const note = (how: string) => killed.set(how, (killed.get(how) ?? 0) + 1);
  await more(chance.between(200, 600));
  await deployment.kill();
  for (let kill = 1; kill <= times; kill += 1) {
    const here = placesOfSockets[(kill - 1) % placesOfSockets.length] ?? "append sent";
    const starting = deployment.begin(`${here}:${here.startsWith("append") ? chance.between(1, 60) : 1}`);
    await Promise.race([starting.ended, starting.ready]);
    if (starting.child.signalCode === null) turn();
    await Promise.race([starting.ended, more(enough)]);
    const isOver = starting.child.signalCode !== null;
    if (!isOver) await deployment.kill();
    note(isOver ? here : `${here} not passed`);
  }
  await deployment.begin(nowhere).ready;
  turn();
  for (let still = 0; still < standsStill; still += 1) {
    await more(chance.between(100, 1_000));
    const { postmaster = 0 } = deployment;
    const all = [postmaster, ...childrenOf(postmaster)];
    for (const pid of all) process.kill(pid, "SIGSTOP");
    await wait(standstill);
    for (const pid of all) process.kill(pid, "SIGCONT");
    await more(1_000);
    note("the database stood still");
  }
  await more(300);
  await Promise.all(sources.map((source) => source.drain()));
  for (const source of sources) source.repeatAll();
  await deployment.kill();
  await deployment.begin(nowhere).ready;
  turn();
  for (const source of sources) source.repeatAll();
  await wait(300); // what comes twice may come behind what came once

  for (const { id, sent, acknowledged: of } of sources) {
    assert.equal(of.size, sent);
    const found = await valuesOf(me(), id);
    const counts = new Map<number, number>();
    for (const value of found) counts.set(value, (counts.get(value) ?? 0) + 1);
    const missing = [...of].filter((n) => !counts.has(n));
    assert.deepEqual(missing.slice(0, 10), [], `${id} lacks ${missing.length} of ${sent} acknowledged readings`);
    const twice = [...counts].filter(([, count]) => count > 1);
    assert.deepEqual(twice.slice(0, 10), [], `${id} has ${twice.length} of ${sent} readings twice`);
  }
  const sum = (of: (one: FrameSource) => number) => sources.reduce((all, one) => all + of(one), 0);
  const repeated = sum((one) => one.repeated);
  assert.ok(repeated > 0, "nothing was outstanding when the server was killed");
  t.diagnostic(
    `${[...killed].map(([how, count]) => `${how} ${count}`).join(", ")}: ${sum((one) => one.sent)} readings, none missing, none twice; ${repeated} were sent again`,
  );
  assert.equal((await deployment.stop()).code, 0);
}

async function valuesOf(me: { get<T>(path: string): Promise<T> }, device: string): Promise<number[]> {
  const values: number[] = [];
  for (let next = ""; ;) {
    const page = await me.get<Page>(`/v1/devices/${device}/telemetry?attribute=n&limit=1000${next}`);
    values.push(...page.items.map(({ value }) => value));
    if (page.nextCursor === undefined) return values;
    next = `&cursor=${encodeURIComponent(page.nextCursor)}`;
  }
}
