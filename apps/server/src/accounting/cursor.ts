import { Refusal } from "@holdfast/kernel";
import type { OrgScope } from "../storage/index.ts";

const form = { alphabet: "base64url", omitPadding: true } as const;

/** Where a page ended: a number, and what stands behind it among equals. Sealed for its list, so that it opens with no other. */
export type Bookmark = readonly [at: number, behind: string];

export const sealCursor = (scope: OrgScope, list: string, bookmark: Bookmark): string =>
  scope.seal("cursor", list, new TextEncoder().encode(JSON.stringify(bookmark))).toBase64(form);

/** @throws Refusal `cursor.malformed` */
export function openCursor(scope: OrgScope, list: string, text: string): Bookmark {
  try {
    const sealed = Uint8Array.fromBase64(text, { alphabet: "base64url" });
    return JSON.parse(new TextDecoder().decode(scope.open("cursor", list, sealed))) as Bookmark; // `sealCursor` wrote it
  } catch (cause) {
    throw new Refusal("cursor.malformed", { cause });
  }
}
