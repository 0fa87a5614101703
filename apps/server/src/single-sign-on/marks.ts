import type { Id } from "@holdfast/kernel";
import type { OrgScope } from "../storage/index.ts";

// What revocations call whatever a session ends with that a provider's word began, beside the provider itself.

/** That somebody comes by a provider. */
export const linkOf = (provider: Id<"provider">, person: Id<"person">): string => `link/${provider}/${person}`;

/** That she is signed in there. */
export const leftOf = (provider: Id<"provider">, person: Id<"person">): string => `left/${provider}/${person}`;

/** One session there. What the provider calls it stands nowhere. */
export const sidOf = (scope: OrgScope, provider: Id<"provider">, sid: string): string =>
  `sid/${scope.index("provider/sid", JSON.stringify([provider, sid])).toHex()}`;
