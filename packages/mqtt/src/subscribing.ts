import { Buffer } from "node:buffer";
import { reason } from "./codes.ts";
import type { Connection } from "./connection.ts";
import type { Cursor } from "./cursor.ts";
import { readSubscribe, readUnsubscribe, type SubscribeAsked } from "./packets.ts";
import { sayable } from "./sayable.ts";
import type { Session } from "./session.ts";
import type { Subscription } from "./subscription.ts";
import { levelsOf } from "./topics.ts";
import { suback, unsuback } from "./writer.ts";

/** Answers a SUBSCRIBE: each filter is judged on its own, then the SUBACK, then what is retained. */
export function subscribe(connection: Connection, session: Session, cursor: Cursor): void {
  const { core, protocolVersion } = connection;
  const { id, properties, asked } = readSubscribe(cursor, protocolVersion, core.limits.filtersPerPacket);
  const identifier = properties.subscriptionIdentifiers?.[0] ?? 0;
  const codes: number[] = [];
  const wantRetained: Subscription[] = [];
  for (const one of asked) {
    const made = make(session, one, identifier);
    if (typeof made === "number") {
      core.statistics.subscribesRefused++;
      core.policy.refused?.(session.context, "subscribe", one.filter.written, made);
      codes.push(protocolVersion === 5 ? sayable("suback", made) : 0x80);
      continue;
    }
    const { subscription, isNew } = made;
    codes.push(subscription.qos);
    const wants = one.retainHandling === 0 || (one.retainHandling === 1 && isNew);
    // [MQTT-3.3.1-9] to [MQTT-3.3.1-11]; a shared subscription gets none (4.8.2).
    if (wants && !subscription.group) wantRetained.push(subscription);
  }
  answer(connection, suback(protocolVersion, id, codes, {}));
  core.recollection.begin(session, wantRetained);
}

function make(
  session: Session,
  asked: SubscribeAsked,
  identifier: number,
): { subscription: Subscription; isNew: boolean } | number {
  const { limits } = session.core;
  const { written, filter: wanted, share } = asked.filter;
  const mapped = session.mounts.inward(wanted);
  if (!mapped) return reason.notAuthorized;
  const { topic: filter, via } = mapped;
  if (Buffer.byteLength(filter) > limits.topicBytes || levelsOf(filter) > limits.topicLevels)
    return reason.topicFilterInvalid;
  const refusal = session.gate.subscribe(filter);
  if (refusal !== 0) return refusal;

  const old = session.subscriptions.get(written);
  if (!old && session.subscriptions.size >= limits.subscriptionsPerSession) return reason.quotaExceeded;
  if (old) session.space.unsubscribe(old); // [MQTT-3.8.4-3]
  const subscription: Subscription = {
    kind: "subscription",
    session,
    written,
    filter,
    via,
    qos: asked.qos === 0 ? 0 : 1,
    noLocal: asked.noLocal,
    retainAsPublished: asked.retainAsPublished,
    identifier,
    group: share === undefined ? undefined : session.space.group(session.application, share, filter),
  };
  session.subscriptions.set(written, subscription);
  session.space.subscribe(subscription);
  return { subscription, isNew: old === undefined };
}

export function unsubscribe(connection: Connection, session: Session, cursor: Cursor): void {
  const { core, protocolVersion } = connection;
  const { id, filters } = readUnsubscribe(cursor, protocolVersion, core.limits.filtersPerPacket);
  const codes = filters.map(({ written }) => {
    const subscription = session.subscriptions.get(written);
    if (!subscription) return reason.noSubscriptionExisted;
    session.subscriptions.delete(written);
    session.space.unsubscribe(subscription);
    return reason.success;
  });
  answer(connection, unsuback(protocolVersion, id, codes, {}));
}

function answer(connection: Connection, bytes: Buffer): void {
  // Without the answer the client would wait for ever ([MQTT-3.1.2-24]).
  if (bytes.length > connection.maximumPacket) connection.end({ how: "protocol", code: reason.packetTooLarge });
  else connection.write(bytes);
}
