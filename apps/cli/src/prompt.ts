import { createInterface } from "node:readline/promises";
import { Writable } from "node:stream";
import { Hindrance, Misuse } from "./failure.ts";
import type { World } from "./world.ts";

/**
 * Asks a person on the terminal; a hidden answer is not echoed. `instead` says how programs give it.
 * @throws Misuse when nobody is there to answer; Hindrance when she leaves
 */
export async function ask(
  { in: input, err }: World,
  question: string,
  answer: "shown" | "hidden",
  instead: string,
): Promise<string> {
  if (!input.isTTY || !err.isTTY) throw new Misuse(`${instead} is missing, and there is no terminal to ask on.`);
  const output = answer === "shown" ? err : new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input, output, terminal: true, historySize: 0 });
  const left = new Promise<never>((_resolve, reject) => {
    lines.once("close", () => reject(new Hindrance("Stopped.")));
  });
  left.catch(() => undefined); // closed below as well, when nobody waits for it any more
  if (answer === "hidden") err.write(`${question}: `);
  try {
    return await Promise.race([lines.question(`${question}: `), left]);
  } catch (cause) {
    throw cause instanceof Hindrance ? cause : new Hindrance("Stopped.", { cause });
  } finally {
    lines.close();
    if (answer === "hidden") err.write("\n");
  }
}
