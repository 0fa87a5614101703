// Hot path: a client, between connections too.
import type { Core } from "./core.ts";
import type { Delivery } from "./delivery.ts";
import type { Mapped, Mounts } from "./mounts.ts";
import { Outgoing } from "./outgoing.ts";
import type { Closing, Gate, Message, ProtocolVersion, Transport } from "./policy.ts";
import type { Publication, Publisher } from "./publication.ts";
import { Receipts } from "./receipts.ts";
import type { Entry } from "./records.ts";
import type { Space } from "./space.ts";
import { nothingDropped, type Dropped } from "./statistics.ts";
import type { Options, Subscription, Target } from "./subscription.ts";
import { parseFilter } from "./topics.ts";

/** Why a connection is ended from our side. Of a revoked one nothing more goes out but the reason. */
export type Ended = Pick<Closing, "how" | "code"> & {
  readonly reasonString?: string | undefined;
  readonly serverReference?: string | undefined;
  readonly atOnce?: boolean;
};

/** A connection, as its session sees it. */
export interface Line {
  /** When the welcome is over. */
  readonly deadlines: { expireAt(instant: number | undefined): void };
  /** It is open, and few enough bytes are waiting for another message of QoS 1 or 2. */
  readonly hasRoom: boolean;
  readonly protocolVersion: ProtocolVersion;
  readonly transport: Transport;
  /** Writes a PUBLISH, or says `false` where it was dropped: too large, expired, or too slow for QoS 0. */
  send(delivery: Delivery, duplicate: boolean): boolean;
  /** The same at QoS 0, for a subscription, as the message comes. */
  sendLive(publication: Publication, target: Target): void;
  /** Writes a PUBREL, if the connection is open. */
  release(packetId: number, code: number): void;
  end(closing: Ended): void;
}

export type Will = {
  readonly message: Message;
  readonly written: string;
  readonly delaySeconds: number;
};

/** Never ends (MQTT 5, section 3.1.2.11.2). */
export const forever = 0xffffffff;

/** What a welcome says about a session; the next one may say something else. */
export type Terms = {
  readonly context: unknown;
  readonly gate: Gate;
  readonly mounts: Mounts;
  readonly application: string;
  readonly keepsake: string | undefined;
};

export class Session {
  readonly core: Core;
  readonly space: Space;
  readonly principal: string;
  readonly clientId: string;
  /** The same, for what outlives the session. */
  readonly client: Publisher;
  readonly subscriptions = new Map<string, Subscription>();
  /** What it was subscribed to by a name that means nothing at the moment, and may again. */
  readonly unnamed = new Map<string, Options>();
  readonly outgoing: Outgoing;
  #receipts: Receipts | undefined;

  // As the last welcome said.
  context: unknown;
  gate: Gate;
  mounts: Mounts;
  application: string;
  keepsake: string | undefined;
  /** Grows with every new gate: verdicts that carry an older one are asked again. */
  stamp = 1;

  /** Subscriptions that the space has of it. */
  subscribed = 0;
  /** Of its subscriptions those that match a topic, while its subscribers are looked for: see `targetsOf`. */
  merged: Target | null = null;
  merging = 0;

  /** In the log; 0 is not there. */
  number = 0;
  line: Line | null = null;
  /** When its last connection came, in milliseconds since the epoch; 0 is not since the process began. */
  cameAt = 0;
  /** When its last connection went, in milliseconds since the epoch. */
  leftAt: number | undefined = undefined;
  expirySeconds = 0;
  hasEnded = false;
  /** `undefined` is nothing. */
  dropped: Dropped | undefined = undefined;
  #will: Will | undefined = undefined;
  cancelWill: (() => void) | undefined = undefined;
  cancelExpiry: (() => void) | undefined = undefined;

  constructor(core: Core, space: Space, principal: string, clientId: string, terms: Terms) {
    this.core = core;
    this.space = space;
    this.principal = principal;
    this.clientId = clientId;
    this.client = { principal, clientId };
    this.context = terms.context;
    this.gate = terms.gate;
    this.mounts = terms.mounts;
    this.application = terms.application;
    this.keepsake = terms.keepsake;
    this.outgoing = new Outgoing(this);
  }

  get will(): Will | undefined {
    return this.#will;
  }

