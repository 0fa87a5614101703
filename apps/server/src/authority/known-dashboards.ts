import { isId, type Id } from "@holdfast/kernel";
import type { Dashboard } from "./dashboard.ts";
import type { Target } from "./link.ts";

/** The dashboards of an organisation, as far as anybody's answer hangs on them. */
export class KnownDashboards {
  readonly #known: Map<Id<"dashboard">, Dashboard>;
  readonly #changed: () => void;

  /** `changed`: links to one may be good for something else from now on. */
  constructor(known: ReadonlyMap<Id<"dashboard">, Dashboard> | undefined, changed: () => void) {
    this.#known = new Map(known);
    this.#changed = changed;
  }

  get all(): ReadonlyMap<Id<"dashboard">, Dashboard> {
    return this.#known;
  }

  get(id: Id<"dashboard">): Dashboard | undefined {
    return this.#known.get(id);
  }

  target(text: string): Target | undefined {
    if (!isId("dashboard", text)) return undefined;
    const dashboard = this.#known.get(text);
    return dashboard && { kind: "dashboard", id: text, dashboard };
  }

  /** One that was made or changed. What is told twice, or after something newer, changes nothing. */
  set(id: Id<"dashboard">, dashboard: Dashboard): void {
    const before = this.#known.get(id);
    if (before && before.version >= dashboard.version) return;
    this.#known.set(id, dashboard);
    if (before) this.#changed();
  }

  remove(id: Id<"dashboard">): void {
    this.#known.delete(id);
    this.#changed();
  }
}
