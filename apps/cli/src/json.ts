import { Misuse } from "./failure.ts";
import type { Reader } from "./parameter.ts";

/** @throws Misuse */
export function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Misuse(`'${text}' is not JSON`);
  }
}

export const json: Reader<unknown> = { hint: "JSON", read: jsonIn };
