import { associated, open, seal } from "@holdfast/crypto";
import { Refusal, type Clock, type Id, type Instant, type Random } from "@holdfast/kernel";
import type { Keyring } from "../storage/index.ts";

type Needs = { readonly keys: Keyring; readonly clock: Clock; readonly random: Random };

/** A secret that somebody is offered, and when. */
type Offer = { readonly secret: Uint8Array<ArrayBuffer>; readonly offeredAt: Instant };

const lifetime = 15 * 60_000; // milliseconds
const timeLength = 8;

const place = (person: Id<"person">) => associated({ org: "instance", kind: "totpOffer", row: person, version: 0 });
const keyOf = ({ keys }: Needs) => keys.instanceKey("totp/offer");

/** Sealed for her, and kept by her page until she shows a code of it: whoever only looks at what is offered leaves nothing here. */
export function sealOffer(
  needs: Needs,
  person: Id<"person">,
  secret: Uint8Array,
): { offer: string; expiresAt: Instant } {
  const now = needs.clock.now();
  const plain = new Uint8Array(timeLength + secret.length);
  new DataView(plain.buffer).setBigUint64(0, BigInt(now));
  plain.set(secret, timeLength);
  const sealed = seal(keyOf(needs), place(person), plain, needs.random);
  return { offer: sealed.toBase64({ alphabet: "base64url" }), expiresAt: (now + lifetime) as Instant }; // milliseconds both
}

/** @throws Refusal `factor.offer` when it is not hers, or over */
export function openOffer(needs: Needs, person: Id<"person">, text: string): Offer {
  const plain = opened(needs, person, text);
  const offeredAt = Number(new DataView(plain.buffer, plain.byteOffset).getBigUint64(0)) as Instant; // we sealed it
  if (needs.clock.now() >= offeredAt + lifetime) throw new Refusal("factor.offer");
  return { secret: plain.slice(timeLength), offeredAt };
}

function opened(needs: Needs, person: Id<"person">, text: string): Uint8Array<ArrayBuffer> {
  try {
    return open(keyOf(needs), place(person), Uint8Array.fromBase64(text, { alphabet: "base64url" }));
  } catch (cause) {
    // No base64, or not what was sealed for her: anybody may send anything.
    if (cause instanceof SyntaxError || cause instanceof Refusal) throw new Refusal("factor.offer", { cause });
    throw cause;
  }
}
