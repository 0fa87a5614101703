import { setTimeout as wait } from "node:timers/promises";
import { Chance } from "./chance.ts";
import { warmUp } from "./growth.ts";
import type { Held } from "./heap.ts";
import type { Place } from "./places.ts";
import { endRegulars, visit, type Scene } from "./visit.ts";

export type Wish = { readonly seconds: number; readonly rate: number; readonly every: number; readonly seed: number };

/** How many visits were over, and what the server held then. */
export type Moment = Held & { readonly seconds: number; readonly visits: number };

/** Of those who come in one second, as many are there at once at most. */
const crowded = 2;

/**
 * So many clients a second come and go for so long. Every few seconds nobody else is let in until all have gone and the time of their sessions is
 * over, and it is measured what the server holds: how much it has to remember at once is a matter of how busy the machine is. What has room for many
 * keeps that room, so in the beginning as many come at once as ever may.
 */
export async function* churn(
  { scene, heap, memory }: Place,
  { seconds, rate, every, seed }: Wish,
): AsyncGenerator<Moment> {
  const chance = new Chance(seed);
  const began = performance.now();
  const elapsed = () => (performance.now() - began) / 1000;
  for (let visits = 0; elapsed() < seconds;) {
    const together = elapsed() < warmUp ? crowded * rate : 0;
    visits += await crowd(scene, chance, visits, { rate, seconds: every, together });
    await endRegulars(scene);
    await wait(memory);
    const held = await heap.measure();
    yield { seconds: elapsed(), visits, ...held };
  }
}

/** Lets clients in for so long, and answers how many there were when all of them have gone. */
async function crowd(
  scene: Scene,
  chance: Chance,
  from: number,
  { rate, seconds, together }: { readonly rate: number; readonly seconds: number; readonly together: number },
): Promise<number> {
  const open = new Set<Promise<void>>();
  const began = performance.now();
  let came = 0;
  const letIn = (): void => {
    const one = visit(scene, new Chance(chance.below(0x7fffffff)), from + came).finally(() => open.delete(one));
    open.add(one);
    came++;
  };
  for (let elapsed = 0; elapsed < seconds; elapsed = (performance.now() - began) / 1000) {
    // On a machine that is held up they come together afterwards, but not without end.
    while (came < together + elapsed * rate && open.size < crowded * rate) letIn();
    await wait(10);
  }
  await Promise.all(open);
  return came;
}
