import { reason } from "./codes.ts";
import { after } from "./time.ts";
import type { Core } from "./core.ts";
import { takeBack } from "./delivering.ts";
import { stage, type Delivery } from "./delivery.ts";
import type { Journal, SpaceKey } from "./policy.ts";
import type { Publication, Publisher } from "./publication.ts";
import { encode, type Entry } from "./records.ts";
import type { Session } from "./session.ts";

/** How long something may wait that does no harm when it is lost, and how much. */
const lateMilliseconds = 1_000;
const lateEntries = 1_000;

/** An entry that is written later than it came about. By then something newer may have been said of the same: then it is not written. */
type Late = { readonly entry: Entry; readonly isSo: () => boolean };

const forGood = () => true;

/** Most messages are owed to one session, and a set of one is larger than all else that its delivery needs. */
type Owings = Delivery | Set<Delivery>;

/** What of one space outlives the process: numbers, records, and which messages are owed to kept sessions. */
export class Keeping {
  /** Never given twice, also not over restarts. */
  nextSession = 1;
  nextMessage = 1;
  /** Messages that were kept, by their numbers, as long as a delivery to a kept session is not over. */
  readonly messages = new Map<number, Owings>();
  readonly #core: Core;
  readonly #key: SpaceKey;
  readonly #journal: Journal;
  #late: Late[] = [];
  /** Records under way by which sessions end: who comes anew is not told so before they are kept, though nothing is kept of him. */
  #ending = 0;
  /** The last record was not kept. */
  #isFailing = false;
  #cancelTimer: (() => void) | undefined;
  #isOver = false;

  constructor(core: Core, key: SpaceKey, journal: Journal) {
    this.#core = core;
    this.#key = key;
    this.#journal = journal;
  }

  /** Nothing is kept any more. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Why nothing new is kept, where that is so; what ends something is. */
  get whyFull(): string | undefined {
    return this.#journal.whyFull?.(this.#key);
  }

