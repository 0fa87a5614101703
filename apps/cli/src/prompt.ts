import { createInterface } from "node:readline/promises";
import { Writable } from "node:stream";
import { Hindrance, Misuse } from "./failure.ts";
import { readSecret } from "./own-files.ts";
import type { World } from "./world.ts";

/** What nobody else may see: from the file that was named, else from whoever is there; never from a flag, where every process can see it. */
export const askSecret = async (world: World, question: string, flag: string, file: string | undefined) =>
  file === undefined ? ask(world, question, "hidden", flag) : readSecret(file, flag, world.in);

/** The link that somebody was sent, or the secret in it, and the password that goes with it. @throws Misuse */
export async function askLink(
  world: World,
  { mark, password: question }: { readonly mark: "invitation" | "reset"; readonly password: string },
  {
    "link-file": linkFile,
    "password-file": passwordFile,
  }: Partial<Record<"link-file" | "password-file", string | undefined>>,
): Promise<{ readonly url: string | undefined; readonly secret: string; readonly password: string }> {
  if (linkFile === "-" && passwordFile === "-") throw new Misuse("Only one of the two can come from stdin.");
  const link = await askSecret(world, "Link", "--link-file", linkFile);
  const password = await askSecret(world, question, "--password-file", passwordFile);
  const [address = "", secret] = link.trim().split(`#${mark}=`); // https://host:port/#invitation=SECRET
  if (secret === undefined) return { url: undefined, secret: address, password };
  return { url: address || undefined, secret, password };
}

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
