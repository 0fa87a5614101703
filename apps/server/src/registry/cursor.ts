import { isId, Refusal } from "@holdfast/kernel";
import type { OrgScope } from "../storage/index.ts";
import type { DeviceFilter, DeviceOrder, Bookmark } from "./device-filter.ts";

/** What a page belongs to. */
export type Listing = { readonly filter: DeviceFilter; readonly order: DeviceOrder };

const form = { alphabet: "base64url", omitPadding: true } as const;

/** Sealed for the organisation and what was asked: it tells nobody anything, and opens with no other sort, filter or organisation. */
export const sealCursor = (scope: OrgScope, listing: Listing, { by, id }: Bookmark): string =>
  scope.seal("cursor", rowOf(listing), new TextEncoder().encode(JSON.stringify([by, id]))).toBase64(form);

/** @throws Refusal `cursor.malformed` */
export function openCursor(scope: OrgScope, listing: Listing, text: string): Bookmark {
  try {
    const sealed = Uint8Array.fromBase64(text, { alphabet: "base64url" });
    const [by, id] = JSON.parse(new TextDecoder().decode(scope.open("cursor", rowOf(listing), sealed))) as unknown[]; // `sealCursor` wrote it
    if ((typeof by === "number" || typeof by === "string") && typeof id === "string" && isId("device", id))
      return { by, id };
  } catch (cause) {
    throw new Refusal("cursor.malformed", { cause });
  }
  throw new Refusal("cursor.malformed");
}

const rowOf = ({ filter, order }: Listing): string =>
  JSON.stringify([
    order,
    filter.application ?? null,
    filter.product ?? null,
    filter.state ?? null,
    filter.presence ?? null,
    filter.tags.map(({ key, value }) => [key, value]),
    filter.words,
    ...(filter.gateway ? [filter.gateway] : []),
    ...(filter.finding ? [filter.finding] : []),
  ]);