  /** Keeps these, behind whatever waits. `done` hears 0, or the code with which they were not kept; also at once. */
  append(entries: readonly Entry[], done: (code: number) => void): void {
    if (this.#isOver) return done(reason.serverUnavailable);
    // After one that was not kept what waits is tried by itself, once a second, and not written again with each that comes.
    const late = this.#isFailing && entries.length > 0 ? [] : this.#takeLate();
    const all = [...late.map(({ entry }) => entry), ...entries];
    if (all.length === 0 && this.#ending === 0) return done(0);
    const isEnding = all.some(({ kind }) => kind === "ended");
    if (isEnding) this.#ending++;
    this.#journal.append(this.#key, encode(all), (code) => {
      this.#core.safely(() => {
        if (isEnding) this.#ending--;
        this.#isFailing = code !== 0;
        if (this.#isFailing) {
          this.#core.statistics.recordsNotKept++;
          this.#late.unshift(...late);
        }
        this.#goOn();
        done(code);
      });
    });
  }

  #takeLate(): readonly Late[] {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    return this.#late.splice(0, lateEntries).filter(({ isSo }) => isSo());
  }

  /** Keeps this with the next record, or within a second, unless it is not so any more by then. */
  late(entry: Entry, isSo: () => boolean = forGood): void {
    this.#late.push({ entry, isSo });
    this.#goOn();
  }

  #goOn(): void {
    if (this.#isOver) this.#late = [];
    if (this.#late.length >= lateEntries && !this.#isFailing) return this.flush();
    if (this.#late.length === 0 || this.#cancelTimer) return;
    const call = () => this.#core.safely(() => this.flush());
    this.#cancelTimer = after(this.#core.time, lateMilliseconds, call);
  }

  flush(): void {
    this.append([], () => {});
  }

  /** Keeps nothing more: the space is unloaded, and its log says what holds. */
  end(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    this.#late = [];
    this.#isOver = true;
  }

  /** A message that is about to be accepted: whatever has to be kept with it becomes its record. */
  record(publication: Publication, publisher: Session | null, willOf: Session | null): void {
    try {
      this.#record(publication, publisher, willOf);
    } catch (fault) {
      takeBack(publication); // nobody will settle it
      throw fault;
    }
  }

  #record(publication: Publication, publisher: Session | null, willOf: Session | null): void {
    const entries: Entry[] = [];
    const { qos, packetId, owed } = publication;
    if (qos === 2 && packetId !== 0 && publisher?.isKept === true) {
      entries.push({ kind: "received", session: publisher.number, packetId });
    }
    if (willOf?.isKept === true) entries.push({ kind: "willed", session: willOf.number });
    const isRetained = publication.retain && this.#core.retainAvailable;
    // What is for those alone who are there is not owed to anybody after a restart.
    const lasting = publication.present ? null : owed;
    const kept = lasting?.filter((delivery) => delivery.qos > 0 && delivery.session.isKept) ?? [];
    if (isRetained || kept.length > 0) {
      publication.number = this.nextMessage++;
      entries.push(messageEntry(publication, isRetained), ...kept.map(owedEntry));
      if (isRetained && publisher) entries.push(publishedEntry(publication, publisher.client));
    }
    if (entries.length > 0) publication.record = encode(entries);
  }

  /** It is kept, and owed from now on. */
  add(delivery: Delivery): void {
    const { number } = delivery.publication;
    const owings = this.messages.get(number);
    if (owings === undefined) this.messages.set(number, delivery);
    else if (owings instanceof Set) owings.add(delivery);
    else if (owings !== delivery) this.messages.set(number, new Set([owings, delivery]));
  }

  /** Nothing more is owed of it. */
  over(delivery: Delivery): void {
    this.forget(delivery);
    this.late({ kind: "done", ...ofMessage(delivery) });
  }

  /** The same where its session is over, which says it for all. */
  forget(delivery: Delivery): void {
    const { number } = delivery.publication;
    const owings = this.messages.get(number);
    if (owings instanceof Set) owings.delete(delivery);
    if (owings === delivery || (owings instanceof Set && owings.size === 0)) this.messages.delete(number);
  }
}

export const ofMessage = ({ publication, session, packetId }: Delivery) => ({
  message: publication.number,
  session: session.number,
  packetId,
});

const nothing = { properties: {}, payload: new Uint8Array(0) };

export function messageEntry(publication: Publication, isRetained: boolean): Entry {
  const { number: message, topic, qos, retain } = publication;
  // Of one that nobody gets any more an exchange of QoS 2 may have to be ended yet.
  const { properties, payload } = publication.isDiscarded ? nothing : publication;
  const receivedAt = Math.floor(publication.receivedAt);
  return { kind: "message", message, receivedAt, isRetained, topic, qos, retain, properties, payload };
}

export const publishedEntry = ({ number: message }: Publication, { principal, clientId }: Publisher): Entry => ({
  kind: "published",
  message,
  principal,
  clientId,
});

export function owedEntry(delivery: Delivery): Entry {
  const { publication, qos, retain, identifiers = [] } = delivery;
  const topic = delivery.topic === publication.topic ? "" : delivery.topic;
  const reached = delivery.stage === stage.decided ? stage.waiting : delivery.stage;
  // What is not sent again is released: see `Outgoing.#repeat`.
  const at = publication.isDiscarded ? stage.released : reached;
  return { kind: "owed", ...ofMessage(delivery), topic, qos, retain, identifiers, stage: at };
}

export function sessionEntry(session: Session, came: boolean): Entry {
  const { number, principal, clientId, keepsake, expirySeconds, will } = session;
  const kept = will && { ...will.message, properties: will.message.properties ?? {}, ...will };
  return { kind: "session", session: number, principal, clientId, keepsake, expirySeconds, will: kept, came };
}
