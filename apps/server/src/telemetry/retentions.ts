import type { Id } from "@holdfast/kernel";
import { asPlatform } from "../authority/index.ts";
import type { OrgScope, Storage } from "../storage/index.ts";
import { Kept } from "./kept.ts";
import { retentionIn } from "./retention-rows.ts";

/** How long organisations keep readings, as far as somebody asked since the start. */
export class Retentions {
  readonly #storage: Storage;
  readonly #kept = new Map<Id<"org">, Kept>();
  readonly #doubtful = new Set<Id<"org">>();
  readonly #loading = new Map<Id<"org">, Promise<Kept>>();

  constructor(storage: Storage) {
    this.#storage = storage;
  }

  async of(scope: OrgScope): Promise<Kept> {
    const there = this.#kept.get(scope.org);
    if (there && !this.#doubtful.has(scope.org)) return there;
    let loading = this.#loading.get(scope.org);
    if (!loading) {
      loading = this.#load(scope).finally(() => this.#loading.delete(scope.org));
      this.#loading.set(scope.org, loading);
    }
    return loading;
  }

  /** Nobody knows whether a change was kept: it is read again, by whoever asks next, and now if that can be. */
  doubt(scope: OrgScope): void {
    this.#doubtful.add(scope.org);
    void this.of(scope).catch(() => undefined); // whoever asks next hears of it
  }

  async #load(scope: OrgScope): Promise<Kept> {
    const kept = this.#kept.get(scope.org) ?? new Kept();
    await this.#storage.read(asPlatform(scope), (unit) => retentionIn(unit).fill(kept));
    this.#kept.set(scope.org, kept);
    this.#doubtful.delete(scope.org);
    return kept;
  }

  forget(org: Id<"org">): void {
    this.#kept.delete(org);
  }
}
