import type { CredentialId, Instant } from "@holdfast/kernel";
import { formatGrant, type Action, type Grant, type Transport } from "@holdfast/protocol";
import type { Circumstances } from "./circumstances.ts";

const day = 86_400_000; // milliseconds, as instants are
/** For how long an action counts as used, in days. */
const window = 30;

export const dayOf = (at: Instant): number => Math.floor(at / day);

/** How a credential was used since this was last written down. */
export type Use = {
  /** When it last came in, from where and over what. */
  at?: Instant;
  address?: string | undefined;
  transport?: Transport | undefined;
  /** When its former secret was last shown. */
  formerAt?: Instant;
  /** How often a page was opened with it. */
  opened?: number;
  /** On which day each action was last done. */
  readonly actions: Map<Action, number>;
};

/** The same for as long as it is kept. */
export type KeptUse = {
  /** The day on which this was begun. */
  readonly since: number;
  readonly address?: string | undefined;
  readonly transport?: Transport | undefined;
  readonly formerAt?: Instant | undefined;
  readonly opened?: number | undefined;
  readonly actions: Readonly<Partial<Record<Action, number>>>;
};

/** How the credentials of one organisation are used: noted in memory, where it costs nothing, and taken from there now and then. */
export class Uses {
  #noted = new Map<CredentialId, Use>();
  /** What is being written down. */
  readonly #taken = new Set<ReadonlyMap<CredentialId, Use>>();

  came(id: CredentialId, { address, transport }: Circumstances, at: Instant, byFormer: boolean): void {
    const use = this.#of(id);
    Object.assign(use, { at, address, transport, ...(byFormer && { formerAt: at }) });
  }

  did(id: CredentialId, action: Action, at: Instant): void {
    this.#of(id).actions.set(action, dayOf(at));
  }

  /** A page was opened with it, which asks many times. */
  opened(id: CredentialId): void {
    const use = this.#of(id);
    use.opened = (use.opened ?? 0) + 1;
  }

  /** What is not written down yet of one. To be asked before what is kept is read: what is written meanwhile is then in both, and not in neither. */
  of(id: CredentialId): Use | undefined {
    const found = [...this.#taken, this.#noted].flatMap((uses) => uses.get(id) ?? []);
    return found.length > 0 ? found.reduce(both) : undefined;
  }

  /** What is to be written down; until `written` or `putBack` it is still told. */
  take(): ReadonlyMap<CredentialId, Use> {
    const taken = this.#noted;
    this.#noted = new Map();
    if (taken.size > 0) this.#taken.add(taken);
    return taken;
  }

  written(taken: ReadonlyMap<CredentialId, Use>): void {
    this.#taken.delete(taken);
  }

  /** What was taken and could not be written down, behind what was noted meanwhile. */
  putBack(taken: ReadonlyMap<CredentialId, Use>): void {
    this.written(taken);
    for (const [id, use] of taken) {
      const newer = this.#noted.get(id);
      this.#noted.set(id, newer ? both(use, newer) : use);
    }
  }

  #of(id: CredentialId): Use {
    let use = this.#noted.get(id);
    if (!use) this.#noted.set(id, (use = { actions: new Map() }));
    return use;
  }
}

function both(older: Use, newer: Use): Use {
  const opened = (older.opened ?? 0) + (newer.opened ?? 0);
  return { ...older, ...newer, ...(opened > 0 && { opened }), actions: new Map([...older.actions, ...newer.actions]) };
}

/** What is kept, with what was noted since; the same object where that says nothing new. */
export function withUse(kept: KeptUse | undefined, use: Use, today: number): KeptUse {
  const came = use.at === undefined ? kept : use;
  const next: KeptUse = {
    // What was done before midnight may be written down after it.
    since: kept?.since ?? Math.min(today, ...use.actions.values()),
    address: came?.address,
    transport: came?.transport,
    formerAt: use.formerAt ?? kept?.formerAt,
    opened: use.opened === undefined ? kept?.opened : (kept?.opened ?? 0) + use.opened,
    actions: { ...kept?.actions, ...Object.fromEntries(use.actions) },
  };
  return kept && isSameUse(kept, next) ? kept : next;
}

function isSameUse(one: KeptUse, other: KeptUse): boolean {
  const actions = Object.keys(other.actions) as Action[]; // the keys of the record that it is
  return (
    one.address === other.address &&
    one.transport === other.transport &&
    one.formerAt === other.formerAt &&
    one.opened === other.opened &&
    actions.every((action) => one.actions[action] === other.actions[action])
  );
}

export type Worn = {
  readonly granted: number;
  readonly used: number;
  readonly since: Instant;
  /** The grants that would have been enough; none where that is all of them, or nothing was used. */
  readonly narrower: readonly string[];
};

/** How much of what a credential may do was done in the last thirty days, or since its use is kept. By action: on which thing is not kept. */
export function wornOf(
  { grants, createdAt }: { readonly grants: readonly Grant[]; readonly createdAt: Instant },
  { since, actions }: KeptUse,
  now: Instant,
): Worn {
  const from = Math.max(since, dayOf(now) - window);
  const used = grants.filter(({ action }) => (actions[action] ?? -1) >= from);
  const narrower = used.length > 0 && used.length < grants.length ? used.map(formatGrant) : [];
  return { granted: grants.length, used: used.length, since: Math.max(from * day, createdAt) as Instant, narrower };
}
