import assert from "node:assert/strict";
import type { QoS } from "./policy.ts";

// What MQTT says of sessions, subscriptions and delivery, in arrays and loops: slow, and easy to check by reading.

export const forever = 0xffffffff;

/** `turn` tells the order of publishing, `at` is in milliseconds; expiry in seconds. */
export type Message = {
  readonly topic: string;
  readonly payload: string;
  readonly qos: QoS;
  readonly retain: boolean;
  readonly expiry: number | undefined;
  readonly turn: number;
  readonly at: number;
  /** The client whose it is. */
  readonly from: string | undefined;
};

/** What somebody gives to publish. */
export type Given = Omit<Message, "turn" | "at" | "from">;

export type Subscription = {
  /** As written, `$share/…` included. */
  readonly filter: string;
  readonly qos: QoS;
  readonly noLocal: boolean;
  readonly retainAsPublished: boolean;
  readonly retainHandling: number;
  /** 0 is none. */
  readonly identifier: number;
};

export type Will = { readonly given: Given; readonly delaySeconds: number };

export type Arrival = {
  readonly topic: string;
  readonly payload: string;
  readonly qos: QoS;
  readonly retain: boolean;
  readonly dup: boolean;
  readonly id: number;
  /** Of MQTT 5. */
  readonly identifiers: readonly number[];
  readonly expiry: number | undefined;
};

/** A shared message: exactly one of these sessions gets it. */
type Choice = {
  readonly left: Set<Session>;
  isClaimed: boolean;
  /** The one that was chosen may have ended, or the message have expired with it. */
  isExcused: boolean;
};

type Delivery = {
  readonly message: Message;
  readonly qos: QoS;
  readonly retain: boolean;
  readonly identifiers: readonly number[];
  choice: Choice | undefined;
};

type Owed = Delivery & {
  state: "waiting" | "sent" | "released";
  /** Its place in the order; at first that of what made it owed. */
  turn: number;
  id: number;
  /** The last connection on which the PUBLISH went out, and the PUBREL. */
  sentOn: number;
  releasedOn: number;
  /** After a crash nobody knows whether it was sent before. */
  mayBeKnown: boolean;
  /** It may come again, because what ended it was said less than a second before a crash, or its time is over. */
  isOptional: boolean;
};

export type Session = {
  readonly client: string;
  version: 4 | 5;
  expirySeconds: number;
  /** Of the present connection; 0 is none. */
  connection: number;
  leftAt: number;
  /** The client's receive maximum. */
  window: number;
  will: Will | undefined;
  subscriptions: Subscription[];
  /** At QoS 0, now. */
  live: Delivery[];
  /** At QoS 1 and 2, in order. */
  owed: Owed[];
  /** What was over lately, and when. */
  recent: { readonly owed: Owed; readonly at: number }[];
};

/** The client asked for this when it connected. */
export type Asked = Pick<Session, "client" | "version" | "expirySeconds" | "window" | "will"> & {
  readonly clean: boolean;
};

