import assert from "node:assert/strict";
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { TestContext } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { Cared } from "./cared.ts";
import { Deployment } from "./deployment.ts";
import { placesOfCare } from "./places.ts";
import { Chance } from "./seed.ts";

/** Seconds that a place has to be passed in. */
const enough = 10;
/** Places of which one comes after another of another kind: they have no divisor in common with it. */
const stride = 11;
/** What is passed only where something is too old. */
const ofRetention: readonly string[] = ["chunks expired", "month dropped", "object removed"];

/**
 * Chunks are joined, moved to the object store, and removed where they are too old, in months too; one device is erased now and then. The server is killed
 * in the midst of each of these.
 */
export async function killUnderCare(t: TestContext, times: number): Promise<void> {
  const chance = new Chance();
  t.diagnostic(`seed ${chance.seed}`);
  const store = mkdtempSync(path.join(tmpdir(), "holdfast-store-"));
  chmodSync(store, 0o777); // started by root, the server becomes another user
  const deployment = await Deployment.make(chance, {
    more: ["--cold-after", "30", "--cold-store", store, "--allow-root"],
  });
  t.after(async () => {
    await deployment.close();
    rmSync(store, { recursive: true, force: true });
  });
  const placeOf = (kill: number) => placesOfCare[(kill * stride) % placesOfCare.length] ?? "chunks joined";
  const begin = (place: string) =>
    deployment.begin(`${place}:${place.startsWith("chunks") ? chance.between(1, 2) : 1}`);
  let starting = begin(placeOf(0));
  await starting.ready;
  const cared = await Cared.begin({ deployment, chance, store });

  const killed = new Map<string, number>();
  const note = (how: string) => killed.set(how, (killed.get(how) ?? 0) + 1);
  for (let kill = 0; kill < times; kill += 1) {
    const place = placeOf(kill);
    if (kill > 0) starting = begin(place);
    const isOver = () => starting.child.signalCode !== null;
    await Promise.race([starting.ready.catch(() => undefined), starting.ended]);
    for (let round = 0; round < 12 && !isOver(); round += 1) await cared.send();
    if (!isOver()) await cared.care(ofRetention.includes(place));
    const end = performance.now() + enough * 1_000;
    while (!isOver() && performance.now() < end) {
      if (/eras|device key/.test(place)) await cared.erase();
      // What comes late is to be joined before its month moves.
      if (/obj|move/.test(place)) await wait(50);
      else await cared.send();
    }
    note(isOver() ? place : `${place} not passed`);
    if (!isOver()) await deployment.kill();
    await deployment.ended;
  }

  const missed = placesOfCare.filter((place) => !killed.has(place));
  if (times >= placesOfCare.length) assert.deepEqual(missed, [], "these were never passed");
  await deployment.begin("nowhere").ready;
  await cared.care(true);
  const { points, objects } = await cared.settle();
  t.diagnostic(
    `${times} kills (${[...killed].map(([how, count]) => `${how} ${count}`).join(", ")}): ${points} readings there, none missing, none twice, ${objects} objects and no other`,
  );
  assert.equal((await deployment.stop()).code, 0);
}
