import { Refusal } from "@holdfast/kernel";
import type { ChildAsked } from "@holdfast/protocol";
import { parsePatch, type Document } from "./document.ts";
import { differenceOf, type Twin } from "./twin.ts";

// Twins in ThingsBoard's words: what a device reports are its client attributes, what is wanted of it its shared ones.

const bytesOf = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));

/** What is wanted and not so, as that platform tells of shared attributes that changed; nothing where all is so. */
export function sharedMessageOf(twin: Twin): Uint8Array | undefined {
  const missing = differenceOf(twin);
  return Object.keys(missing).length > 0 ? bytesOf(missing) : undefined;
}

export type AttributesAsked = {
  readonly client: readonly string[] | undefined;
  readonly shared: readonly string[] | undefined;
};

/** `{"clientKeys": "a,b", "sharedKeys": "c"}`; without both all are asked for. @throws Refusal `twin.malformed` */
export function parseAttributesRequest(bytes: Uint8Array): AttributesAsked {
  const { clientKeys, sharedKeys } = parsePatch(bytes);
  const names = (keys: unknown) => {
    if (keys === undefined) return clientKeys === undefined && sharedKeys === undefined ? undefined : [];
    if (typeof keys !== "string") throw new Refusal("twin.malformed");
    return keys.split(",").map((name) => name.trim());
  };
  return { client: names(clientKeys), shared: names(sharedKeys) };
}

/** The same of a child, by the name that its gateway has for it. */
export function sharedMessageOfChild(twin: Twin, device: string): Uint8Array | undefined {
  const data = differenceOf(twin);
  return Object.keys(data).length > 0 ? bytesOf({ device, data }) : undefined;
}

export function attributesMessageOfChild(twin: Twin, { name, number, form, client, shared }: ChildAsked): Uint8Array {
  const of = ({ document }: { readonly document: Document }, names: readonly string[]) =>
    Object.fromEntries(Object.entries(document).filter(([one]) => names.includes(one)));
  const sides = { client: of(twin.reported, client), shared: of(twin.desired, shared) };
  const values = { ...sides.client, ...sides.shared };
  const [value] = Object.values(values);
  // What nobody ever said has no value: the member is not there then.
  const answer = form === "sides" ? sides : form === "values" ? { values } : { value };
  return bytesOf({ id: number, device: name, ...answer });
}

export function attributesMessageOf({ reported, desired }: Twin, { client, shared }: AttributesAsked): Uint8Array {
  const of = (document: Document, names: readonly string[] | undefined) =>
    Object.fromEntries(Object.entries(document).filter(([name]) => !names || names.includes(name)));
  return bytesOf({ client: of(reported.document, client), shared: of(desired.document, shared) });
}
