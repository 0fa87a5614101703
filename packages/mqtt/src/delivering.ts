// Hot path: from a publication to those who get it.
import { reason } from "./codes.ts";
import type { Delivery } from "./delivery.ts";
import type { Publication } from "./publication.ts";
import type { QoS } from "./policy.ts";
import type { Session } from "./session.ts";
import type { Route, Share, Space } from "./space.ts";
import type { Target } from "./subscription.ts";

/** What may go at once: to listeners, and to subscriptions of QoS 0; a message of QoS 0 to all. */
export function deliverLive(route: Route, publication: Publication, publisher: Session | null): void {
  const { listeners, live } = route;
  for (let i = 0; i < listeners.length; i++) listeners[i]!.listener.receive(publication); // i < length
  for (let i = 0; i < live.length; i++) sendLive(live[i]!, publication, publisher); // i < length
  if (publication.qos > 0) return;
  const { durable, shares } = route;
  for (let i = 0; i < durable.length; i++) sendLive(durable[i]!, publication, publisher); // i < length
  for (let i = 0; i < shares.length; i++) {
    const member = memberOf(shares[i]!, publication); // i < length
    if (member) sendLive(member, publication, publisher);
  }
  retain(route.space, publication);
}

function sendLive(target: Target, publication: Publication, publisher: Session | null): void {
  if (target.noLocal && target.session === publisher) {
    if (target.own) sendLive(target.own, publication, null);
    return;
  }
  const { line } = target.session;
  if (line === null || !target.isAllowed()) return;
  line.sendLive(publication, target);
}

/**
 * Decides who is owed a message of QoS 1 or 2, as it is accepted; they get it once it is kept. A shared group chooses its member now
 * ([MQTT-4.8.2-4] to [MQTT-4.8.2-6]). Answers 0, or the code with which the publisher is refused because one of them has no room.
 */
export function decide(route: Route, publication: Publication, publisher: Session | null): number {
  const { durable, shares } = route;
  if (publication.qos === 0) return 0;
  if (durable.length === 0 && shares.length === 0) return 0;
  for (let i = 0; i < durable.length; i++) {
    if (!owe(durable[i]!, publication, publisher)) return refuse(publication); // i < length
  }
  for (let i = 0; i < shares.length; i++) {
    const member = memberOf(shares[i]!, publication); // i < length
    if (member && !owe(member, publication, publisher)) return refuse(publication);
  }
  return 0;
}

/** 0, or the code with which the publisher is refused because the space has no room for a message to be retained. */
export function retainable(space: Space, publication: Publication): number {
  if (!isRetained(space, publication) || space.retained.hasRoomFor(publication)) return 0;
  space.core.statistics.refusedRetained++;
  publication.reasonString =
    "The server retains as much as it may. Clear topics with an empty retained message, or publish without the retain flag.";
  return reason.quotaExceeded;
}

function refuse(publication: Publication): number {
  takeBack(publication);
  publication.reasonString = "The queue of somebody who is owed this is full. Send it again later.";
  return reason.quotaExceeded;
}

/** `false` where there is no room, and the publisher is to hear of it. */
function owe(target: Target, publication: Publication, publisher: Session | null): boolean {
  if (target.noLocal && target.session === publisher) return !target.own || owe(target.own, publication, null);
  if (!target.isAllowed()) return true;
  const { session } = target;
  if (session.line === null && (session.expirySeconds === 0 || publication.present)) return true;
  const { outgoing, core } = session;
  const qos = lower(publication.qos, target.qos);
  if (qos > 0 && core.limits.whenFull === "refusePublisher" && !outgoing.hasRoomFor(publication)) {
    core.statistics.refusedQueueFull++;
    return false;
  }
  const retainFlag = target.retainAsPublished && publication.retain;
  const delivery = outgoing.owe(publication, target.seen, qos, retainFlag, target.identifiers);
  if (delivery) (publication.owed ??= []).push(delivery);
  return true;
}

const lower = (one: QoS, other: QoS): QoS => (one < other ? one : other);

/** A message of any QoS is kept: it goes to everybody who has not got it yet. */
export function deliverKept(space: Space, publication: Publication, publisher: Session | null): void {
  if (!publication.isLive) {
    publication.isLive = true;
    deliverLive(space.route(publication.topic), publication, publisher);
  }
  handOver(publication);
  if (publication.qos > 0) retain(space, publication);
}

function handOver(publication: Publication): void {
  const { owed } = publication;
  if (owed === null) return;
  publication.owed = null;
  for (let i = 0; i < owed.length; i++) hand(owed[i]!); // i < length
}

export function hand(delivery: Delivery): void {
  const { session } = delivery;
  if (delivery.isKept && !session.hasEnded) session.space.keeping?.add(delivery);
  session.outgoing.hand(delivery);
}

/** What has to be kept of a message that is about to be accepted is decided. */
export function expect(
  space: Space,
  publication: Publication,
  publisher: Session | null,
  willOf: Session | null,
): void {
  const isToBeRetained = isRetained(space, publication);
  if (isToBeRetained) publication.publishedBy = publisher?.client;
  if (publication.qos > 0 || isToBeRetained || willOf) space.keeping?.record(publication, publisher, willOf);
  if (isToBeRetained) space.retained.expect(publication);
}

/** The message is not kept: nobody gets it. */
export function takeBack(publication: Publication): void {
  publication.expectedBy?.giveUp(publication);
  const { owed } = publication;
  if (owed === null) return;
  publication.owed = null;
  for (const delivery of owed) delivery.session.outgoing.takeBack(delivery);
}

const isRetained = ({ core }: Space, { retain }: Publication): boolean => retain && core.retainAvailable;

function retain(space: Space, publication: Publication): void {
  if (isRetained(space, publication)) space.retained.keep(publication);
}

/** Of two who are away the first, unless its session ends in this very moment: what it is owed goes with it. */
const lastingOf = (one: Target | undefined, other: Target): Target => (one && !one.session.isOver ? one : other);

/** One member gets it: the next who is connected and has room, else the next who is connected, else one who will come back. */
function memberOf({ group, members }: Share, publication: Publication): Target | undefined {
  const count = members.length;
  let fallback: Target | undefined;
  for (let i = 0; i < count; i++) {
    const place = (group.next + i) % count;
    const member = members[place]!; // place < count
    const { line } = member.session;
    if (!member.isAllowed()) continue;
    if (line?.hasRoom) {
      group.next = (place + 1) % count;
      return member;
    }
    if (line) fallback = fallback?.session.line ? fallback : member;
    else if (publication.qos > 0 && member.qos > 0 && !fallback?.session.line) fallback = lastingOf(fallback, member);
  }
  return fallback;
}

const isOwn = ({ client }: Session, { publishedBy }: Publication): boolean =>
  publishedBy?.clientId === client.clientId && publishedBy.principal === client.principal;

/** A retained message for a new subscription, with the flag set ([MQTT-3.3.1-8]): decided now, and to be handed over with `hand`. */
export function decideRetained(target: Target, publication: Publication): Delivery | undefined {
  if (target.noLocal && isOwn(target.session, publication)) return undefined; // [MQTT-3.8.3-3]
  if (target.session.gate.isLiveOnly === true || !target.isAllowed()) return undefined;
  const qos = lower(publication.qos, target.qos);
  return target.session.outgoing.owe(publication, target.seen, qos, true, target.identifiers);
}
