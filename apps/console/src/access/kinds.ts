import type { Reply } from "@holdfast/client";
import type { routes } from "@holdfast/protocol";
import { words } from "../words/index.ts";

export type Credential = Reply<typeof routes.listCredentials>["items"][number];

/** A kind of credential in words; one that this console does not know yet by its own name. */
export const kindWord = (kind: string): string =>
  Object.entries(words.access.kinds).find(([name]) => name === kind)?.[1] ?? kind;
