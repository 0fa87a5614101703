import type { Core } from "./core.ts";
import { Delivery } from "./delivery.ts";
import { Found, type FoundSession, type Owed } from "./found.ts";
import type { Keeping } from "./keeping.ts";
import type { SpaceKey } from "./policy.ts";
import { ProtocolError } from "./protocol-error.ts";
import { publicationOf, type Publication } from "./publication.ts";
import { decode, type Entry } from "./records.ts";
import { forever, Session } from "./session.ts";
import { Slices } from "./slices.ts";
import type { Space } from "./space.ts";
import { mountsOf, termsOf } from "./terms.ts";

/** Numbers that a record which cannot be read may have given away: they are not given again. A record has fewer entries. */
const numbersOfOne = 2 ** 24;

/** Answers which records could not be read. See `Broker.restore`. */
export async function restore(
  core: Core,
  key: SpaceKey,
  records: Iterable<Uint8Array | undefined>,
): Promise<readonly number[]> {
  const space = core.space(key);
  const { keeping } = space;
  if (!keeping) throw new TypeError("A broker without a journal has nothing to restore.");
  const slices = new Slices();
  const { found, unreadable } = await read(records, slices);
  await core.policy.recall?.(key, found.keepsakes());
  if (space.sessions().length > 0) throw new TypeError("A space is restored before anybody connects to it.");
  await new Restoring(space, keeping, found, slices).restore(unreadable.length);
  return unreadable;
}

async function read(
  records: Iterable<Uint8Array | undefined>,
  slices: Slices,
): Promise<{ found: Found; unreadable: readonly number[] }> {
  const found = new Found();
  const unreadable: number[] = [];
  let position = 0;
  for (const record of records) {
    const entries = record && (await entriesOf(record, slices));
    if (!entries) unreadable.push(position);
    for (const entry of entries ?? []) {
      found.read(entry);
      await slices.spend();
    }
    position++;
  }
  return { found, unreadable };
}

/** All of a record, or nothing of one that is damaged or of a newer version: half of it might say something else. */
async function entriesOf(record: Uint8Array, slices: Slices): Promise<readonly Entry[] | undefined> {
  const entries: Entry[] = [];
  try {
    for (const entry of decode(record)) {
      entries.push(entry);
      await slices.spend(entry.kind === "message" ? entry.payload.length : 0);
    }
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    return undefined;
  }
  return entries;
}

/** A space on its way back into memory, in many turns of the event loop. Nobody is in it yet; but who has no right any more is ended. */
class Restoring {
  readonly #core: Core;
  readonly #space: Space;
  readonly #keeping: Keeping;
  readonly #found: Found;
  readonly #slices: Slices;
  /** Made when they are first needed, and one for all who are owed it. */
  readonly #publications = new Map<number, Publication>();

  constructor(space: Space, keeping: Keeping, found: Found, slices: Slices) {
    this.#core = space.core;
    this.#space = space;
    this.#keeping = keeping;
    this.#found = found;
    this.#slices = slices;
  }

