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

  countOf(space: SpaceKey, principal: string): number {
    return this.#spaces.get(space)?.get(principal)?.size ?? 0;
  }
}
