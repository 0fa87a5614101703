import { ApiProblem } from "@holdfast/client";
import { Misuse } from "./failure.ts";
import { ask } from "./prompt.ts";
import type { World } from "./world.ts";

/** Asks a person for a code where the platform asks for one: only whoever has a second factor is asked. A program gives it with `--code-file`. */
export async function withCode<T>(
  world: World,
  given: string | undefined,
  send: (code: string | undefined) => Promise<T>,
): Promise<T> {
  try {
    return await send(given);
  } catch (error) {
    const isAsked = error instanceof ApiProblem && error.code === "factor.required";
    if (!isAsked || !world.in.isTTY) throw error;
    if (error.faults.length > 0 && error.faults.every(({ path }) => path === "passkey"))
      throw new Misuse(
        "This account has a passkey, which a terminal cannot ask for. Sign in by a browser: holdfast login, without --email.",
        {
          cause: error,
        },
      );
    return send(await ask(world, "Code of your authenticator app, or a recovery code", "shown", "--code-file"));
  }
}
