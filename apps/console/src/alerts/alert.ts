import type { Reply } from "@holdfast/client";
import type { routes } from "@holdfast/protocol";
import { words } from "../words/index.ts";

export type Alert = Reply<typeof routes.listAlerts>["items"][number];

/** What is wrong, in short; a cause that this console does not know yet by its own name. */
export const whatOf = ({ cause }: Alert): string =>
  Object.entries(words.alerts.whats).find(([name]) => name === cause)?.[1] ?? cause;

/** Why it cannot be acknowledged any more. */
export function whyOver({ state }: Alert): string | undefined {
  switch (state) {
    case "raised":
      return undefined;
    case "acknowledged":
      return words.alerts.isSeenTo;
    case "cleared":
      return words.alerts.isCleared;
  }
}
