import { openWithPassphrase, sealWithPassphrase } from "@holdfast/crypto";
import { Refusal, type Id, type Instant, type Random } from "@holdfast/kernel";
import { z } from "zod";
import type { EntryKind, Erased, Revocation, Ruling } from "./store.ts";

/** A keyring in the open, in memory, on its way to or from a file that a passphrase seals. */
export type Saved = {
  readonly instance: string;
  readonly at: Instant;
  readonly keys: readonly { kind: EntryKind; name: string; madeAt: Instant; key: Uint8Array }[];
  readonly erased: readonly Erased[];
  readonly revocations: readonly Revocation[];
  readonly rulings: readonly Ruling[];
  readonly letGoBy: Instant;
};

/** What a backup holds, for people: whose it is, when it was made, how many keys of each kind. */
export type Summary = {
  readonly instance: string;
  readonly at: Instant;
  readonly counts: Readonly<Partial<Record<EntryKind, number>>>;
};

const shortestPassphrase = 12;
const kind = z.enum(["org", "person", "device", "segment", "messages", "root", "secret"]);
const instant = z.custom<Instant>((value) => Number.isSafeInteger(value));
const org = z.custom<Id<"org">>((value) => typeof value === "string");

// Rows as lists: a keyring of 100,000 devices is 12 MB so.
const written = z.object({
  format: z.literal(1),
  instance: z.string(),
  at: instant,
  keys: z.array(z.tuple([kind, z.string(), instant, z.base64()])),
  erased: z.array(z.tuple([kind, z.string(), instant])),
  revocations: z.array(z.tuple([org, z.string(), z.array(z.string()), z.int(), instant])),
  // Backups that were made before there were any have none.
  rulings: z.array(z.tuple([org, z.string(), z.string(), z.string().nullable(), z.int()])).default([]),
  letGoBy: instant.default(0 as Instant),
});

/** @throws Refusal `password.weak`: whoever has the file can try passphrases for as long as they like */
export function sealBackup(saved: Saved, passphrase: string, random: Random): Promise<Uint8Array> {
  if (passphrase.length < shortestPassphrase) throw new Refusal("password.weak");
  const json: z.infer<typeof written> = {
    format: 1,
    instance: saved.instance,
    at: saved.at,
    keys: saved.keys.map(({ kind, name, madeAt, key }) => [kind, name, madeAt, key.toBase64()]),
    erased: saved.erased.map(({ kind, name, at }) => [kind, name, at]),
    revocations: saved.revocations.map(({ org, about, ends, seq, at }) => [org, about, [...ends], seq, at]),
    rulings: saved.rulings.map(({ org, about, kind, says, seq }) => [org, about, kind, says ?? null, seq]),
    letGoBy: saved.letGoBy,
  };
  return sealWithPassphrase(passphrase, new TextEncoder().encode(JSON.stringify(json)), random);
}

/** @throws Refusal `backup.wrong`, `storage.newer` */
export async function openBackup(bytes: Uint8Array, passphrase: string): Promise<Saved> {
  const json: unknown = JSON.parse(new TextDecoder().decode(await openWithPassphrase(passphrase, bytes)));
  const read = written.safeParse(json);
  // The seal was good, so a program of ours wrote this: a later one.
  if (!read.success) throw new Refusal("storage.newer", { detail: "This is about the keys backup." });
  const { instance, at, keys, erased, revocations, rulings, letGoBy } = read.data;
  return {
    instance,
    at,
    keys: keys.map(([kind, name, madeAt, key]) => ({ kind, name, madeAt, key: Uint8Array.fromBase64(key) })),
    erased: erased.map(([kind, name, at]) => ({ kind, name, at })),
    revocations: revocations.map(([org, about, ends, seq, at]) => ({ org, about, ends, seq, at })),
    rulings: rulings.map(([org, about, kind, says, seq]) => ({ org, about, kind, says: says ?? undefined, seq })),
    letGoBy,
  };
}

/** Whether a file is a keys backup that this passphrase opens, and of what. @throws Refusal `backup.wrong` */
export async function verifyBackup(bytes: Uint8Array, passphrase: string): Promise<Summary> {
  return summaryOf(await openBackup(bytes, passphrase));
}

export function summaryOf({ instance, at, keys }: Saved): Summary {
  const counts: Partial<Record<EntryKind, number>> = {};
  for (const { kind } of keys) counts[kind] = (counts[kind] ?? 0) + 1;
  return { instance, at, counts };
}
