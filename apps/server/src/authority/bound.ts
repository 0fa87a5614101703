import { parsePublicKey, type PublicKey } from "@holdfast/crypto";
import { Refusal } from "@holdfast/kernel";
import type { Conditions } from "@holdfast/protocol";
import { readConditions } from "./conditions.ts";

/** The key to which a new credential is to be bound. @throws Refusal `request.malformed` when it is none */
function keyToBind(asked: PublicKey | undefined): PublicKey | undefined {
  const key = asked && parsePublicKey(asked);
  if (asked && !key) {
    const fault = { path: "publicKey", message: "no public key of Ed25519 or P-256: its point is not on the curve" };
    throw new Refusal("request.malformed", { faults: [fault] });
  }
  return key;
}

/** How the new credential has to be held to be good. @throws Refusal `request.malformed` */
export const heldOf = (asked: {
  publicKey?: PublicKey | undefined;
  conditions?: Conditions | undefined;
}): { publicKey: PublicKey | undefined; conditions: Conditions | undefined } => ({
  publicKey: keyToBind(asked.publicKey),
  conditions: readConditions(asked.conditions),
});
