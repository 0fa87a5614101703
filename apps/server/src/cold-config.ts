import path from "node:path";
import { Refusal } from "@holdfast/kernel";
import type { S3Place } from "./outbound/index.ts";

export type ColdConfig = {
  readonly afterDays: number;
  /** A folder, or a bucket with what stands before each name in it. */
  readonly store: { readonly folder: string } | Omit<S3Place, "secret">;
  /** Instead of a secret in the environment. */
  readonly secretFile: string | undefined;
  readonly secret: string | undefined;
};

type ColdOptions = Record<"after" | "store" | "region" | "keyId" | "secretFile" | "secret", string | undefined>;

/** Where readings are moved when they are old. @throws Refusal `config.malformed` */
export function coldIn({
  after,
  store,
  region = "auto",
  keyId,
  secretFile,
  secret,
}: ColdOptions): ColdConfig | undefined {
  if (store === undefined) {
    if (after === undefined && keyId === undefined && secretFile === undefined) return undefined;
    throw malformed("--cold-after, --cold-key-id and --cold-secret-file need --cold-store.");
  }
  if (after === undefined)
    throw malformed("--cold-store needs --cold-after: from how many days on readings are moved.");
  const afterDays = Number(after);
  if (!/^\d{1,5}$/.test(after) || afterDays < 1) throw malformed("--cold-after is a whole number of days, 1 at least.");
  if (!store.includes("://")) return { afterDays, store: { folder: path.resolve(store) }, secretFile, secret };
  const [, host, bucket, prefix = ""] =
    /^s3:\/\/([A-Za-z0-9.-]+(?::\d{1,5})?)\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])((?:\/[\w.-]+)*)\/?$/.exec(store) ?? [];
  if (host === undefined) throw malformed("--cold-store is a folder, or s3://HOST[:PORT]/BUCKET[/PREFIX].");
  if (keyId === undefined || (secretFile === undefined) === (secret === undefined))
    throw malformed(
      "A bucket needs --cold-key-id, and its secret in --cold-secret-file or HOLDFAST_COLD_SECRET, once.",
    );
  const place = {
    endpoint: `https://${host}/${bucket}`,
    prefix: prefix === "" ? "" : `${prefix.slice(1)}/`,
    region,
    keyId,
  };
  return { afterDays, store: place, secretFile, secret };
}

const malformed = (detail: string): Refusal => new Refusal("config.malformed", { detail });
