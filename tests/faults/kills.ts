import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { Deployment } from "./deployment.ts";
import { Generator } from "./generator.ts";
import { settle } from "./ledger.ts";
import { placesAtStart, placesUnderLoad } from "./places.ts";
import { Chance } from "./seed.ts";

/** So many acknowledgements after a start a place that was not passed is given up. */
const enough = 10_000;

/**
 * Kills the server again and again: at a random moment, at a place on the way of a message, and at places of the start that follows. In the end
 * everything that was acknowledged is there, after a replay and after a stop in good order.
 */
export async function killAgainAndAgain(t: TestContext, times: number): Promise<void> {
  const chance = new Chance();
  t.diagnostic(`seed ${chance.seed}`);
  const deployment = await Deployment.make(chance);
  t.after(() => deployment.close());
  const firstStart = await deployment.start();
  const { token } = await deployment.setUp();
  const load = await Generator.on(deployment, token);
  t.after(() => load.kill());

  const starts: number[] = [];
  const killed = new Map<string, number>();
  const places = shuffled(placesUnderLoad, chance);
  await load.acknowledged(chance.between(200, 6_000));
  await deployment.kill();
  for (let kill = 2; kill <= times; kill += 1) {
    let how = "at random";
    if (kill % 4 === 0) {
      const place = chance.one(placesAtStart);
      how = await killAtStart(deployment, `${place}:${chance.between(1, place === "statement done" ? 40 : 1)}`);
    } else if (kill % 2 === 1) {
      const place = places[(kill >> 1) % places.length] ?? chance.one(places);
      how = await killAtPlace(
        deployment,
        load,
        `${place}:${/^append|^keyring/.test(place) ? chance.between(1, 5) : 1}`,
      );
    } else {
      starts.push(await deployment.start());
      await load.acknowledged(chance.between(200, 6_000));
      await deployment.kill();
    }
    killed.set(how, (killed.get(how) ?? 0) + 1);
  }

  starts.push(await deployment.start());
  await load.acknowledged(1_000);
  await load.drain();
  const told = await load.end();
  const balance = await settle(deployment.visitor.as(token), load.publishing, told);
  assert.equal((await deployment.stop()).code, 0);
  await deployment.start();
  assert.deepEqual(await settle(deployment.visitor.as(token), load.publishing, told), balance);
  assert.equal((await deployment.stop()).code, 0);

  const sum = (of: (one: (typeof told)[number]) => number) => told.reduce((all, one) => all + of(one), 0);
  assert.ok(
    sum(({ cutOff }) => cutOff) > 0 && sum(({ resent }) => resent) > 0,
    "nothing was outstanding when it was killed",
  );
  t.diagnostic(
    `${times} kills: ${balance.acknowledged} acknowledged, 0 missing, ${balance.found} found, of which ${balance.twice} without a time of their own twice; ` +
      `${sum(({ resent }) => resent)} sent again with DUP; first start ${Math.round(firstStart)} ms, later ones ${Math.round(Math.max(...starts))} ms at most`,
  );
  t.diagnostic([...killed].map(([how, count]) => `${how} ${count}`).join(", "));
}

/** Answers where it was killed, in words. */
async function killAtPlace(deployment: Deployment, load: Generator, place: string): Promise<string> {
  const starting = deployment.begin(place);
  const enoughSeen = load.acknowledged(enough).then(() => "enough");
  if ((await Promise.race([starting.ended, enoughSeen])) !== "enough") {
    load.forget();
    return wordsOf(place);
  }
  await deployment.kill();
  return `${wordsOf(place)} not passed`;
}

async function killAtStart(deployment: Deployment, place: string): Promise<string> {
  const starting = deployment.begin(place);
  await Promise.race([starting.ended, starting.ready.catch(() => undefined)]);
  if (starting.child.signalCode === null) {
    await deployment.kill();
    return `start: ${wordsOf(place)} not passed`;
  }
  return `start: ${wordsOf(place)}`;
}

const wordsOf = (place: string): string => place.split(":")[0] ?? place;

function shuffled<T>(all: readonly T[], chance: Chance): readonly T[] {
  const left = [...all];
  const mixed: T[] = [];
  while (left.length > 0) mixed.push(...left.splice(chance.between(0, left.length - 1), 1));
  return mixed;
}
