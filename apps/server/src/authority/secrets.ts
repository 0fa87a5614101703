import { timingSafeEqual } from "node:crypto";
import type { Instant } from "@holdfast/kernel";
import type { Credential } from "./credential.ts";

type Secrets = Pick<Credential, "digest" | "former">;

/** Whichever of a credential's secrets this is the digest of. Both are compared, whatever the first comparison says. */
export function digestShown({ digest, former }: Secrets, shown: Uint8Array): Uint8Array | undefined {
  const isCurrent = isEqual(shown, digest);
  const isFormer = former !== undefined && isEqual(shown, former.digest);
  return isCurrent ? digest : isFormer ? former.digest : undefined;
}

/** How long whoever showed this secret may go on. One that the credential does not have any more was replaced twice. */
export function standingOfSecret(
  { digest, former }: Secrets,
  shown: Uint8Array | undefined,
  now: Instant,
): { readonly isOver: boolean; readonly until?: Instant } {
  if (shown === undefined || isSame(shown, digest)) return { isOver: false };
  if (former === undefined || !isSame(shown, former.digest) || now >= former.endsAt) return { isOver: true };
  return { isOver: false, until: former.endsAt };
}

/**
 * Since when there is what has to be shown: a secret is as old as its rotation, and so is what may be done by it. The key that a
 * credential is bound to is never another one, so a new secret makes that credential no younger; a certificate that was renewed is as old
 * as its key.
 */
export function madeAtOf(
  { digest, former, publicKey, issued, createdAt, rotatedAt = createdAt }: Secrets & Pick<Credential, Dated>,
  shown?: Uint8Array,
): Instant {
  if (publicKey && !issued) return createdAt;
  const isFormer =
    former !== undefined && shown !== undefined && isSame(shown, former.digest) && !isSame(shown, digest);
  return isFormer ? former.madeAt : (issued?.keySince ?? rotatedAt);
}

type Dated = "publicKey" | "issued" | "createdAt" | "rotatedAt";

/** Takes the same time whatever differs, of what is as long. */
const isEqual = (one: Uint8Array, other: Uint8Array): boolean =>
  one.length === other.length && timingSafeEqual(one, other);

/** Digests, which are no secret. */
export const isSame = (one: Uint8Array, other: Uint8Array): boolean => one.toHex() === other.toHex();
