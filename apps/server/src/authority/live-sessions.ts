import type { Clock, Id, Instant, Random } from "@holdfast/kernel";
import type { Keyring, Storage } from "../storage/index.ts";
import { sessionsIn } from "./session-rows.ts";
import { replacedFor, type Session } from "./session.ts";

/** One that was used since the start, and what is known of it beside its row. */
export type Live = {
  session: Session;
  seenAt: Instant;
  /** The longest time in which she asked nothing anywhere, in milliseconds. */
  quiet: number;
  /** Up to when the row knows. */
  keptAt: Instant;
  /** Somebody signs out just now: nothing begins with it any more. */
  isEnding: boolean;
  /** Where it is a credential. */
  readonly known: Map<Id<"org">, Promise<void>>;
  /** When she last asked something there. */
  readonly seenIn: Map<Id<"org">, Instant>;
};

/** What a cookie leads to. */
type Held = {
  readonly live: Live;
  /** Of one that was replaced: what was under way is answered still, as if nothing had been proved since. */
  readonly former?: { readonly session: Session; readonly until: Instant };
};

type Needs = { readonly storage: Storage; readonly keys: Keyring; readonly clock: Clock; readonly random: Random };

/** Sessions of people that were used since the start, by their cookies and by their names. */
export class LiveSessions {
  readonly #needs: Needs;
  readonly #byDigest = new Map<string, Held>();
  readonly #byId = new Map<Id<"session">, Live>();

  constructor(needs: Needs) {
    this.#needs = needs;
  }

  get(id: Id<"session">): Live | undefined {
    return this.#byId.get(id);
  }

  all(): readonly Live[] {
    return [...this.#byId.values()];
  }

  /** By the digest of a cookie, and the session as whoever has that cookie has it. */
  async find(digest: Uint8Array): Promise<{ readonly live: Live; readonly session: Session } | undefined> {
    const held = this.#held(digest) ?? (await this.#read(digest));
    return held && { live: held.live, session: held.former?.session ?? held.live.session };
  }

  /** Its cookie was replaced: the one before is taken for a moment more, for what was asked meanwhile. */
  replaced(live: Live, session: Session): void {
    const { session: before } = live;
    const until = (this.#needs.clock.now() + replacedFor) as Instant; // milliseconds both
    for (const [name, { live: whose, former }] of this.#byDigest)
      if (whose === live && former) this.#byDigest.delete(name);
    this.#byDigest.set(before.digest.toHex(), { live, former: { session: before, until } });
    this.#byDigest.set(session.digest.toHex(), { live });
    live.session = session;
  }

  forget(live: Live): void {
    this.#byId.delete(live.session.id);
    for (const [name, held] of this.#byDigest) if (held.live === live) this.#byDigest.delete(name);
  }

  #held(digest: Uint8Array): Held | undefined {
    const name = digest.toHex();
    const held = this.#byDigest.get(name);
    if (!held?.former || this.#needs.clock.now() < held.former.until) return held;
    this.#byDigest.delete(name);
    return undefined;
  }

  async #read(digest: Uint8Array): Promise<Held | undefined> {
    const found = await this.#needs.storage.instance.read((unit) => sessionsIn(unit, this.#needs).find(digest));
    if (!found) return undefined;
    const { session, seenAt } = found;
    const name = digest.toHex();
    const there = this.#byDigest.get(name); // somebody else asked meanwhile
    if (there) return there;
    const live: Live = { ...found, keptAt: seenAt, isEnding: false, known: new Map(), seenIn: new Map() };
    this.#byDigest.set(name, { live });
    this.#byId.set(session.id, live);
    return { live };
  }
}

/** She asked something in this organisation. */
export function saw(live: Live, org: Id<"org">, now: Instant): void {
  live.quiet = quietOf(live, now);
  live.seenAt = now;
  live.seenIn.set(org, now);
}

/** The longest time in which she asked nothing anywhere, up to now. */
export const quietOf = ({ seenAt, quiet }: Pick<Live, "seenAt" | "quiet">, now: Instant): number =>
  Math.max(quiet, now - seenAt);