  set will(will: Will | undefined) {
    this.space.backlog.exchange(this.#will, will);
    this.#will = will;
  }

  /** Of QoS 2, which most clients never use. */
  get receipts(): Receipts {
    return (this.#receipts ??= new Receipts());
  }

  /** Its time is up, and it ends as soon as its timer has its turn. */
  get isOver(): boolean {
    const { leftAt, expirySeconds } = this;
    if (leftAt === undefined || expirySeconds === forever) return false;
    return this.core.time.now() - leftAt >= expirySeconds * 1000;
  }

  /** It is in the log, and outlives the process. */
  get isKept(): boolean {
    return this.number !== 0;
  }

  /** Keeps what is to be known after a restart; of a session that is not kept nothing is, which is done at once. */
  keep(entries: readonly Entry[], done: (code: number) => void): void {
    const { keeping } = this.space;
    if (keeping && this.isKept && entries.length > 0) keeping.append(entries, done);
    else done(0);
  }

  /** The same where it is the client who is waiting: of what one commit keeps much is told over several turns. */
  keepAndTell(entries: readonly Entry[], done: (code: number) => void): void {
    const { notices } = this.core;
    if (this.isKept) this.keep(entries, (code) => notices.give(entries.length, done, code));
    else done(0);
  }

  /** Keeps within a second that it is not subscribed to this, unless it is again by then. */
  keepUnsubscribed(written: string): void {
    if (!this.isKept) return;
    const isSo = () => !this.subscriptions.has(written) && !this.unnamed.has(written);
    this.space.keeping?.late({ kind: "unsubscribed", session: this.number, written }, isSo);
  }

  /** It is in memory alone from now on, and ends with its connection. Answers what has to be kept of that. */
  letGo(): readonly Entry[] {
    if (!this.isKept) return [];
    const ended: Entry = { kind: "ended", session: this.number };
    this.outgoing.letGo();
    this.number = 0;
    return [ended];
  }

  /** Everything the policy says anew replaces what it said before. */
  welcomed({ context, gate, mounts, application, keepsake }: Terms): void {
    this.context = context;
    this.gate = gate;
    this.keepsake = keepsake;
    this.rename(mounts, application);
    this.stamp++;
  }

  /** Whether the session may go on under its gate; a gate out of date is renewed, or the session ended, before this returns. */
  isCurrent(): boolean {
    const { gate } = this;
    return gate.epoch === gate.cell.epoch ? !this.hasEnded : this.core.renew(this);
  }

  /** Filters are read again where names mean something else now. */
  rename(mounts: Mounts, application: string): void {
    const moved = !this.mounts.equals(mounts) || this.application !== application;
    this.mounts = mounts;
    this.application = application;
    if (!moved) return;
    const { space } = this;
    space.subscribersChanged(); // topics of this session that were looked up under the old names are looked up again
    const all = [...this.subscriptions.values(), ...this.unnamed.values()];
    for (const old of this.subscriptions.values()) space.unsubscribe(old);
    this.subscriptions.clear();
    this.unnamed.clear();
    for (const one of all) this.resubscribe(one);
  }

  /** As it was granted once, by what names mean now. Where they mean nothing it waits until they do: the client was told that it is subscribed. */
  resubscribe({ written, qos, noLocal, retainAsPublished, identifier }: Options): void {
    const options = { written, qos, noLocal, retainAsPublished, identifier };
    const parsed = parseFilter(written);
    const mapped = parsed && this.mounts.filter(parsed.filter);
    if (mapped) this.subscribe(options, mapped, parsed.share);
    else this.unnamed.set(written, options);
  }

  subscribe(options: Options, { topic, via }: Mapped, share: string | undefined): Subscription {
    const group = share === undefined ? undefined : this.space.group(this.application, share, topic);
    const { written, qos, noLocal, retainAsPublished, identifier } = options;
    // Each by its name, and what every message asks for first: a spread would put it elsewhere in memory, and a hundred thousand may match.
    const subscription: Subscription = {
      kind: "subscription",
      session: this,
      via,
      qos,
      noLocal,
      retainAsPublished,
      identifier,
      written,
      filter: topic,
      group,
    };
    this.unnamed.delete(options.written);
    this.subscriptions.set(options.written, subscription);
    this.space.subscribe(subscription);
    return subscription;
  }

  /** A connection takes the session up, and takes so many messages of QoS 1 and 2 at once. */
  attach(line: Line, window: number): void {
    this.line = line;
    this.cameAt = Math.floor(this.core.time.now());
    this.leftAt = undefined;
    this.outgoing.window = window;
  }

  /** Its client does not get messages that it would have got. */
  drop(why: keyof Dropped, count = 1): void {
    (this.dropped ??= nothingDropped())[why] += count;
    this.core.statistics.dropped[why] += count;
  }

  /** The connection is gone. */
  detach(): void {
    this.line = null;
    this.leftAt = Math.floor(this.core.time.now());
    this.outgoing.detach();
  }
}
