import { Refusal, type RefusalCode } from "./refusal.ts";

/** How much it concerns the operator: `warning` where we refuse or wait and know why, `error` for a fault of our own and for whatever is lost. */
export type Level = "info" | "warning" | "error";

/** What stands beside a sentence: ids and numbers, never a secret or a payload. Of an error the log keeps the kind and the place. */
export type About = { readonly level?: Level; readonly code?: RefusalCode; readonly [name: string]: unknown };

/** Tells the operator something, for information where no level is said. The sentence may quote a refusal, and no other error. */
export type Report = (message: string, about?: About) => void;

/** What stands beside a sentence about this error: a refusal's code, or our own fault. */
export const because = (error: unknown): About =>
  error instanceof Refusal ? { level: "warning", code: error.code } : { level: "error", fault: error };
