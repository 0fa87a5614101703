import { Refusal } from "@holdfast/kernel";
import type { Caller } from "../authority/index.ts";

/** Why the credential's own rate lets no more through now, if so. */
export function overdrawnBy(caller: Caller): Refusal | undefined {
  try {
    caller.draw();
    return undefined;
  } catch (error) {
    if (error instanceof Refusal) return error;
    throw error;
  }
}
