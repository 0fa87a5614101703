import type { Core } from "./core.ts";
import { Delivery, stage } from "./delivery.ts";
import type { SpaceKey } from "./policy.ts";
import { publicationOf, type Publication, type Publisher } from "./publication.ts";
import { decode, type Entry, type EntryOf } from "./records.ts";
import { forever, Session } from "./session.ts";
import type { Space } from "./space.ts";
import { resubscribe } from "./subscribing.ts";
import { mountsOf, termsOf } from "./terms.ts";

/** A record that this broker cannot read. */
class RecordFault extends Error {
  override readonly name = "RecordFault";
  /** The first record that was given has 0. */
  readonly position: number;

  constructor(position: number, cause: unknown) {
    super(`The record at position ${position} cannot be read: it is damaged, or of a newer version.`, { cause });
    this.position = position;
  }
}

type FoundSession = {
  /** Missing where only what came before it in the log has been read. */
  about: EntryOf<"session"> | undefined;
  left: EntryOf<"left"> | undefined;
  hasWill: boolean;
  readonly subscriptions: Map<string, EntryOf<"subscribed">>;
  readonly received: Set<number>;
};

type Owed = { readonly message: number; readonly entry: EntryOf<"owed">; stage: number };

/** What the records of a space say together. Reading one again, or late, changes nothing: see `Entry`. */
class Found {
  readonly sessions = new Map<number, FoundSession>();
  readonly messages = new Map<number, EntryOf<"message">>();
  /** By session and packet id. An id is not given again before its message is over, so that the higher message is the one. */
  readonly owed = new Map<number, Map<number, Owed>>();
  readonly retained = new Map<string, number>();
  /** By message. */
  readonly publishers = new Map<number, Publisher>();
  readonly #ended = new Set<number>();
  nextSession = 1;
  nextMessage = 1;

  read(entry: Entry): void {
    if ("session" in entry && entry.kind !== "numbers") {
      this.nextSession = Math.max(this.nextSession, entry.session + 1);
      if (this.#ended.has(entry.session)) return;
    }
    switch (entry.kind) {
      case "numbers":
        this.nextSession = Math.max(this.nextSession, entry.session);
        this.nextMessage = Math.max(this.nextMessage, entry.message);
        return;
      case "message":
        return this.#message(entry);
      case "session":
        return this.#session(entry);
      case "ended":
        this.#ended.add(entry.session);
        this.sessions.delete(entry.session);
        this.owed.delete(entry.session);
        return;
      case "published":
        this.publishers.set(entry.message, entry);
        return;
      case "owed":
        return this.#owe(entry);
      case "released":
      case "done": {
        const all = this.owed.get(entry.session);
        const owed = all?.get(entry.packetId);
        if (owed?.message !== entry.message) return;
        if (entry.kind === "released") owed.stage = stage.released;
        else all?.delete(entry.packetId);
        return;
      }
      case "left":
      case "willed":
      case "subscribed":
      case "unsubscribed":
      case "received":
      case "freed":
        ofSession(this.#of(entry.session), entry);
    }
  }

  #session(entry: EntryOf<"session">): void {
    Object.assign(this.#of(entry.session), { about: entry, hasWill: entry.will !== undefined });
    if (!entry.came) return;
    this.#of(entry.session).left = undefined;
    // Whatever waited may be sent from now on.
    for (const owed of this.owed.get(entry.session)?.values() ?? []) owed.stage = Math.max(owed.stage, stage.sent);
  }

  /** A log may begin with what concerns a session that is told of further on. */
  #of(number: number): FoundSession {
    let session = this.sessions.get(number);
    if (!session) {
      session = { about: undefined, left: undefined, hasWill: false, subscriptions: new Map(), received: new Set() };
      this.sessions.set(number, session);
    }
    return session;
  }

  #message(entry: EntryOf<"message">): void {
    this.nextMessage = Math.max(this.nextMessage, entry.message + 1);
    this.messages.set(entry.message, entry);
    if (entry.isRetained && (this.retained.get(entry.topic) ?? 0) < entry.message) {
      this.retained.set(entry.topic, entry.message);
    }
  }

  #owe(entry: EntryOf<"owed">): void {
    let all = this.owed.get(entry.session);
    if (!all) this.owed.set(entry.session, (all = new Map()));
    const known = all.get(entry.packetId);
    const isHere = this.sessions.get(entry.session)?.left === undefined;
    const at = isHere ? Math.max(entry.stage, stage.sent) : entry.stage;
    if (known?.message === entry.message) known.stage = Math.max(known.stage, at);
    else if (!known || known.message < entry.message) {
      all.set(entry.packetId, { message: entry.message, entry, stage: at });
    }
  }
}

