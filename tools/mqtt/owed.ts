import type { Owed } from "./page.ts";

/** Statements that wait for what they are about. */
export const owed: Owed = { "5.0": [], "3.1.1": [] };
