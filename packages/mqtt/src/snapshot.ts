import { stage, type Delivery } from "./delivery.ts";
import { messageEntry, owedEntry, publishedEntry, sessionEntry } from "./keeping.ts";
import { Writer, type Entry } from "./records.ts";
import type { Session } from "./session.ts";
import type { Space } from "./space.ts";
import { subscribedEntry } from "./subscribing.ts";

const largest = 65_536;

/** The whole state of a space as records, each true in the turn in which it is taken. */
export function* snapshot(space: Space): Generator<Uint8Array, void, undefined> {
  let writer = new Writer();
  for (const entry of stateOf(space)) {
    writer.write(entry);
    if (writer.size < largest) continue;
    yield writer.record();
    writer = new Writer();
  }
  if (writer.size > 1) yield writer.record();
}

/** Between two entries anything may happen: each asks anew what is still so. */
function* stateOf(space: Space): Generator<Entry, void, undefined> {
  const { keeping, retained } = space;
  if (!keeping) return;
  yield { kind: "numbers", session: keeping.nextSession, message: keeping.nextMessage };
  for (const session of space.sessions()) yield* stateOfSession(session);
  for (const publication of retained.all()) {
    yield messageEntry(publication, true);
    if (publication.publishedBy) yield publishedEntry(publication, publication.publishedBy);
  }
  for (const [number, owings] of keeping.messages) {
    const deliveries = owings instanceof Set ? owings : [owings];
    const [first] = deliveries;
    if (!first || first.publication.number !== number) continue;
    if (first.publication.isDiscarded && [...deliveries].every(isForgotten)) continue;
    if (!retained.has(first.publication)) yield messageEntry(first.publication, false);
    // Its client may have taken it while the message was written; and nobody could read that it is owed what is over.
    for (const delivery of deliveries)
      if (delivery.stage !== stage.over && !isForgotten(delivery)) yield owedEntry(delivery);
  }
}

/** Not sent again, and of QoS 1, so that there is nothing to be ended. */
const isForgotten = ({ publication, qos }: Delivery): boolean => publication.isDiscarded && qos === 1;

function* stateOfSession(session: Session): Generator<Entry, void, undefined> {
  if (session.isKept && !session.hasEnded) yield sessionEntry(session, false);
  const { leftAt: at, number, expirySeconds, will } = session;
  if (session.isKept && !session.hasEnded && at !== undefined) {
    yield { kind: "left", session: number, at, expirySeconds, keepsWill: will !== undefined };
  }
  for (const granted of [session.subscriptions, session.unnamed]) {
    for (const one of granted.values()) if (session.isKept && !session.hasEnded) yield subscribedEntry(session, one);
  }
  for (const packetId of session.receipts.kept()) {
    if (session.isKept && !session.hasEnded) yield { kind: "received", session: number, packetId };
  }
}
