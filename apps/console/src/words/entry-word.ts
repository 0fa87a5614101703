import { audit } from "./en.ts";

/** What an entry of the audit log says; one that this console does not know yet by its own name. */
export const entryWord = (what: string): string =>
  Object.entries(audit.whats).find(([name]) => name === what)?.[1] ?? what;
