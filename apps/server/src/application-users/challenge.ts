import { timingSafeEqual } from "node:crypto";
import { idFrom, type Id, type Instant, type Kind, uuidOf } from "@holdfast/kernel";
import type { OrgScope } from "../storage/index.ts";

/** What an answer is good for, of whom, and in which application. */
export type Purpose = {
  readonly what: "signIn" | "signUp" | "add";
  readonly application: Id<"application">;
  /** The login that was named, or the user who asks. */
  readonly about: string;
};

/** A question that a passkey answers by signing it, once. */
export type Challenge<K extends Kind> = { readonly id: Id<K>; readonly expiresAt: Instant };

/** In milliseconds. */
export const challengeLifetime = 5 * 60_000;

const idLength = 16;
const timeLength = 6;
const tagLength = 16;

/**
 * What the browser is asked to have signed: an id, an end, and a tag (HMAC) over both and the purpose. So whoever asks costs no row, and every node
 * that has the organisation's key knows its questions again, also after a restart. Answered ones are kept until their end.
 */
export function askedAs<K extends Kind>(
  scope: OrgScope,
  purpose: Purpose,
  { id, expiresAt }: Challenge<K>,
): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(idLength + timeLength + tagLength);
  bytes.set(Uint8Array.fromHex(uuidOf(id)));
  new DataView(bytes.buffer).setUint16(idLength, Math.floor(expiresAt / 2 ** 32));
  new DataView(bytes.buffer).setUint32(idLength + 2, expiresAt % 2 ** 32);
  bytes.set(tagOf(scope, purpose, bytes), idLength + timeLength);
  return bytes;
}

/** The question, where it is one of ours for this purpose and not over. */
export function answeredIn<K extends Kind>(
  scope: OrgScope,
  purpose: Purpose,
  kind: K,
  bytes: Uint8Array,
  now: Instant,
): Challenge<K> | undefined {
  if (bytes.length !== idLength + timeLength + tagLength) return undefined;
  if (!timingSafeEqual(bytes.subarray(idLength + timeLength), tagOf(scope, purpose, bytes))) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const expiresAt = (view.getUint16(idLength) * 2 ** 32 + view.getUint32(idLength + 2)) as Instant; // we wrote it
  return now < expiresAt ? { id: idFrom(kind, bytes.slice(0, idLength)), expiresAt } : undefined;
}

function tagOf(scope: OrgScope, { what, application, about }: Purpose, bytes: Uint8Array): Uint8Array {
  const head = bytes.subarray(0, idLength + timeLength).toHex();
  return scope.index("application-user/challenge", [what, application, head, about].join("|"));
}
