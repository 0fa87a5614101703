import { Refusal, type Instant } from "@holdfast/kernel";

/** What a device said that it trusts: SHA-256 of each root, in lower-case hex. */
export type Trusted = { readonly roots: ReadonlySet<string>; readonly saidAt: Instant };

/** Whether a device would reach a platform that shows what a root signed. */
export type Trust = "ready" | "behind" | "unknown";

const mostRoots = 32;
const form = /^[0-9a-f]{64}$/;

/** With colons and in upper case, as OpenSSL shows it, or without. */
export const digestOf = (sha256: string): string => sha256.replaceAll(":", "").toLowerCase();

/** As OpenSSL shows it. */
export const shownOf = (digest: string): string => (digest.toUpperCase().match(/../g) ?? []).join(":");

export function trustOf(trusted: Trusted | undefined, digest: string): Trust {
  if (!trusted) return "unknown";
  return trusted.roots.has(digest) ? "ready" : "behind";
}

/** What a device says, `{"roots": [SHA-256, …]}`. @throws Refusal `roots.malformed` */
export function parseTrusted(bytes: Uint8Array): readonly string[] {
  const said: unknown = jsonOf(bytes);
  if (typeof said !== "object" || said === null || !("roots" in said)) throw new Refusal("roots.malformed");
  const { roots } = said;
  if (!Array.isArray(roots) || roots.length === 0 || roots.length > mostRoots) throw new Refusal("roots.malformed");
  return [...new Set(roots.map(readDigest))].toSorted();
}

function readDigest(said: unknown): string {
  const digest = typeof said === "string" ? digestOf(said) : "";
  if (!form.test(digest)) throw new Refusal("roots.malformed");
  return digest;
}

function jsonOf(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    throw new Refusal("roots.malformed"); // without the cause: it quotes the body
  }
}
