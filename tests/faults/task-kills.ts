import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import type { TestContext } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { Deployment } from "./deployment.ts";
import { placesOfTasks } from "./places.ts";
import { Chance } from "./seed.ts";
import { TaskLedger } from "./task-ledger.ts";
import { httpWay, mqttWay, Putter, Worker, type Fates, type Made } from "./task-workers.ts";

type Thing = { readonly id: string };
type Task = Thing & { readonly name: string; readonly state: string; readonly result?: unknown };

/** Nobody dies, and all that is open is done. */
const diligent: Fates = { dies: 0, renews: 0, releases: 0, isLate: 0 };

/**
 * The server is killed again and again, at a moment of chance or at a place on the way of a task, while devices put, lease, renew, give back, answer and
 * forget tasks. What was accepted is done in the end, and by one: no number of a lease is given twice, none is given while another is good, and of all answers to a
 * task those by one lease alone count.
 */
export async function killUnderTasks(t: TestContext, times: number, fates: Fates): Promise<void> {
  const chance = new Chance();
  t.diagnostic(`seed ${chance.seed}`);
  const deployment = await Deployment.make(chance);
  t.after(() => deployment.close());
  /** Of the first one, and of every other one: a place where the server ends itself. */
  const placeOf = (kill: number) =>
    kill > times || kill % 2 === 0 ? undefined : placesOfTasks[((kill - 1) / 2) % placesOfTasks.length];
  const start = (kill: number) => {
    const here = placeOf(kill);
    const { ready, ended } = deployment.begin(here && `${here}:${chance.between(10, 60)}`);
    return ready.catch(async (error: unknown) => {
      // Devices come back the moment it listens: it may be at its place before it says that it is ready.
      const { signal } = await Promise.race([ended, Promise.reject(error)]);
      if (here === undefined || signal !== "SIGKILL") throw error;
    });
  };
  await start(1);
  const { token } = await deployment.setUp();
  const me = () => deployment.visitor.as(token);
  const application = await me().post<Thing>("/v1/applications", { name: "Tasks" });
  const groups = `/v1/applications/${application.id}/groups`;
  const group = await me().post<Thing>(groups, { name: "crew" });
  const ca = readFileSync(deployment.caFile, "utf8");
  const place = { port: deployment.mqttsPort, ca };
  const member = async (name: string): Promise<Made> => {
    const made = await me().post<Made>("/v1/devices", { application: application.id, name });
    await me().put(`${groups}/${group.id}/members/${made.id}`, {});
    return made;
  };

  const ledger = new TaskLedger();
  const workers: Worker[] = [];
  for (let at = 0; at < 4; at += 1) {
    const made = await member(`Worker ${at}`);
    const asDevice = () => deployment.visitor.as(`${made.key.id}.${made.key.secret}`);
    const way = at % 2 === 0 ? httpWay("crew", asDevice) : mqttWay("crew", made, place);
    workers.push(new Worker(made.id, way, { ledger, chance, fates }));
  }
  const putter = new Putter("crew", await member("Putter"), place);

  const accepted = new Set<string>();
  let isOver = false;
  t.after(() => {
    isOver = true;
    return Promise.all([putter.end(), ...workers.map((worker) => worker.abandon())]);
  });
  const putting = (async () => {
    for (let n = 1; !isOver; n += 1) {
      putter.put();
      try {
        const body = { name: `plain-${n}`, expiresIn: "1h" };
        const { status, body: put } = await me().send<Task>("POST", `${groups}/${group.id}/tasks`, { body });
        if (status === 201) accepted.add(put.id);
      } catch {
        // The server was killed meanwhile: nobody was told that it is accepted.
      }
      await wait(60);
    }
  })();
  const failed = Promise.all(workers.map(({ working }) => working));
  failed.catch(() => undefined); // `more` hears of it
  const more = async (count: number) => {
    for (const enough = ledger.done + count; ledger.done < enough;) await Promise.race([wait(10), failed]);
  };
  const killed = new Map<string, number>();
  for (let kill = 1; kill <= times; kill += 1) {
    const here = placeOf(kill);
    if (here === undefined) {
      await more(chance.between(2, 20));
      await deployment.kill();
    } else await Promise.race([deployment.ended, failed]);
    ledger.wentAway();
    await start(kill + 1);
    ledger.cameBack();
    killed.set(here ?? "at random", (killed.get(here ?? "at random") ?? 0) + 1);
  }
  await more(5);
  isOver = true;
  await putting;
  await putter.drained();
  for (const worker of workers) worker.fates = diligent;

  const all = async () => {
    const found: Task[] = [];
    for (let cursor = ""; ;) {
      const page = await me().get<{ items: Task[]; nextCursor?: string }>(
        `${groups}/${group.id}/tasks?limit=1000${cursor}`,
      );
      found.push(...page.items);
      if (page.nextCursor === undefined) return found;
      cursor = `&cursor=${page.nextCursor}`;
    }
  };
  let found = await all();
  const open = () => found.filter(({ state }) => state !== "done");
  for (const end = performance.now() + 60_000; open().length > 0 && performance.now() < end; await wait(100))
    found = await all();
  for (const worker of workers) await worker.stop(); // what it saw that may not be is thrown here
  assert.deepEqual(open().slice(0, 10), [], `${open().length} are not done`);
  const ids = new Set(found.map(({ id }) => id));
  assert.deepEqual(
    [...accepted].filter((id) => !ids.has(id)),
    [],
    "what was accepted is there",
  );
  const names = Map.groupBy(found, ({ name }) => name);
  for (const name of putter.accepted) assert.equal(names.get(name)?.length, 1, `${name} was put once`);
  for (const { id, result } of found) {
    const { by, lease } = result as { by: string; lease: number };
    const known = ledger.answerOf(id);
    assert.deepEqual(known, { by, lease }, `${id} is done by whoever was told so`);
  }
  t.diagnostic(
    `${times} kills, ${found.length} tasks, ${ledger.granteds} leases, ${ledger.passedOn} passed on after ${ledger.longestWait} ms at most, ` +
      `${ledger.refused} late answers refused, ${putter.again} puts again`,
  );
  t.diagnostic([...killed].map(([how, count]) => `${how} ${count}`).join(", "));
  assert.equal((await deployment.stop()).code, 0);
}
