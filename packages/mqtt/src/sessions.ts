import type { SpaceKey } from "./policy.ts";
import type { Session } from "./session.ts";
import type { Statistics } from "./statistics.ts";

/** All sessions, by space, principal and client id. */
export class Sessions {
  readonly #statistics: Statistics;
  readonly #spaces = new Map<SpaceKey, Map<string, Map<string, Session>>>();

  constructor(statistics: Statistics) {
    this.#statistics = statistics;
  }

  find(space: SpaceKey, principal: string, clientId: string): Session | undefined {
    return this.#spaces.get(space)?.get(principal)?.get(clientId);
  }

  add(space: SpaceKey, session: Session): void {
    let principals = this.#spaces.get(space);
    if (!principals) this.#spaces.set(space, (principals = new Map()));
    let sessions = principals.get(session.principal);
    if (!sessions) principals.set(session.principal, (sessions = new Map()));
    sessions.set(session.clientId, session);
    this.#statistics.sessions++;
  }

  remove(space: SpaceKey, session: Session): void {
    const principals = this.#spaces.get(space);
    const sessions = principals?.get(session.principal);
    if (sessions?.get(session.clientId) !== session) return;
    sessions.delete(session.clientId);
    this.#statistics.sessions--;
    if (sessions.size === 0) principals?.delete(session.principal);
    if (principals?.size === 0) this.#spaces.delete(space);
  }

  of(space: SpaceKey, principal: string): readonly Session[] {
    return [...(this.#spaces.get(space)?.get(principal)?.values() ?? [])];
  }

  all(space: SpaceKey): readonly Session[] {
    return [...(this.#spaces.get(space)?.values() ?? [])].flatMap((sessions) => [...sessions.values()]);
  }

  /** So many of the principal that one more keeps to `most`: those that were away longest. `undefined` where too many are connected. */
  tooMany(space: SpaceKey, principal: string, most: number): readonly Session[] | undefined {
    const excess = this.countOf(space, principal) + 1 - most;
    if (excess <= 0) return [];
    const away = this.of(space, principal).filter(({ line }) => line === null);
    if (away.length < excess) return undefined;
    return away.toSorted((one, other) => (one.leftAt ?? 0) - (other.leftAt ?? 0)).slice(0, excess);
  }

  countOf(space: SpaceKey, principal: string): number {
    return this.#spaces.get(space)?.get(principal)?.size ?? 0;
  }
}
