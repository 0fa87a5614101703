import { chmodSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { PrivateKey } from "@holdfast/client";
import { Hindrance, systemCode } from "./failure.ts";
import { parsePrivateKey } from "./own-files.ts";

/** What `holdfast login` remembers. What opens stands in the system's keyring under the name here, or else here itself, which makes it a secret. */
export type Profile = {
  readonly url: string;
  readonly keyring?: string | undefined;
  readonly token?: string | undefined;
  /** What the token is bound to. It stands here itself, as the authority does: the profile alone is enough. */
  readonly key?: PrivateKey | undefined;
  /** The authority to trust as PEM text, so that moving its file changes nothing. */
  readonly ca?: string | undefined;
  /** Where that came from, and where devices connect: for lines that other programs are started with. */
  readonly caFile?: string | undefined;
  readonly mqttsUrl?: string | undefined;
  readonly org?: string | undefined;
  readonly expiresAt?: string | undefined;
};

/** `undefined` when nobody is signed in here. @throws Hindrance */
export function readProfile(file: string): Profile | undefined {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    if (systemCode(error) === "ENOENT") return undefined;
    throw hindrance(file, "read", error);
  }
  const profile = parseProfile(text);
  if (!profile) throw new Hindrance(`The profile ${file} is damaged. Run holdfast login to write it anew.`);
  return profile;
}

/** Readable by its owner only, from its first byte on; whoever reads at the same time sees the old one or the new one. */
export function writeProfile(file: string, profile: Profile): void {
  const coming = `${file}.${process.pid}`;
  try {
    mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
    writeFileSync(coming, `${JSON.stringify(profile, undefined, 2)}\n`, { mode: 0o600 });
    chmodSync(coming, 0o600); // a file that somebody left there keeps its own mode
    renameSync(coming, file);
  } catch (error) {
    rmSync(coming, { force: true });
    throw hindrance(file, "written", error);
  }
}

export function removeProfile(file: string): void {
  try {
    rmSync(file, { force: true });
  } catch (error) {
    throw hindrance(file, "removed", error);
  }
}

function parseProfile(text: string): Profile | undefined {
  let read: unknown;
  try {
    read = JSON.parse(text);
  } catch {
    return undefined; // the caller says that it is damaged
  }
  if (typeof read !== "object" || read === null || Array.isArray(read)) return undefined;
  const field = (name: string): string | undefined => {
    const value: unknown = Reflect.get(read, name);
    return typeof value === "string" ? value : undefined;
  };
  const url = field("url");
  const token = field("token");
  const keyring = field("keyring");
  if (url === undefined || (token === undefined) === (keyring === undefined) || !URL.canParse(url)) return undefined;
  const written: unknown = Reflect.get(read, "key");
  const key = written === undefined ? undefined : parsePrivateKey(JSON.stringify(written));
  if (written !== undefined && !key) return undefined;
  const mqttsUrl = field("mqttsUrl");
  return {
    url,
    keyring,
    token,
    key,
    ca: field("ca"),
    caFile: field("caFile"),
    mqttsUrl: mqttsUrl !== undefined && URL.canParse(mqttsUrl) ? mqttsUrl : undefined,
    org: field("org"),
    expiresAt: field("expiresAt"),
  };
}

const hindrance = (file: string, what: string, cause: unknown): Hindrance =>
  new Hindrance(`The profile ${file} cannot be ${what} (${systemCode(cause) ?? "unknown"}).`, { cause });
