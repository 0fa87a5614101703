import { Mounts } from "./mounts.ts";
import type { Naming, Welcome } from "./policy.ts";
import type { Terms } from "./session.ts";

export const mountsOf = (naming: Naming): Mounts => new Mounts(naming);

export function termsOf(welcome: Welcome, mounts: Mounts): Terms {
  const { context, gate, application = "", keepsake } = welcome;
  return { context, gate, mounts, application, keepsake };
}
