export { entryWord } from "./entry-word.ts";
export { kindWord } from "./kind-word.ts";
/** The one catalogue that is in use. */
export * as words from "./en.ts";
