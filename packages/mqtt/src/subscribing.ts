import type { Buffer } from "node:buffer";
import { reason, sentenceOf } from "./codes.ts";
import type { Connection } from "./connection.ts";
import type { Cursor } from "./cursor.ts";
import { readSubscribe, readUnsubscribe, type SubscribeAsked } from "./packets.ts";
import type { Properties } from "./properties.ts";
import type { Entry, EntryOf } from "./records.ts";
import { sayable } from "./sayable.ts";
import type { Session } from "./session.ts";
import type { Options, Subscription } from "./subscription.ts";
import { isTooLong } from "./topics.ts";
import { fitting, suback, unsuback } from "./writer.ts";

/** Answers a SUBSCRIBE: each filter is judged on its own, then the SUBACK once that is kept, then what is retained. Returns how many there were. */
export function subscribe(connection: Connection, session: Session, cursor: Cursor): number {
  const { core, protocolVersion } = connection;
  const { id, properties, asked } = readSubscribe(cursor, protocolVersion, core.limits.filtersPerPacket);
  const identifier = properties.subscriptionIdentifiers?.[0] ?? 0;
  const codes: number[] = [];
  const made: Made[] = [];
  const wantRetained: Subscription[] = [];
  const whyFull = session.isKept ? session.space.keeping?.whyFull : undefined;
  let reasonString: string | undefined;
  for (const one of asked) {
    const done = whyFull === undefined ? make(session, one, identifier) : reason.quotaExceeded;
    if (typeof done === "number") {
      // What the client was answered last counts.
      if (session.unnamed.delete(one.filter.written)) session.keepUnsubscribed(one.filter.written);
      core.statistics.subscribesRefused++;
      const why = whyFull ?? core.policy.refused?.(session.context, "subscribe", one.filter.written, done);
      // Of several the first: the answer has room for one.
      reasonString ??= why ?? sentenceOf(done);
      codes.push(protocolVersion === 5 ? sayable("suback", done) : 0x80);
      continue;
    }
    const { subscription, old } = done;
    codes.push(subscription.qos);
    made.push(done);
    const wants = one.retainHandling === 0 || (one.retainHandling === 1 && !old);
    // [MQTT-3.3.1-9] to [MQTT-3.3.1-11]; a shared subscription gets none (4.8.2).
    if (wants && !subscription.group) wantRetained.push(subscription);
  }
  const entries = made.map(({ subscription }) => subscribedEntry(session, subscription));
  session.keepAndTell(entries, (code) => {
    if (code === 0) {
      const answer = (said: Properties) => suback(protocolVersion, id, codes, said);
      if (connection.isOpen) say(connection, fitting(connection.maximumPacket, connection.told(reasonString), answer));
      core.recollection.begin(session, wantRetained);
      if (made.length > 0) core.policy.subscribed?.(session.context, filtersOf(made));
      return;
    }
    for (const one of made) takeBack(session, one);
    connection.end({ how: "policy", code: reason.serverBusy });
  });
  return asked.length;
}

const filtersOf = (made: readonly Made[]): readonly string[] => made.map(({ subscription }) => subscription.filter);

/** It was not kept: what was before it holds, unless something newer does. A picture may have it, and is set right. */
function takeBack(session: Session, { subscription, old }: Made): void {
  const { written } = subscription;
  if (session.subscriptions.get(written) !== subscription) return;
  remove(session, written);
  if (!old) return session.keepUnsubscribed(written);
  const entry = subscribedEntry(session, old);
  session.resubscribe(old);
  const again = session.subscriptions.get(written);
  session.space.keeping?.late(entry, () => session.subscriptions.get(written) === again);
}

export const subscribedEntry = (
  { number: session }: Session,
  { written, qos, noLocal, retainAsPublished, identifier }: Options,
): EntryOf<"subscribed"> => ({ kind: "subscribed", session, written, qos, noLocal, retainAsPublished, identifier });

/** A subscription, and the one that it replaces. */
type Made = { readonly subscription: Subscription; readonly old: Subscription | undefined };

function make(session: Session, asked: SubscribeAsked, identifier: number): Made | number {
  const { limits } = session.core;
  const { written, filter: wanted, share } = asked.filter;
  const mapped = session.mounts.filter(wanted);
  if (!mapped) return reason.notAuthorized;
  const { topic: filter } = mapped;
  if (isTooLong(filter, limits)) return reason.topicFilterInvalid;
  const refusal = session.gate.subscribe(filter);
  if (refusal !== 0) return refusal;

  const old = session.subscriptions.get(written);
  const count = session.subscriptions.size + session.unnamed.size;
  const hasRoom = count < limits.subscriptionsPerSession && session.space.hasRoomFor(session);
  if (!old && !hasRoom) return reason.quotaExceeded;
  if (old) session.space.unsubscribe(old); // [MQTT-3.8.4-3]
  const { noLocal, retainAsPublished } = asked;
  const qos = asked.qos > limits.maximumQoS ? limits.maximumQoS : asked.qos;
  const options = { written, qos, noLocal, retainAsPublished, identifier };
  return { subscription: session.subscribe(options, mapped, share), old };
}

function remove(session: Session, written: string): boolean {
  const subscription = session.subscriptions.get(written);
  if (!subscription) return session.unnamed.delete(written);
  session.subscriptions.delete(written);
  session.space.unsubscribe(subscription);
  return true;
}

export function unsubscribe(connection: Connection, session: Session, cursor: Cursor): number {
  const { core, protocolVersion } = connection;
  const { id, filters } = readUnsubscribe(cursor, protocolVersion, core.limits.filtersPerPacket);
  const entries: Entry[] = [];
  const codes = filters.map(({ written }) => {
    if (!remove(session, written)) return reason.noSubscriptionExisted;
    entries.push({ kind: "unsubscribed", session: session.number, written });
    return reason.success;
  });
  session.keepAndTell(entries, (code) => {
    if (code !== 0) connection.end({ how: "policy", code: reason.serverBusy });
    else if (connection.isOpen) say(connection, unsuback(protocolVersion, id, codes, {}));
  });
  return filters.length;
}

function say(connection: Connection, bytes: Buffer | undefined): void {
  // Without the answer the client would wait for ever ([MQTT-3.1.2-24]).
  if (!bytes || bytes.length > connection.maximumPacket)
    connection.end({ how: "protocol", code: reason.packetTooLarge });
  else connection.write(bytes);
}
