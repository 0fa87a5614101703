import type { Id } from "@holdfast/kernel";
import type { Allowed, OrgScope, Storage, Unit } from "../storage/index.ts";
import type { Party } from "./credential.ts";
import { authorityIn } from "./postgres.ts";
import { Space, type Remembered } from "./space.ts";

/** What the registry remembers of an organisation's things; its own code reads it, because its own code wrote it. */
export type Things = Pick<Remembered, "devices" | "applications" | "products">;

/** The organisations that somebody asked about since the start, each read from the database once. */
export class Spaces {
  readonly #needs: { storage: Storage; things: (unit: Unit) => Promise<Things> };
  readonly #loading = new Map<Id<"org">, Promise<Space>>();
  readonly #loaded = new Map<Id<"org">, Space>();
  readonly #watchers: ((space: Space) => void)[] = [];

  constructor(needs: { storage: Storage; things: (unit: Unit) => Promise<Things> }) {
    this.#needs = needs;
  }

  /** Calls back, in the same turn, whenever anything in a space may have turned a yes into a no. */
  onChange(watcher: (space: Space) => void): void {
    this.#watchers.push(watcher);
  }

  loaded(org: Id<"org">): Space | undefined {
    return this.#loaded.get(org);
  }

  async of(org: Id<"org">): Promise<Space> {
    const there = this.#loaded.get(org);
    if (there) return there;
    let loading = this.#loading.get(org);
    if (!loading) {
      loading = this.#load(org).finally(() => this.#loading.delete(org));
      this.#loading.set(org, loading);
    }
    return loading;
  }

  /**
   * Tells memory what was committed. A space that is being read at this moment may have been read before the commit, so it
   * hears of it too: every change is one that may be told twice.
   */
  apply(org: Id<"org">, change: (space: Space) => void): void {
    const there = this.#loaded.get(org);
    if (there) change(there);
    // A load that fails tells its own callers; the next one reads what was committed.
    void this.#loading.get(org)?.then(change, () => undefined);
  }

  /**
   * A commit whose outcome nobody knows: what memory says may be wrong either way. Whoever is connected is cut off and
   * comes back through the database.
   */
  forget(org: Id<"org">): void {
    const space = this.#loaded.get(org);
    if (!space) return;
    this.#loaded.delete(org);
    space.close();
  }

  async #load(org: Id<"org">): Promise<Space> {
    const { storage, things } = this.#needs;
    const scope = await storage.scopeOf(org);
    const known = await storage.read(asPlatform(scope), async (unit): Promise<Remembered> => {
      const rows = authorityIn(unit);
      const revokedBefore = new Map<string, Partial<Record<Party, number>>>();
      for (const { about, party, seq } of await rows.revocations()) {
        revokedBefore.set(about, { ...revokedBefore.get(about), [party]: seq });
      }
      return { ...(await things(unit)), members: await rows.members(), revokedBefore };
    });
    const space = new Space(scope, known, (changed) => this.#watchers.forEach((watcher) => watcher(changed)));
    this.#loaded.set(org, space);
    return space;
  }
}

/** The platform's own work in an organisation: loading, compaction, counting. Never on behalf of a caller. */
export const asPlatform = (scope: OrgScope): Allowed => ({ scope, actor: { kind: "platform" } });
