import type { Random } from "./random.ts";
import { Refusal } from "./refusal.ts";

/** One line per kind of thing that has an identifier. Append only: prefixes are on the wire. */
const prefixes = {
  alert: "alr",
  alertRule: "rul",
  application: "app",
  certificate: "crt",
  certificateAuthority: "cau",
  command: "cmd",
  commandBatch: "bat",
  connection: "con",
  dashboard: "dsh",
  device: "dev",
  entry: "ent",
  factorReset: "rst",
  group: "grp",
  invitation: "inv",
  key: "key",
  listEntry: "lst",
  node: "nod",
  org: "org",
  passkey: "pky",
  person: "per",
  provider: "prv",
  product: "prd",
  role: "rol",
  session: "ses",
  task: "tsk",
  token: "tok",
  user: "usr",
  webhook: "whk",
} as const;

export type Kind = keyof typeof prefixes;

declare const kindOf: unique symbol;

/** An identifier that has been parsed. `Id<"device">` and `Id<"org">` do not mix. */
export type Id<K extends Kind> = string & { readonly [kindOf]: K };

/** What a credential is called by: access and device keys, API tokens, and sessions of people. */
export type CredentialId = Id<"key"> | Id<"token"> | Id<"session">;

export function newId<K extends Kind>(kind: K, random: Random): Id<K> {
  return `${prefixes[kind]}_${random.bytes(16).toHex()}` as Id<K>;
}

const body = /^[0-9a-f]{32}$/;

export function isId<K extends Kind>(kind: K, text: string): text is Id<K> {
  return text.length === 36 && text.startsWith(`${prefixes[kind]}_`) && body.test(text.slice(4));
}

export function parseId<K extends Kind>(kind: K, text: string): Id<K> {
  if (!isId(kind, text)) throw new Refusal("id.malformed");
  return text;
}

/** What kind of thing an identifier names, or `undefined` when the text is none of ours. */
export function kindOfId(text: string): Kind | undefined {
  for (const kind in prefixes) {
    if (isId(kind as Kind, text)) return kind as Kind; // for…in over a constant: its keys are the kinds
  }
  return undefined;
}

/** The 128 bits of an identifier, as PostgreSQL's `uuid` and sealed records keep them. */
export const uuidOf = (id: Id<Kind>): string => id.slice(4);
export const bytesOf = (id: Id<Kind>): Uint8Array<ArrayBuffer> => Uint8Array.fromHex(id.slice(4));

/** The way back from storage: the column says which kind it is. */
export function idFrom<K extends Kind>(kind: K, stored: string | Uint8Array): Id<K> {
  const hex = typeof stored === "string" ? stored.replaceAll("-", "") : stored.toHex();
  return parseId(kind, `${prefixes[kind]}_${hex}`);
}
