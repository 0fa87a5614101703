import type { Asked, Challenge, Proof, TurnedAway, Welcome } from "@holdfast/mqtt";
import { proofBytes, proofLabel, proofMethod, type ProofOf } from "@holdfast/crypto";
import { Refusal, type Random } from "@holdfast/kernel";
import type { SessionContext } from "./session.ts";
import { notAuthorized, badAuthenticationMethod } from "./codes.ts";

export type Signed = { readonly proof: Pick<ProofOf, "nonce" | "exporter">; readonly signature: Uint8Array };

type Judge = (signed: Signed) => Promise<Welcome<SessionContext> | TurnedAway>;

/** The exchange of docs/proof.md: a nonce for the client, whose signature `judge` is given with what it has to be for. */
export function challenge(
  { transport }: Asked,
  { method, data = new Uint8Array() }: Proof,
  random: Random,
  judge: Judge,
): Challenge<SessionContext> | TurnedAway {
  if (method !== proofMethod || data.length > 0) {
    return { turnedAway: badAuthenticationMethod, reasonString: `There is ${proofMethod}, which begins without data.` };
  }
  if (!transport.exportKey) {
    const { message } = new Refusal("proof.invalid", { detail: "This connection is not over TLS 1.3." });
    return { turnedAway: notAuthorized, reasonString: message };
  }
  const nonce = random.bytes(proofBytes.nonce);
  const exporter = transport.exportKey(proofLabel, proofBytes.exporter);
  return {
    challenge: nonce,
    answered: (signature = new Uint8Array()) => judge({ proof: { nonce, exporter }, signature }),
  };
}
