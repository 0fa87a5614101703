export { entryWord } from "./entry-word.ts";
export { kindWord } from "./kind-word.ts";
import { en } from "./en.ts";

/** What a language has to say: the same names, texts of its own. */
export type Words = typeof en;

/** The one catalogue that is in use. */
export const words: Words = en;

/** Those of dashboards come with them: what everybody loads first is counted in bytes. */
export { dashboards as dashboardWords } from "./en/dashboards.ts";
