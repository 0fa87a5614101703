import { isDeepStrictEqual } from "node:util";
import { Refusal } from "@holdfast/kernel";
import { isAttributeName } from "@holdfast/protocol";

/** An object of JSON. */
export type Document = { readonly [name: string]: unknown };

const deepest = 16;

const isDocument = (value: unknown): value is Document =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** What somebody sent to change a document. @throws Refusal `twin.malformed` */
export function readPatch(sent: unknown): Document {
  if (!isDocument(sent) || !isSound(sent, 1)) throw new Refusal("twin.malformed");
  return sent;
}

/** The same in bytes of JSON. @throws Refusal `twin.malformed` */
export function parsePatch(bytes: Uint8Array): Document {
  let sent: unknown;
  try {
    sent = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    throw new Refusal("twin.malformed"); // without the cause: it quotes the body
  }
  return readPatch(sent);
}

/** JSON reads 1e999 as infinite, and `__proto__` as a name: neither comes out again as it went in. */
function isSound(value: unknown, depth: number): boolean {
  if (typeof value === "number") return Number.isFinite(value);
  if (typeof value === "string") return value.isWellFormed();
  if (typeof value !== "object" || value === null) return true;
  if (depth > deepest) return false;
  if (Array.isArray(value)) return value.every((item) => isSound(item, depth + 1));
  return Object.entries(value).every(
    ([name, item]) => isAttributeName(name) && name !== "__proto__" && isSound(item, depth + 1),
  );
}

/** RFC 7396. */
export function merge(target: unknown, patch: Document): Document {
  const merged: Record<string, unknown> = isDocument(target) ? { ...target } : {};
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete merged[name];
    else merged[name] = isDocument(value) ? merge(merged[name], value) : value;
  }
  return merged;
}

/** What has to be merged into `reported` so that all of `desired` is so. What is not desired may be as it is. */
export function difference(desired: Document, reported: Document): Document {
  const missing: Record<string, unknown> = {};
  for (const [name, wanted] of Object.entries(desired)) {
    const there = reported[name];
    if (isDocument(wanted) && isDocument(there)) {
      const within = difference(wanted, there);
      if (Object.keys(within).length > 0) missing[name] = within;
    } else if (!isDeepStrictEqual(wanted, there)) missing[name] = wanted;
  }
  return missing;
}

/** Of this document what stands under such names. */
export const only = (document: Document, isShown: (name: string) => boolean): Document =>
  Object.fromEntries(Object.entries(document).filter(([name]) => isShown(name)));