function ofSession(
  session: FoundSession,
  entry: EntryOf<"left" | "willed" | "subscribed" | "unsubscribed" | "received" | "freed">,
): void {
  switch (entry.kind) {
    case "left":
      session.left = entry;
      session.hasWill &&= entry.keepsWill;
      return;
    case "willed":
      session.hasWill = false;
      return;
    case "subscribed":
      session.subscriptions.set(entry.written, entry);
      return;
    case "unsubscribed":
      session.subscriptions.delete(entry.written);
      return;
    case "received":
      session.received.add(entry.packetId);
      return;
    case "freed":
      session.received.delete(entry.packetId);
  }
}

/** Everything of a space as its log has it. Throws where a record cannot be read; then nothing was restored. */
export function restore(core: Core, key: SpaceKey, records: Iterable<Uint8Array>): void {
  const space = core.space(key);
  const { keeping } = space;
  if (!keeping) throw new TypeError("A broker without a journal has nothing to restore.");
  if (space.sessions().length > 0) throw new TypeError("A space is restored before anybody connects to it.");
  const found = new Found();
  let position = 0;
  for (const record of records) {
    try {
      for (const entry of decode(record)) found.read(entry);
    } catch (cause) {
      throw new RecordFault(position, cause);
    }
    position++;
  }
  keeping.nextSession = found.nextSession;
  keeping.nextMessage = found.nextMessage;
  const publications = new Publications(core, found);
  for (const number of found.retained.values()) {
    const publication = publications.of(number);
    if (publication) space.retained.keep(publication);
  }
  // Of two sessions of one client the older has ended, though that was not kept: the younger is first.
  for (const [number, session] of [...found.sessions].sort(([one], [other]) => other - one)) {
    const { about } = session;
    if (!about) continue;
    const owed = [...(found.owed.get(number)?.values() ?? [])].sort((one, other) => one.message - other.message);
    const isOver = core.sessions.find(key, about.principal, about.clientId) !== undefined;
    if (isOver || !revive(space, { ...session, about }, owed, publications)) {
      keeping.late([{ kind: "ended", session: number }]);
    }
  }
}

/** Made when they are first needed, and one for all who are owed it. */
class Publications {
  readonly #core: Core;
  readonly #found: Found;
  readonly #made = new Map<number, Publication>();

  constructor(core: Core, found: Found) {
    this.#core = core;
    this.#found = found;
  }

  of(number: number): Publication | undefined {
    const made = this.#made.get(number);
    const entry = this.#found.messages.get(number);
    if (made || !entry) return made;
    const { receivedAt, topic } = entry;
    const { time } = this.#core;
    const since = time.elapsed() - Math.max(0, time.now() - receivedAt);
    const publication = publicationOf(entry, { topic, receivedAt, since, source: null });
    publication.number = number;
    publication.publishedBy = this.#found.publishers.get(number);
    this.#made.set(number, publication);
    return publication;
  }
}

/** `false` where its time or the policy says that it is over. */
function revive(
  space: Space,
  found: FoundSession & { about: EntryOf<"session"> },
  owed: readonly Owed[],
  publications: Publications,
): boolean {
  const { core, key, keeping } = space;
  const { about, left } = found;
  const { session: number, principal, clientId, keepsake } = about;
  const will = found.hasWill ? about.will : undefined;
  const now = Math.floor(core.time.now());
  const leftAt = Math.min(left?.at ?? now, now);
  const expirySeconds = left?.expirySeconds ?? about.expirySeconds;
  // One that still has its will goes on until that is out.
  if (!will && expirySeconds !== forever && now - leftAt >= expirySeconds * 1000) return false;
  const welcome = core.policy.revive?.(key, { principal, clientId, keepsake });
  if (!welcome || "end" in welcome) return false;

  const session = new Session(core, space, principal, clientId, termsOf(welcome, mountsOf(welcome)));
  Object.assign(session, { number, expirySeconds, leftAt });
  if (will) {
    const { written, delaySeconds, ...message } = will;
    session.will = { message, written, delaySeconds };
  }
  space.enter();
  core.sessions.add(key, session);
  for (const subscription of found.subscriptions.values()) resubscribe(session, subscription);
  for (const packetId of found.received) session.receipts.restore(packetId);
  for (const one of owed) owe(session, one, publications.of(one.message));
  // Its time goes on from here over the next restarts too.
  if (!left)
    keeping?.late([{ kind: "left", session: number, at: leftAt, expirySeconds, keepsWill: will !== undefined }]);
  core.wait(session, now - leftAt);
  return true;
}

function owe(session: Session, { entry, stage: at }: Owed, publication: Publication | undefined): void {
  if (!publication) return;
  const { topic, qos, retain, identifiers, packetId } = entry;
  const seen = topic === "" ? publication.topic : topic;
  const named = identifiers.length > 0 ? identifiers : undefined;
  const delivery = new Delivery(session, publication, seen, qos, retain, named);
  session.space.keeping?.add(delivery);
  session.outgoing.restore(delivery, packetId, at);
}
