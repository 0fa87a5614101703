import { en } from "./en.ts";

const whats = new Map<string, string>(Object.entries(en.audit.whats));

/** What an entry of the audit log says; one that this console does not know yet by its own name. */
export const entryWord = (what: string): string => whats.get(what) ?? what;
