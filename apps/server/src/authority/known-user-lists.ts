import type { Id, Instant } from "@holdfast/kernel";
import { UserLists, type UserEntry } from "./user-lists.ts";

/** What the application users of an organisation list for their devices, as far as any of them lists something. */
export class KnownUserLists {
  readonly #byUser: Map<Id<"user">, UserLists>;
  /** When the next entry of any of them expires. */
  #changesAt = Number.NEGATIVE_INFINITY;

  constructor(entries: readonly UserEntry[]) {
    const byUser = Map.groupBy(entries, ({ user }) => user);
    this.#byUser = new Map([...byUser].map(([user, all]) => [user, new UserLists(user, all)]));
  }

  of(user: Id<"user">): UserLists | undefined {
    return this.#byUser.get(user);
  }

  get entries(): readonly UserEntry[] {
    return [...this.#byUser.values()].flatMap(({ entries }) => [...entries.values()]);
  }

  /** Answers the entries that are not there any more. */
  change(user: Id<"user">, change: (lists: UserLists) => UserLists): readonly Id<"listEntry">[] {
    const before = this.#byUser.get(user) ?? new UserLists(user);
    const after = change(before);
    if (after.entries.size > 0) this.#byUser.set(user, after);
    else this.#byUser.delete(user);
    this.#changesAt = Number.NEGATIVE_INFINITY;
    return [...before.entries.keys()].filter((id) => !after.entries.has(id));
  }

  /** When the next one expires; may be long ago where nobody has looked since. */
  changesAt(now: Instant): number {
    if (now < this.#changesAt) return this.#changesAt;
    this.#changesAt = Number.POSITIVE_INFINITY;
    for (const one of this.#byUser.values()) this.#changesAt = Math.min(this.#changesAt, one.changesAt(now));
    return this.#changesAt;
  }
}
