import { timingSafeEqual } from "node:crypto";
import { idFrom, newId, uuidOf, type Id, type Instant, type Kind, type Random } from "@holdfast/kernel";

/** Keyed, so that nobody else makes the same of the same text: by the key of the organisation, or of the instance. */
type Tag = (text: string) => Uint8Array;

/** A question that a passkey answers by signing it, once. */
export type Challenge<K extends Kind> = { readonly id: Id<K>; readonly expiresAt: Instant };

/** In milliseconds. */
export const challengeLifetime = 5 * 60_000;

/** In milliseconds: for how long after its end a question may still be good by the clock of another node. */
export const challengeSkew = 60_000;

export const newChallenge = <K extends Kind>(kind: K, now: Instant, random: Random): Challenge<K> => ({
  id: newId(kind, random),
  expiresAt: (now + challengeLifetime) as Instant, // milliseconds both
});

const idLength = 16;
const timeLength = 6;
const tagLength = 16;

/**
 * What the browser is asked to have signed: an id, an end, and a tag (HMAC) over both and the purpose. So whoever asks costs no row, and every node
 * that has the key knows its questions again, also after a restart. Answered ones are kept until their end.
 */
export function askedAs<K extends Kind>(
  tag: Tag,
  purpose: string,
  { id, expiresAt }: Challenge<K>,
): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(idLength + timeLength + tagLength);
  bytes.set(Uint8Array.fromHex(uuidOf(id)));
  new DataView(bytes.buffer).setUint16(idLength, Math.floor(expiresAt / 2 ** 32));
  new DataView(bytes.buffer).setUint32(idLength + 2, expiresAt % 2 ** 32);
  bytes.set(tagOf(tag, purpose, bytes), idLength + timeLength);
  return bytes;
}

/** The question, where it is one of ours for this purpose and not over. */
export function answeredIn<K extends Kind>(
  tag: Tag,
  purpose: string,
  kind: K,
  bytes: Uint8Array,
  now: Instant,
): Challenge<K> | undefined {
  if (bytes.length !== idLength + timeLength + tagLength) return undefined;
  if (!timingSafeEqual(bytes.subarray(idLength + timeLength), tagOf(tag, purpose, bytes))) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const expiresAt = (view.getUint16(idLength) * 2 ** 32 + view.getUint32(idLength + 2)) as Instant; // we wrote it
  return now < expiresAt ? { id: idFrom(kind, bytes.slice(0, idLength)), expiresAt } : undefined;
}

const tagOf = (tag: Tag, purpose: string, bytes: Uint8Array): Uint8Array =>
  tag(`${bytes.subarray(0, idLength + timeLength).toHex()}|${purpose}`);
