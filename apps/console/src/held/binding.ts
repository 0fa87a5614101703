import type { Conditions } from "@holdfast/protocol";
import { words } from "../words/index.ts";
import { conditionsOf, type AskedConditions } from "./conditions.ts";
import { newKey, type NewKey } from "./new-key.ts";
import { readPublicKey, type PublicKey } from "./public-key.ts";

/** What a new credential is to be bound to, as it is typed. */
export type AskedBinding = { bind: "none" | "own" | "new"; pasted: string };

export const noBinding: AskedBinding = { bind: "none", pasted: "" };

export const pastedFault = (pasted: string, { bind }: Pick<AskedBinding, "bind">): string | null => {
  if (bind !== "own") return null;
  const read = readPublicKey(pasted);
  return "fault" in read ? words.held.faults[read.fault] : null;
};

export type Held = { readonly publicKey?: PublicKey; readonly conditions?: Conditions };

/** How a new credential has to be held, as the platform takes it; and the key, where one was made for it. */
export async function heldOf(
  asked: AskedBinding & AskedConditions,
): Promise<{ readonly held: Held; readonly made: NewKey | undefined }> {
  const conditions = conditionsOf(asked);
  const made = asked.bind === "new" ? await newKey() : undefined;
  const read = asked.bind === "own" ? readPublicKey(asked.pasted) : undefined;
  const publicKey = made?.publicKey ?? (read && "key" in read ? read.key : undefined);
  return { held: { ...(conditions && { conditions }), ...(publicKey && { publicKey }) }, made };
}
