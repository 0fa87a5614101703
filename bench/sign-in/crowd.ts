import os from "node:os";
import { setTimeout as wait } from "node:timers/promises";
import { postFrom, type Place } from "./from.ts";

// People who sign in at once, in a process of their own: what they do there is not to delay who measures.

export type Person = { readonly email: string; readonly password: string; readonly address: string };
export type Asked = Place & { readonly people: readonly Person[] };
export type Told = {
  /** Until the last one was in. */
  readonly seconds: number;
  /** How often somebody was told to come again, and after how many seconds; and what else was answered. */
  readonly refused: number;
  readonly retryAfter: readonly number[];
  readonly others: readonly string[];
  /** How often a connection was hung up on before there was an answer. */
  readonly hungUp: number;
};

/** All of them at once; whoever is told to come again does, as late as that says. */
async function come(asked: Asked): Promise<Told> {
  const began = performance.now();
  const retryAfter = new Set<number>();
  const others: string[] = [];
  let refused = 0;
  let hungUp = 0;
  await Promise.all(
    asked.people.map(async ({ email, password, address }) => {
      for (;;) {
        const answer = await postFrom(address, asked, "/v1/sessions", { email, password }).catch(() => undefined);
        if (!answer) {
          hungUp += 1;
          await wait(1_000);
          continue;
        }
        if (answer.status === 201) return;
        if (answer.status !== 429 && answer.status !== 503) return void others.push(String(answer.status));
        refused += 1;
        retryAfter.add(answer.retryAfter);
        await wait(answer.retryAfter * 1_000);
      }
    }),
  );
  return { seconds: (performance.now() - began) / 1_000, refused, retryAfter: [...retryAfter], others, hungUp };
}

if (process.send) {
  os.setPriority(os.constants.priority.PRIORITY_LOW);
  process.on("message", (asked: Asked) => void come(asked).then((told) => process.send?.(told)));
}