  /** Stops where the space is unloaded meanwhile. */
  async restore(unreadable: number): Promise<void> {
    const keeping = this.#keeping;
    const { nextSession, nextMessage, retained, sessions } = this.#found;
    keeping.nextSession = nextSession + unreadable * numbersOfOne;
    keeping.nextMessage = nextMessage + unreadable * numbersOfOne;
    for (const number of retained.values()) {
      const publication = this.#publicationOf(number);
      await this.#slices.spend(publication?.size);
      if (keeping.isOver) return;
      if (publication) this.#space.retained.keep(publication);
    }
    const names = new Set<string>();
    const revived: Session[] = [];
    // Of two sessions of one client the older has ended, though that was not kept: the younger is first.
    for (const [number, found] of [...sessions].sort(([one], [other]) => other - one)) {
      const { about } = found;
      if (keeping.isOver) return;
      if (!about) continue;
      const name = JSON.stringify([about.principal, about.clientId]);
      try {
        const session = names.has(name) ? undefined : this.#revive(found, about);
        if (!session) keeping.late({ kind: "ended", session: number });
        else if (await this.#furnish(session, found)) revived.push(session);
      } catch (fault) {
        this.#core.fault(fault); // of this session, and not of everybody
      }
      names.add(name);
    }
    // Only now, when everybody is there to hear of a will. Their time goes on over the next restarts, too.
    for (const session of revived) {
      await this.#slices.spend();
      if (keeping.isOver) return;
      this.#wait(session);
    }
  }

  #publicationOf(number: number): Publication | undefined {
    const made = this.#publications.get(number);
    const entry = this.#found.messages.get(number);
    if (made || !entry) return made;
    const { receivedAt, topic } = entry;
    const { time } = this.#core;
    const since = time.elapsed() - Math.max(0, time.now() - receivedAt);
    const publication = publicationOf(entry, { topic, receivedAt, since, source: null });
    publication.number = number;
    publication.publishedBy = this.#found.publishers.get(number);
    this.#publications.set(number, publication);
    this.#found.messages.delete(number); // it is the publication from now on, and memory is needed once
    return publication;
  }

  /** `undefined` where its time or the policy says that it is over. */
  #revive(found: FoundSession, about: NonNullable<FoundSession["about"]>): Session | undefined {
    const space = this.#space;
    const { core, key } = space;
    const { left } = found;
    const { session: number, principal, clientId, keepsake } = about;
    const will = found.hasWill ? about.will : undefined;
    const now = Math.floor(core.time.now());
    const leftAt = Math.min(left?.at ?? now, now);
    const expirySeconds = left?.expirySeconds ?? about.expirySeconds;
    // One that still has its will goes on until that is out.
    if (!will && expirySeconds !== forever && now - leftAt >= expirySeconds * 1000) return undefined;
    const welcome = core.policy.revive?.(key, { principal, clientId, keepsake });
    if (!welcome || "end" in welcome) return undefined;

    const session = new Session(core, space, principal, clientId, termsOf(welcome, mountsOf(welcome)));
    Object.assign(session, { number, expirySeconds, leftAt });
    if (will) {
      const { written, delaySeconds, ...message } = will;
      session.will = { message, written, delaySeconds };
    }
    space.enter();
    core.sessions.add(key, session);
    return session;
  }

  /** What it subscribed to, has sent and is owed. `false` where it was ended meanwhile. */
  async #furnish(session: Session, { subscriptions, received }: FoundSession): Promise<boolean> {
    for (const subscription of subscriptions.values()) {
      await this.#slices.spend();
      if (session.hasEnded) return false;
      session.resubscribe(subscription);
    }
    for (const packetId of received) session.receipts.restore(packetId);
    const owed = [...(this.#found.owed.get(session.number)?.values() ?? [])];
    this.#found.owed.delete(session.number);
    for (const one of owed.sort((a, b) => a.message - b.message)) {
      const publication = this.#publicationOf(one.message);
      await this.#slices.spend(publication?.size);
      if (session.hasEnded) return false;
      if (publication) this.#owe(session, one, publication);
    }
    return !session.hasEnded;
  }

  #owe(session: Session, { entry, stage: at }: Owed, publication: Publication): void {
    const { topic, qos, retain, identifiers, packetId } = entry;
    const seen = topic === "" ? publication.topic : topic;
    const named = identifiers.length > 0 ? identifiers : undefined;
    const delivery = new Delivery(session, publication, seen, qos, retain, named);
    this.#keeping.add(delivery);
    session.outgoing.restore(delivery, packetId, at);
  }

  #wait(session: Session): void {
    const { number, expirySeconds, will, leftAt: at = 0, hasEnded } = session; // it has left
    if (hasEnded) return;
    if (!this.#found.sessions.get(number)?.left) {
      const entry: Entry = { kind: "left", session: number, at, expirySeconds, keepsWill: will !== undefined };
      this.#keeping.late(entry, () => session.leftAt === at);
    }
    this.#core.wait(session, Math.floor(this.#core.time.now()) - at);
  }
}
