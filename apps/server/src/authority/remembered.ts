import type { Id } from "@holdfast/kernel";
import type { Demands } from "@holdfast/protocol";
import type { Ending } from "./credential.ts";
import type { Dashboard } from "./dashboard.ts";
import type { Factors } from "./factors.ts";
import type { KnownGroup } from "./known-groups.ts";
import type { Issuer } from "./issuer.ts";
import type { ListEntry } from "./lists.ts";
import type { Placement, Schema } from "./placement.ts";
import type { Membership, OwnRoles } from "./roles.ts";
import type { Standing } from "./standing.ts";
import type { UserEntry } from "./user-lists.ts";

/** What an organisation's questions are answered from, without a query: kept in memory, changed after each commit. */
export type Remembered = {
  readonly devices: Map<Id<"device">, Placement>;
  /** Which application users' devices were, those whose they are now too or not. */
  readonly owners?: ReadonlyMap<Id<"device">, Iterable<Id<"user">>>;
  readonly applications: Set<Id<"application">>;
  readonly products: Map<Id<"product">, Schema>;
  readonly dashboards?: ReadonlyMap<Id<"dashboard">, Dashboard>;
  readonly groups?: ReadonlyMap<Id<"group">, KnownGroup>;
  readonly members: Map<Id<"person">, Membership>;
  /** Who of them administers the instance. */
  readonly administrators?: { has(person: Id<"person">): boolean } | undefined;
  roles: OwnRoles;
  /** Per ended thing and what ended of it: credentials issued before this place in the sequence are over. */
  readonly revokedBefore: Map<string, Partial<Record<Ending, number>>>;
  demands: Demands;
  standing?: Standing | undefined;
  /** The domains of members' e-mails, where anything hangs on them. */
  readonly homes?: ReadonlyMap<Id<"person">, string>;
  readonly entries?: readonly ListEntry[];
  readonly userEntries?: readonly UserEntry[];
  readonly issuers?: readonly Issuer[];
  readonly factors?: (person: Id<"person">) => Factors;
};
