import { access } from "./en.ts";

/** A kind of credential in words; one that this console does not know yet by its own name. */
export const kindWord = (kind: string): string =>
  Object.entries(access.kinds).find(([name]) => name === kind)?.[1] ?? kind;
