// Hot path: from a publication to those who get it.
import { Delivery, type Session } from "./session.ts";
import type { Publication } from "./publication.ts";
import type { Route, Share } from "./space.ts";
import type { Target } from "./subscription.ts";

/** What may go at once: to listeners, and to subscriptions of QoS 0; a message of QoS 0 to all. */
export function deliverLive(route: Route, publication: Publication, publisher: Session | null): void {
  const { listeners, live } = route;
  for (let i = 0; i < listeners.length; i++) listeners[i]!.listener.receive(publication); // i < length
  for (let i = 0; i < live.length; i++) sendLive(live[i]!, publication, publisher); // i < length
  if (publication.qos > 0) return;
  const { durable, shares } = route;
  for (let i = 0; i < durable.length; i++) sendLive(durable[i]!, publication, publisher); // i < length
  for (let i = 0; i < shares.length; i++) share(shares[i]!, publication, publisher); // i < length
  if (publication.retain) retain(route, publication);
}

/** What waits until a message of QoS 1 is kept. */
export function deliverDurable(route: Route, publication: Publication, publisher: Session | null): void {
  const { durable, shares } = route;
  for (let i = 0; i < durable.length; i++) sendDurable(durable[i]!, publication, publisher); // i < length
  for (let i = 0; i < shares.length; i++) share(shares[i]!, publication, publisher); // i < length
  if (publication.retain) retain(route, publication);
}

function retain(route: Route, publication: Publication): void {
  const { core, retained } = route.space;
  if (core.retainAvailable && !retained.keep(publication)) core.statistics.droppedRetained++;
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

function sendDurable(target: Target, publication: Publication, publisher: Session | null): void {
  if (target.noLocal && target.session === publisher) {
    if (target.own) sendDurable(target.own, publication, null);
    return;
  }
  if (target.qos === 0) return sendLive(target, publication, null);
  if (!target.isAllowed()) return;
  const retainFlag = target.retainAsPublished && publication.retain;
  target.session.deliver(publication, target.seen, retainFlag, target.identifiers);
}

/** One member gets it: the next who is connected and has room, else the next who is connected, else one who will come back. */
function share({ group, members }: Share, publication: Publication, publisher: Session | null): void {
  const count = members.length;
  let fallback: Target | undefined;
  for (let i = 0; i < count; i++) {
    const place = (group.next + i) % count;
    const member = members[place]!; // place < count
    const { line } = member.session;
    if (!member.isAllowed()) continue;
    if (line?.hasRoom) {
      group.next = (place + 1) % count;
      return give(member, publication, publisher);
    }
    if (line) fallback = fallback?.session.line ? fallback : member;
    else if (publication.qos === 1 && member.qos === 1) fallback ??= member;
  }
  if (fallback) give(fallback, publication, publisher);
}

function give(member: Target, publication: Publication, publisher: Session | null): void {
  if (publication.qos === 1) sendDurable(member, publication, publisher);
  else sendLive(member, publication, publisher);
}

/** Retained messages for a new subscription, with the flag set ([MQTT-3.3.1-8]). */
export function deliverRetained(target: Target, publication: Publication): void {
  if (!target.isAllowed()) return;
  const { session } = target;
  if (publication.qos === 1 && target.qos === 1) session.deliver(publication, target.seen, true, target.identifiers);
  else session.line?.send(new Delivery(publication, target.seen, 0, true, target.identifiers), false);
}
