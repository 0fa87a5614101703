import { checksum, checksumLength } from "./checksum.ts";
import { secretPrefixes } from "./secret.ts";
import { socketSecretPrefix } from "./socket-secret.ts";
import { tokenHead, tokenPattern } from "./token.ts";

/** What is published with a page is no leak, in an address either. */
const prefixes = Object.entries(secretPrefixes).flatMap(([kind, prefix]) => (kind === "publishable" ? [] : [prefix]));
const secretHead = `(?:${[...prefixes, socketSecretPrefix].join("|")})`;
const secretPattern = `${secretHead}[A-Za-z0-9_-]{43}[0-9A-Za-z]{${checksumLength}}`;
// Also what was cut short or mistyped, or lost the token's prefix: most of a credential is as bad as all of it.
const most = new RegExp(`${secretHead}[A-Za-z0-9_-]{8,}|(?:hf_)?${tokenHead}[A-Za-z0-9_.-]*`, "g");
const mark = "[credential]";

/** Whether a text, a URL's path or query say, holds one of our tokens or secrets, percent-encoded or not, with the right checksum. */
export function credentialIn(text: string): boolean {
  const plain = unescaped(text);
  const whole = new RegExp(`${secretPattern}|${tokenPattern}`, "g");
  for (let found = whole.exec(plain); found; found = whole.exec(plain)) {
    const [candidate] = found;
    const body = candidate.slice(0, -checksumLength);
    if (checksum(body.endsWith(".") ? body.slice(0, -1) : body) === candidate.slice(-checksumLength)) return true;
    whole.lastIndex = found.index + 1; // a real one may begin inside one that only looks like it
  }
  return false;
}

/** The text with a mark in place of each credential of ours, whole or cut, for logs. Text without one stays as it is. */
export function scrub(text: string): string {
  const plain = unescaped(text);
  const clean = plain.replace(most, mark);
  return clean === plain ? text : clean;
}

const escaped = /%(?:25)*([0-9a-f]{2})/gi;

/**
 * Undoes percent-encoding (RFC 3986, 2.1), repeated encoding too, of the characters that credentials consist of, and of no others: no line end
 * comes into a log by it. Three rounds, so that hostile text costs no more than its length.
 */
function unescaped(text: string): string {
  let plain = text;
  for (let round = 0; round < 3 && plain.includes("%"); round += 1) {
    plain = plain.replace(escaped, (all, hex: string) => {
      const character = String.fromCharCode(Number.parseInt(hex, 16));
      return /[A-Za-z0-9_.%-]/.test(character) ? character : all;
    });
  }
  return plain;
}
