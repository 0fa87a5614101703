import { stage } from "./delivery.ts";
import type { Publisher } from "./publication.ts";
import type { Entry, EntryOf } from "./records.ts";

export type FoundSession = {
  /** Missing where only what came before it in the log has been read. */
  about: EntryOf<"session"> | undefined;
  left: EntryOf<"left"> | undefined;
  hasWill: boolean;
  readonly subscriptions: Map<string, EntryOf<"subscribed">>;
  readonly received: Set<number>;
};

export type Owed = { readonly message: number; readonly entry: EntryOf<"owed">; stage: number };

/** What the records of a space say together. Reading one again, or late, changes nothing: see `Entry`. */
export class Found {
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

  /** The embedder's words about those that may come back. */
  keepsakes(): ReadonlySet<string> {
    const all = [...this.sessions.values()].map(({ about }) => about?.keepsake);
    return new Set(all.filter((keepsake) => keepsake !== undefined));
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
