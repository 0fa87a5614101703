import { X509Certificate } from "node:crypto";
import { Refusal } from "@holdfast/kernel";
import { z } from "zod";
import { validityOf } from "./certificate.ts";
import type { Role } from "./roots.ts";
import type { Signed } from "./sign.ts";

/** Where private keys are remembered: the keyring does it. `keepSecret` replaces what stood under the name, at once or not at all. */
export interface SecretPlace {
  secret(name: string): Promise<Uint8Array | undefined>;
  keepSecret(name: string, bytes: Uint8Array): Promise<void>;
}

const signed = z.object({ certificate: z.string(), key: z.string() });

const root = z.object({
  certificate: z.string(),
  /** Of those that sign. A spare's lies apart (`sparePlace`), that of a root that is past is gone. */
  key: z.string().optional(),
  role: z.enum(["signs", "spare", "past"]).default("signs"),
});

const kept = z.object({
  /** 1 knew neither roles nor bundles; who reads 1 alone is to refuse what would be lost on it. */
  format: z.union([z.literal(1), z.literal(2)]),
  /** Eight hex digits that tell this instance from others in a list of trusted authorities. */
  instance: z.string(),
  roots: z.array(root),
  leaf: signed.extend({ names: z.array(z.string()) }).optional(),
  bundle: z
    .object({
      version: z.int(),
      roots: z.array(z.string()),
      signed: z.string(),
      signatures: z.array(z.object({ root: z.string(), signature: z.string() })),
    })
    .optional(),
});

/** All of it is one secret, so that a root and what it signed never come apart. */
export type Kept = z.infer<typeof kept>;
export type KeptRoot = Kept["roots"][number];

const place = "tls.authority";

/** By the root's own fingerprint: one that is made for want of another takes nobody's place. */
const sparePlace = (certificate: string): string => `tls.spare.${new X509Certificate(certificate).fingerprint256}`;

/** @throws Refusal `tls.unusable` */
export async function readKept(secrets: SecretPlace): Promise<Kept | undefined> {
  const bytes = await secrets.secret(place);
  return bytes && parse(bytes);
}

export const writeKept = (secrets: SecretPlace, state: Kept): Promise<void> =>
  secrets.keepSecret(place, new TextEncoder().encode(JSON.stringify({ ...state, format: 2 })));

/** A spare whose key somebody keeps elsewhere has none here. */
export async function readSpare(secrets: SecretPlace, certificate: string): Promise<Signed | undefined> {
  const bytes = await secrets.secret(sparePlace(certificate));
  return bytes && bytes.length > 0 ? { certificate, key: new TextDecoder().decode(bytes) } : undefined;
}

/** Before its certificate is kept beside the others: what devices are told to trust must not be lost. */
export const writeSpare = (secrets: SecretPlace, { certificate, key }: Signed): Promise<void> =>
  secrets.keepSecret(sparePlace(certificate), new TextEncoder().encode(key));

export const dropSpare = (secrets: SecretPlace, certificate: string): Promise<void> =>
  secrets.keepSecret(sparePlace(certificate), new Uint8Array(0));

function parse(bytes: Uint8Array): Kept {
  try {
    return kept.parse(JSON.parse(new TextDecoder().decode(bytes)));
  } catch {
    // Without the cause: a parser's message may quote what it read, and that is a private key.
    throw new Refusal("tls.unusable", {
      detail: "What the keyring keeps for TLS cannot be read. Restore a keys backup.",
    });
  }
}

export type Root = KeptRoot & {
  readonly x509: X509Certificate;
  readonly notBefore: number;
  readonly notAfter: number;
  readonly role: Role;
};

export function openRoot(root: KeptRoot): Root {
  const x509 = new X509Certificate(root.certificate);
  return { ...root, x509, ...validityOf(x509) };
}

/** What a root signs with. */
export function signerOf({ certificate, key }: KeptRoot): Signed {
  if (key === undefined) throw new Error("a root that signs has no key");
  return { certificate, key };
}
