import { scrub } from "@holdfast/crypto";

/** Characters of a client's text that are shown. */
const longest = 200;

/** What a client named (a topic, a client id, an attribute), fit to be shown to others. Credentials go first, while they are whole. */
export function fit(text: string): string {
  const clean = scrub(text);
  return clean.length > longest ? `${clean.slice(0, longest)}…` : clean;
}