const lower = (one: QoS, other: QoS): QoS => (one < other ? one : other);
const highest = (all: readonly Subscription[]): QoS => all.reduce<QoS>((most, { qos }) => (qos > most ? qos : most), 0);
const isShared = ({ filter }: Subscription): boolean => filter.startsWith("$share/");
const bare = (filter: string): string => filter.replace(/^\$share\/[^/]+\//, "");

function matches(filter: string, topic: string): boolean {
  if (/^[+#]/.test(filter) && topic.startsWith("$")) return false;
  const pattern = filter.replace(/\$/g, "\\$").replace(/\/#$/, "(/.*)?").replace(/^#$/, ".*").replaceAll("+", "[^/]*");
  return new RegExp(`^${pattern}$`).test(topic);
}

export class PlainBroker {
  now: number;
  sessions: Session[] = [];
  retained: Message[] = [];
  /** Of what happens together, in no order, the same. */
  #turn = 0;
  #connections = 0;

  constructor(now: number) {
    this.now = now;
  }

  of(client: string): Session | undefined {
    return this.sessions.find((session) => session.client === client);
  }

  /** Answers whether a session was there to come back to. */
  connect({ clean, ...asked }: Asked): boolean {
    const before = this.of(asked.client);
    if (before && before.connection !== 0) this.lose(before);
    if (clean) for (const old of this.sessions.filter(({ client }) => client === asked.client)) this.#end(old);
    let session = this.of(asked.client);
    const isPresent = session !== undefined;
    if (!session) {
      const nothing = { connection: 0, leftAt: 0, subscriptions: [], live: [], owed: [], recent: [] };
      session = { ...asked, ...nothing };
      this.sessions.push(session);
    }
    Object.assign(session, asked, { connection: ++this.#connections });
    return isPresent;
  }

  /** The client says DISCONNECT. */
  leave(session: Session, keepsWill: boolean, expirySeconds: number | undefined): void {
    if (!keepsWill) session.will = undefined;
    session.expirySeconds = expirySeconds ?? session.expirySeconds;
    this.lose(session);
  }

  /** The connection is gone. */
  lose(session: Session): void {
    this.#turn++;
    session.connection = 0;
    session.leftAt = this.now;
    const { will, expirySeconds } = session;
    if (will && (will.delaySeconds === 0 || expirySeconds === 0)) this.#publishWill(session);
    if (expirySeconds === 0) this.#end(session);
  }

  #publishWill(session: Session): void {
    const { will } = session;
    session.will = undefined;
    if (will) this.#spread(will.given, session);
  }

  #end(session: Session): void {
    this.#publishWill(session);
    this.sessions = this.sessions.filter((other) => other !== session);
    for (const { choice } of session.owed) excuse(choice, session);
  }

  /** The connection's DISCONNECT apart, everything that happens by itself. */
  move(milliseconds: number): void {
    const end = this.now + milliseconds;
    let before = -1;
    for (;;) {
      const due = this.sessions
        .filter(({ connection }) => connection === 0)
        .flatMap((session) => [
          ...(session.will ? [{ session, what: "will", at: session.leftAt + session.will.delaySeconds * 1000 }] : []),
          ...(session.expirySeconds === forever
            ? []
            : [{ session, what: "end", at: session.leftAt + session.expirySeconds * 1000 }]),
        ])
        .filter(({ at }) => at <= end)
        .toSorted((one, other) => one.at - other.at)[0];
      if (!due) break;
      if (due.at !== before) this.#turn++;
      before = due.at;
      this.now = Math.max(this.now, due.at);
      if (due.what === "will") this.#publishWill(due.session);
      else this.#end(due.session);
    }
    this.now = end;
  }

  subscribe(session: Session, all: readonly Subscription[]): void {
    for (const subscription of all) {
      const isNew = !session.subscriptions.some(({ filter }) => filter === subscription.filter);
      this.unsubscribe(session, subscription.filter);
      session.subscriptions.push(subscription);
      const { retainHandling } = subscription;
      if (isShared(subscription) || retainHandling === 2 || (retainHandling === 1 && !isNew)) continue;
      this.#turn++;
      for (const message of this.retained) {
        if (subscription.noLocal && message.from === session.client) continue;
        if (this.#isExpired(message) || !matches(subscription.filter, message.topic)) continue;
        this.#deliver(session, message, [subscription], true, undefined);
      }
    }
  }

  unsubscribe(session: Session, filter: string): void {
    session.subscriptions = session.subscriptions.filter((one) => one.filter !== filter);
  }

  publish(given: Given, publisher: Session | undefined): void {
    this.#turn++;
    this.#spread(given, publisher);
  }

  #spread(given: Given, publisher: Session | undefined): void {
    const message: Message = { ...given, turn: this.#turn, at: this.now, from: publisher?.client };
    const { topic, qos } = message;
    for (const session of this.sessions) {
      const matching = session.subscriptions.filter(
        (one) => !isShared(one) && matches(one.filter, topic) && !(one.noLocal && session === publisher),
      );
      const keepsFlag = matching.some((one) => one.retainAsPublished);
      if (matching.length > 0) this.#deliver(session, message, matching, keepsFlag && message.retain, undefined);
    }
    const members = this.sessions.flatMap((session) =>
      session.subscriptions
        .filter((one) => isShared(one) && matches(bare(one.filter), topic))
        .map((subscription) => ({ session, subscription })),
    );
    for (const group of Map.groupBy(members, ({ subscription }) => subscription.filter).values()) {
      const here = group.filter(({ session }) => session.connection !== 0);
      const willCome = qos === 0 ? [] : group.filter(({ subscription }) => subscription.qos > 0);
      const candidates = here.length > 0 ? here : willCome;
      const left = new Set(candidates.map(({ session }) => session));
      const choice: Choice = { left, isClaimed: false, isExcused: false };
      for (const { session, subscription } of candidates) {
        this.#deliver(session, message, [subscription], subscription.retainAsPublished && message.retain, choice);
      }
    }
    if (!message.retain) return;
    this.retained = this.retained.filter((one) => one.topic !== topic);
    if (message.payload !== "") this.retained.push(message);
  }

  #deliver(
    session: Session,
    message: Message,
    subscriptions: readonly Subscription[],
    retain: boolean,
    choice: Choice | undefined,
  ): void {
    const qos = lower(message.qos, highest(subscriptions));
    const identifiers = subscriptions.map(({ identifier }) => identifier).filter((identifier) => identifier !== 0);
    const delivery: Delivery = { message, qos, retain, identifiers: identifiers.toSorted((a, b) => a - b), choice };
    if (qos > 0) {
      const fresh = { state: "waiting" as const, turn: this.#turn, id: 0, sentOn: 0, releasedOn: 0 };
      session.owed.push({ ...delivery, ...fresh, mayBeKnown: false, isOptional: false });
    } else if (session.connection !== 0) session.live.push(delivery);
  }

  #isExpired({ expiry, at }: Message): boolean {
    return expiry !== undefined && this.now - at >= expiry * 1000;
  }

  /** The process dies, or ends in its time, and the next one finds what was kept. */
  restart(how: "crash" | "stop"): void {
    for (const session of this.sessions) {
      session.live = [];
      if (session.expirySeconds === 0) {
        // Nothing of it is kept, its will neither.
        session.will = undefined;
        this.#end(session);
        continue;
      }
      if (session.connection !== 0) session.leftAt = this.now;
      session.connection = 0;
      const again = session.recent.filter(({ at }) => how === "crash" && this.now - at < 1000).map(({ owed }) => owed);
      session.recent = [];
      for (const owed of session.owed) owed.mayBeKnown = true;
      for (const owed of again) owed.isOptional = owed.mayBeKnown = true;
      session.owed.push(...again);
      // In the order of their messages: what was retained is older than what it was sent behind.
      for (const owed of session.owed) owed.turn = owed.message.turn;
      session.owed.sort((one, other) => one.turn - other.turn);
    }
    this.move(0);
  }

  /** The client answers something of this connection. */
  answered(session: Session, what: "puback" | "pubrec" | "pubcomp", id: number): void {
    const owed = session.owed.find((one) => one.id === id && one.state !== "waiting");
    assert.ok(owed, `${what} ${id} of ${session.client} answers what is owed`);
    if (what === "pubrec") owed.state = "released";
    else {
      session.owed = session.owed.filter((one) => one !== owed);
      session.recent.push({ owed, at: this.now });
    }
  }

  /** A PUBLISH came. */
  heard(session: Session, arrival: Arrival): void {
    const name = `${session.client} heard ${JSON.stringify(arrival)}`;
    const isIt = (delivery: Delivery) => this.#isSame(session, delivery, arrival);
    if (arrival.qos === 0) {
      const live = session.live.toSorted(certainFirst).find(isIt);
      assert.ok(live && !arrival.dup, `${name}, which was not for it`);
      this.#claim(live, session);
      session.live = session.live.filter((one) => one !== live);
      return;
    }
    // Without DUP, what need not come again is not it, but another message that looks the same.
    const mayBeAgain = (one: Owed) => one.id === arrival.id && one.state === "sent" && (arrival.dup || !one.isOptional);
    const again = session.owed.find((one) => mayBeAgain(one) && isIt(one));
    const owed = again ?? session.owed.toSorted(certainFirst).find((one) => one.state === "waiting" && isIt(one));
    assert.ok(owed, `${name}, which it was not owed`);
    if (again) assert.ok(arrival.dup && again.sentOn !== session.connection, `${name} once more`);
    else assert.ok(owed.mayBeKnown || !arrival.dup, `${name}, and never before`);
    const others = session.owed.filter((one) => one.id === arrival.id && one !== owed && one.state !== "waiting");
    assert.ok(
      others.every((one) => one.isOptional),
      `${name} under an id that is taken`,
    );
    session.owed = session.owed.filter((one) => !others.includes(one));
    this.#inOrder(session, owed, name);
    this.#claim(owed, session);
    Object.assign(owed, { state: "sent", id: arrival.id, sentOn: session.connection, isOptional: false });
  }

  /** A PUBREL came. */
  released(session: Session, id: number): void {
    const name = `${session.client} heard PUBREL ${id}`;
    const owed = session.owed.find((one) => one.id === id && one.qos === 2 && one.state === "released");
    assert.ok(owed && owed.releasedOn !== session.connection, `${name} of what it has not received`);
    // Behind its PUBREC it comes at once, on a later connection in its turn.
    if (owed.sentOn !== session.connection) this.#inOrder(session, owed, name);
    Object.assign(owed, { releasedOn: session.connection, isOptional: false });
  }

  /** Nothing that is still to be said comes before it. */
  #inOrder(session: Session, owed: Owed, name: string): void {
    for (const one of session.owed) {
      if (one.turn >= owed.turn || isSaid(one, session.connection) || one.sentOn === session.connection) continue;
      // What was sent before comes before what waited.
      if (one.state === "waiting" && owed.state !== "waiting") continue;
      assert.ok(this.#isDispensable(session, one), `${name} before ${JSON.stringify(one.message)}`);
    }
  }

  #isDispensable(session: Session, owed: Owed): boolean {
    if (owed.isOptional || (owed.state === "waiting" && this.#isExpired(owed.message))) return true;
    return (
      owed.choice !== undefined && [...owed.choice.left].some((other) => other !== session || owed.choice?.isExcused)
    );
  }

  #isSame(session: Session, { message, qos, retain, identifiers }: Delivery, arrival: Arrival): boolean {
    const { topic, payload, expiry, at } = message;
    const isFive = session.version === 5;
    const left = expiry === undefined ? undefined : Math.max(0, expiry - Math.floor((this.now - at) / 1000));
    return (
      arrival.topic === topic &&
      arrival.payload === payload &&
      arrival.qos === qos &&
      arrival.retain === retain &&
      String(arrival.identifiers) === String(isFive ? identifiers : []) &&
      arrival.expiry === (isFive ? left : undefined)
    );
  }

  #claim(delivery: Delivery, session: Session): void {
    const { choice } = delivery;
    if (!choice) return;
    assert.ok(!choice.isClaimed, `${session.client} got a shared message that somebody else has`);
    choice.isClaimed = true;
    delivery.choice = undefined;
    for (const other of this.sessions) {
      other.live = other.live.filter((one) => one.choice !== choice);
      other.owed = other.owed.filter((one) => one.choice !== choice);
    }
  }

  /** Everything that could be said to the client has been said: what is missing is a fault. */
  settled(session: Session): void {
    if (session.connection === 0) return;
    const { client, connection } = session;
    for (const one of session.live) this.#missed(session, one, one.choice !== undefined);
    session.live = [];
    const underWay = session.owed.filter((one) => one.sentOn === connection).length;
    assert.ok(underWay <= session.window, `${client} takes ${session.window} at once`);
    if (underWay === session.window) return;
    for (const one of session.owed) {
      if (isSaid(one, connection)) continue;
      const isOver = one.state === "waiting" && this.#isExpired(one.message);
      if (isOver && one.choice) one.choice.isExcused = true;
      this.#missed(session, one, isOver || one.isOptional || one.choice !== undefined);
      // What may have been sent before a crash does not expire by it.
      if (isOver) session.recent.push({ owed: { ...one, choice: undefined }, at: this.now });
    }
    session.owed = session.owed.filter((one) => isSaid(one, connection));
  }

  #missed(session: Session, { message, choice }: Delivery, isAllowed: boolean): void {
    assert.ok(isAllowed, `${session.client} did not get ${JSON.stringify(message)}`);
    if (!choice) return;
    choice.left.delete(session);
    const isSomebodys = choice.isClaimed || choice.isExcused || choice.left.size > 0;
    assert.ok(isSomebodys, `nobody got ${JSON.stringify(message)}, which is shared`);
  }
}

/** A client may have two of the same, one of them shared: the first that comes is its own. */
const certainFirst = (one: Delivery, other: Delivery): number =>
  Number(one.choice !== undefined) - Number(other.choice !== undefined);

const isSaid = (owed: Owed, connection: number): boolean =>
  owed.state !== "waiting" && (owed.state === "sent" ? owed.sentOn : owed.releasedOn) === connection;

function excuse(choice: Choice | undefined, session: Session): void {
  if (!choice) return;
  choice.isExcused = true;
  choice.left.delete(session);
}
