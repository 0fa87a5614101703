import { readFileSync } from "node:fs";
import path from "node:path";
import type { Mutant } from "./run.ts";

const root = path.resolve(import.meta.dirname, "../..");
const core = "packages/mqtt/src";

/** The name of the test whose sentence this is, with the ids of the statements that it proves. */
function named(file: string, sentence: string): string {
  const text = readFileSync(path.join(root, file), "utf8");
  const name = [...text.matchAll(/\btest\("([^"]*)"/g)]
    .map(([, found = ""]) => found)
    .find((one) => one.endsWith(sentence));
  if (name === undefined) throw new Error(`${file} has no test whose name ends: ${sentence}`);
  return name;
}

/** Takes a handler of the broker away: what stands in `file` becomes something else, and the test says so. */
const handler = (
  name: string,
  [file, from, to]: readonly [file: string, from: string, to: string],
  [test, sentence]: readonly [file: string, sentence: string],
): Mutant => ({
  name: `mqtt-${name}`,
  what: `MQTT: ${sentence}`,
  edits: [{ file: file.includes("/") ? file : `${core}/${file}`, from, to }],
  caughtBy: {
    file: test.includes("/") ? test : `${core}/${test}`,
    test: named(test.includes("/") ? test : `${core}/${test}`, sentence),
  },
});

const model = "in thousands of lives at the broker nobody misses anything, and nobody gets what is not theirs";

const onFull =
  "what would last is refused on a full log and nothing is written of it, what ends is kept, and then all goes on";
const unreadable =
  "records that are damaged, lost or of a newer version are left out and named, and the numbers that they may have given are not given again";

const strangers =
  "what nobody knows yet may send together is bounded: whoever has sent most is disconnected, the oldest of equals, and nobody who is known";
const longTopic =
  "a topic that is refused because it is too long is not remembered, whatever alias it has, and stays refused";

/** Handlers of statements of the standards (docs/mqtt.md), each with the test that misses it. */
export const mqttMutants = (): readonly Mutant[] => [
  handler(
    "connect-flag",
    ["packets.ts", 'if (flags & 0x01) throw malformed("The reserved flag of CONNECT is set.");', ""],
    ["connect.test.ts", "the reserved flag of CONNECT is refused"],
  ),
  handler(
    "will-qos",
    ["packets.ts", 'if (willQos === undefined) throw malformed("The will has QoS 3.");', ""],
    ["connect.test.ts", "will flags without a will, and a will of QoS 3, are refused"],
  ),
  handler(
    "connect-tail",
    [
      "packets.ts",
      "const password = hasPassword ? cursor.binary() : undefined;\n  cursor.finish();",
      "const password = hasPassword ? cursor.binary() : undefined;",
    ],
    ["opening.test.ts", "a malformed CONNECT ends the connection: MQTT 5 is told so, 3.1.1 gets no answer"],
  ),
  handler(
    "second-connect",
    [
      "dispatch.ts",
      "default: // a second CONNECT too: [MQTT-3.1.0-2]",
      "case packet.connect:\n      return;\n    default:",
    ],
    ["connect.test.ts", "a second CONNECT ends the connection"],
  ),
  handler(
    "refused-and-read",
    ["connection.ts", '    if (this.#phase === "asking") this.pause();\n', ""],
    ["opening.test.ts", "nothing behind a CONNECT that is refused is read"],
  ),
  handler(
    "keep-alive",
    ["deadlines.ts", "    wait(patience);\n  }", "  }"],
    ["connect.test.ts", "after one and a half keep-alives of silence the connection ends; any packet puts it off"],
  ),
  handler(
    "takeover",
    ["opening.ts", 'taken?.line?.end({ how: "takenOver", code: reason.sessionTakenOver });', ""],
    ["connect.test.ts", "the same client id takes the session over, and the one before is told"],
  ),
  handler(
    "clean-start",
    ["opening.ts", "if (connect.clean && taken) core.endSession(taken);", ""],
    ["connect.test.ts", "session present says whether there was one to come back to"],
  ),
  handler(
    "assigned-id",
    ["opening.ts", "while (core.sessions.find(space, principal, id)) id = core.newClientId();", ""],
    ["opening.test.ts", "an assigned client identifier is told, and is nobody else's"],
  ),
  handler(
    "refusal-size",
    ["connection.ts", "this.maximumPacket = maximumPacketSize ?? this.maximumPacket;", ""],
    ["answers.test.ts", "a CONNACK that refuses has no reason string where the client has no room for it"],
  ),
  handler(
    "connack-code",
    ["opening.ts", 'const said = sayable("connack", code);', "const said = code;"],
    ["answers.test.ts", "a code that a CONNACK cannot carry becomes an unspecified error"],
  ),
  handler(
    "suback-code",
    ["subscribing.ts", 'sayable("suback", done)', "made"],
    [
      "answers.test.ts",
      "a code that a SUBACK cannot carry becomes an unspecified error, in 3.1.1 every refusal is 0x80",
    ],
  ),
  handler(
    "disconnect-code",
    ["writer.ts", 'const said = [sayable("disconnect", code)];', "const said = [code];"],
    ["answers.test.ts", "a code that a DISCONNECT cannot carry becomes an unspecified error"],
  ),
  handler(
    "no-fitting",
    ["writer.ts", "if (whole.length <= maximum) return whole;", "return whole;"],
    ["answers.test.ts", "a DISCONNECT has no reason string where the client has no room for it"],
  ),
  handler(
    "delayed-will",
    ["core.ts", "    this.#discardWill(session);\n    session.cancelExpiry?.();", "    session.cancelExpiry?.();"],
    ["will.test.ts", "a delayed will waits, and is not published if the client comes back"],
  ),
  handler(
    "session-expiry",
    ["core.ts", "if (expirySeconds !== forever) session", "if (expirySeconds === forever) session"],
    ["session.test.ts", "a session ends with its connection when its expiry is zero, else when that has passed"],
  ),
  handler(
    "minimal-length",
    ["frames.ts", "if (byte === 0 && shift > 0) throw malformed", "if (shift > 21) throw malformed"],
    ["publish.test.ts", "a length in more bytes than it needs, or in more than four, is malformed"],
  ),
  handler(
    "packet-size",
    ["frames.ts", "this.#handler.announced(bytes[start]!, size); // start < bytes.length", ""],
    ["publish.test.ts", "a packet larger than the limit is refused before it has come"],
  ),
  handler(
    "null-character",
    ["text.ts", "if (byte === 0) return false;", ""],
    ["strings.test.ts", "what is no string is neither client identifier nor will topic nor user name"],
  ),
  handler(
    "utf-8",
    ["text.ts", "if (byte >= 0x80) return isUtf8(bytes.subarray(i, end)) && bytes", "if (byte >= 0x80) return bytes"],
    ["strings.test.ts", "what is no string is no filter to subscribe to, nor to unsubscribe from"],
  ),
  handler(
    "packet-id-zero",
    ["cursor.ts", "if (id === 0) throw", "if (id < 0) throw"],
    ["identifiers.test.ts", "a packet identifier of zero ends the connection"],
  ),
  handler(
    "packet-id-taken",
    ["outgoing.ts", "while (this.#owed.has(id));", "while (id < 0);"],
    [
      "identifiers.test.ts",
      "what goes out at QoS 1 or 2 has an identifier that is not zero, and nobody's until the end of its exchange",
    ],
  ),
  handler(
    "reserved-flags",
    ["dispatch.ts", "if ((first & 0x0f) !== flags) throw", "if (flags < 0) throw"],
    ["publish.test.ts", "reserved flags of any packet end the connection"],
  ),
  handler(
    "dup-passed-on",
    ["sending.ts", "(isDuplicate ? 8 : 0)", "(isDuplicate || publication.duplicate ? 8 : 0)"],
    [
      "identifiers.test.ts",
      "a message that its publisher repeats is none that we repeat: DUP is not passed on, at either QoS",
    ],
  ),
  handler(
    "alias-zero",
    ["hearing.ts", "if (alias === 0 || alias >", "if (alias >"],
    ["publish.test.ts", "topic aliases stand for topics of this connection, up to the maximum"],
  ),
  handler(
    "response-topic",
    ["packets.ts", "if (topic !== undefined && !isTopic(topic)) throw", 'if (topic === "\\0") throw'],
    ["publish.test.ts", "a client's subscription identifier, and a response topic with wildcards, are protocol errors"],
  ),
  handler(
    "expired",
    ["sending.ts", "if (left === 0 && !isDuplicate) {", "if (left < -1) {"],
    ["publish.test.ts", "a message that waits loses its time, and is dropped when it is over"],
  ),
  handler(
    "too-large",
    ["sending.ts", "if (end - start > connection.maximumPacket) {", "if (end < start) {"],
    ["publish.test.ts", "a message larger than the client takes is as good as delivered"],
  ),
  handler(
    "user-properties",
    [
      "publication.ts",
      "parts.push(this.bytes.subarray(from, cursor.at));",
      "parts.unshift(this.bytes.subarray(from, cursor.at));",
    ],
    ["forwarding.test.ts", "what a message says about itself is passed on as it is, user properties in their order"],
  ),
  handler(
    "receive-maximum",
    ["outgoing.ts", "this.#underWay.count < this.window &&", ""],
    ["session.test.ts", "no more messages are under way than the client's receive maximum"],
  ),
  handler(
    "not-retained",
    ["delivering.ts", "boolean => retain && core.retainAvailable;", "boolean => core.retainAvailable;"],
    ["retained.test.ts", "a message that is not to be retained is not, and leaves what is retained alone"],
  ),
  handler(
    "retained-cleared",
    ["retained.ts", "      if (old) this.forget(old);\n      return;", "      return;"],
    [
      "retained.test.ts",
      "an empty message to be retained is delivered like others, clears what was retained, and is not retained itself",
    ],
  ),
  handler(
    "retained-overtaken",
    ["retained.ts", "    if (settled > number) return;\n", ""],
    [
      "retained.test.ts",
      "of several messages to be retained the one that was accepted last counts, though another is settled after it, in memory",
    ],
  ),
  handler(
    "retained-expected",
    ["retained.ts", "this.#count + this.#comingTopics >= retainedMessages", "this.#count >= retainedMessages"],
    [
      "retained.test.ts",
      "a message to be retained without room is refused before it is kept: MQTT 5 is told why, 3.1.1 is acknowledged and not heard, and at QoS 0 it is passed over",
    ],
  ),
  handler(
    "retained-given-up",
    ["delivering.ts", "  publication.expectedBy?.giveUp(publication);\n", ""],
    [
      "retained.test.ts",
      "what was accepted and not kept gives back the room that was held for it, and what the policy refuses holds none",
    ],
  ),
  handler(
    "suback-reason",
    ["subscribing.ts", "      reasonString ??= why ?? sentenceOf(done);\n", ""],
    [
      "policy.test.ts",
      "who is refused is told why, in the policy's words where it has any: a message, a filter, a will and a session too many",
    ],
  ),
  handler(
    "drop-counted",
    ["session.ts", "    (this.dropped ??= nothingDropped())[why] += count;\n", ""],
    [
      "standing.test.ts",
      "how a session is doing can be asked: its connection, its filters as they were written, what waits for it and what it lost",
    ],
  ),
  handler(
    "retain-handling",
    ["subscribing.ts", "(one.retainHandling === 1 && !old)", "one.retainHandling === 1"],
    ["subscribe.test.ts", "retain handling decides when retained messages are sent"],
  ),
  handler(
    "retain-as-published",
    ["delivering.ts", "target.retainAsPublished && publication.retain;", "publication.retain;"],
    [
      "subscribe.test.ts",
      "the retain flag is cleared for a live message, unless the subscription keeps it as published",
    ],
  ),
  handler(
    "no-local",
    ["subscription.ts", "this.noLocal = first.noLocal;", "this.noLocal = false;"],
    ["subscribe.test.ts", "no-local keeps a client's own messages from it, and nobody else's"],
  ),
  handler(
    "no-local-others",
    ["subscription.ts", "this.own.identifiers = identifiers?.slice();", ""],
    [
      "subscribe.test.ts",
      "of a client's own messages its other filters decide, in whatever order they are met: their QoS, their identifiers",
    ],
  ),
  handler(
    "no-local-retained",
    ["delivering.ts", "if (target.noLocal && isOwn(target.session, publication)) return undefined;", ""],
    [
      "subscribe.test.ts",
      "no-local keeps what a client retained itself from it, its will too, and from no other client",
    ],
  ),
  handler(
    "no-local-retained-stranger",
    ["delivering.ts", " && publishedBy.principal === client.principal;", ";"],
    [
      "subscribe.test.ts",
      "no-local keeps what a client retained itself from it, its will too, and from no other client",
    ],
  ),
  handler(
    "no-local-retained-restored",
    ["restoring.ts", "publication.publishedBy = this.#found.publishers.get(number);", ""],
    [
      "kept.test.ts",
      "whose a retained message is outlives the process, and a snapshot; where the log does not say it, everybody gets it",
    ],
  ),
  handler(
    "no-local-retained-snapshot",
    ["snapshot.ts", "if (publication.publishedBy) yield publishedEntry(publication, publication.publishedBy);", ""],
    [
      "kept.test.ts",
      "whose a retained message is outlives the process, and a snapshot; where the log does not say it, everybody gets it",
    ],
  ),
  handler(
    "identifiers",
    ["subscription.ts", "(this.identifiers ??= []).push(part.identifier)", "this.identifiers ??= [part.identifier]"],
    ["subscribe.test.ts", "overlapping subscriptions deliver once, at the highest QoS, with every identifier"],
  ),
  handler(
    "replaced",
    ["subscribing.ts", "if (old) session.space.unsubscribe(old);", ""],
    ["subscribe.test.ts", "the same filter again replaces the subscription"],
  ),
  handler(
    "unsubscribed",
    ["subscribing.ts", "  session.space.unsubscribe(subscription);\n  return true;", "  return true;"],
    ["subscribe.test.ts", "an UNSUBACK answers each filter, and nothing more arrives"],
  ),
  handler(
    "qos-2-quota",
    ["inbound.ts", "this.#countOfOnes + (this.#uncompleted?.size ?? 0) <", "this.#countOfOnes <"],
    [
      "qos2.test.ts",
      "a client of MQTT 5 that has more unreleased messages of QoS 2 than the receive maximum is disconnected",
    ],
  ),
  handler(
    "qos-2-refused",
    ["receipts.ts", "else this.#awaited.delete(packetId);", ""],
    [
      "qos2.test.ts",
      "a message of QoS 2 that is refused frees its id, and MQTT 5 is told why in the PUBREC; 3.1.1 is not",
    ],
  ),
  handler(
    "qos-2-expiry",
    ["sending.ts", "if (left === 0 && !isDuplicate) {", "if (left === 0) {"],
    ["qos2.test.ts", "what was sent at QoS 2 is brought to its end though its time is over, in and out"],
  ),
  handler(
    "qos-2-window",
    [
      "outgoing.ts",
      "    delivery.stage = stage.released;\n    if (!delivery.isUnderWay)",
      "    delivery.stage = stage.released;\n    if (delivery.isUnderWay) this.#underWay.end();\n    else",
    ],
    [
      "qos2.test.ts",
      "the receive maximum counts messages of QoS 1 and 2 together, those of QoS 2 until PUBCOMP or a refusal",
    ],
  ),
  handler(
    "qos-2-order",
    [
      "inbound.ts",
      "if (this.#first === null && publication.code !== -1) return this.#finish(publication);",
      "if (publication.code !== -1) return this.#finish(publication);",
    ],
    ["qos2.test.ts", "PUBRECs and PUBACKs keep the order of the messages, whatever order they are settled in"],
  ),
  handler(
    "qos-2-early-release",
    ["inbound.ts", 'if (!receipts.isKept(packetId)) throw broken("A PUBREL came before its PUBREC.");', ""],
    ["qos2.test.ts", "an acknowledgement that does not fit its message is a protocol error"],
  ),
  handler(
    "qos-2-withheld",
    [
      "outgoing.ts",
      "    if (delivery.qos === 1) this.#end(delivery);\n    // It may",
      "    if (delivery.qos > 0) this.#end(delivery);\n    // It may",
    ],
    [
      "qos2.test.ts",
      "a message of QoS 2 that may have arrived and may not be sent again is released, so that its id is free at both ends",
    ],
  ),
  handler(
    "qos-2-shared",
    ["outgoing.ts", "filter((delivery) => delivery.stage >= stage.sent)", "filter(({ stage: at }) => at > stage.sent)"],
    ["qos2.test.ts", "a shared message of QoS 2 is completed with the member who was chosen, and goes to nobody else"],
  ),
  handler(
    "shared-away",
    [
      "delivering.ts",
      "else if (publication.qos > 0 && member.qos > 0 && !fallback?.session.line) fallback = lastingOf(fallback, member);",
      "",
    ],
    ["session.test.ts", "a shared message waits for a member of a kept session when nobody is connected"],
  ),
  handler(
    "shared-retained",
    ["subscribing.ts", "if (wants && !subscription.group)", "if (wants)"],
    ["subscribe.test.ts", "a shared subscription gets no retained messages"],
  ),
  handler(
    "auth-other-method",
    [
      "authenticating.ts",
      'if (method !== this.method) throw broken("The authentication method is not that of the CONNECT.");',
      "",
    ],
    [
      "authenticate.test.ts",
      "an AUTH of another method, of none, or with a code that is not its own, ends the connection",
    ],
  ),
  handler(
    "auth-somebody-else",
    ["authenticating.ts", "principal === session.principal) return undefined;", "principal) return undefined;"],
    [
      "authenticate.test.ts",
      "a session that cannot prove itself again, or proves to be somebody else, ends with a DISCONNECT",
    ],
  ),
  handler(
    "auth-before-connack",
    ["early.ts", "if (type !== packet.auth && type !== packet.disconnect)", "if (type === packet.connect)"],
    ["authenticate.test.ts", "until the CONNACK nothing is read of such a client but AUTH and DISCONNECT"],
  ),
  handler(
    "alias-untold",
    [
      "aliases.ts",
      "else entries.set(topic, { alias: entry.alias, isTold: false, isUsed: false });",
      "else entries.set(topic, { alias: entry.alias, isTold: entry.isTold, isUsed: false });",
    ],
    [
      "aliases.test.ts",
      "whatever is published in whatever order, a client with few numbers understands the same as one with none",
    ],
  ),
  handler(
    "alias-size",
    ["aliases.ts", "if (end - start + cost + 2 > most)", "if (end < start)"],
    ["aliases.test.ts", "telling a number never makes a packet larger than the client takes"],
  ),
  handler(
    "kept-before-it-is-said",
    ["outgoing.ts", "session.keepAndTell(isKnown ? []", "session.keepAndTell(isKnown !== undefined ? []"],
    [
      "kept.test.ts",
      "a kept session is answered once what it hears of is kept: CONNACK, SUBACK, UNSUBACK, PUBREC, PUBREL, PUBCOMP",
    ],
  ),
  handler(
    "snapshot-receipts",
    ["snapshot.ts", 'yield { kind: "received", session: number, packetId };', ";"],
    [
      "kept.test.ts",
      "a snapshot is the whole state in records of a bounded size, and replaying it behind or in place of what was before is the same",
    ],
  ),
  handler(
    "sessions-displaced",
    ["opening.ts", "for (const session of tooMany) core.displace(session);", ""],
    [
      "session.test.ts",
      "one session too many of a principal ends the one that was away longest, and its will that waited goes out",
    ],
  ),
  handler(
    "sessions-longest-away",
    ["sessions.ts", "(one.leftAt ?? 0) - (other.leftAt ?? 0)", "(other.leftAt ?? 0) - (one.leftAt ?? 0)"],
    [
      "session.test.ts",
      "one session too many of a principal ends the one that was away longest, and its will that waited goes out",
    ],
  ),
  handler(
    "sessions-connected",
    ["sessions.ts", "if (away.length < excess) return undefined;", ""],
    [
      "session.test.ts",
      "where as many sessions of a principal are connected as it may have, one more is refused, and told what to do",
    ],
  ),
  handler(
    "sessions-welcome",
    ["opening.ts", "welcome.maximumSessions ?? limits.sessionsPerPrincipal", "limits.sessionsPerPrincipal"],
    [
      "session.test.ts",
      "a principal that may have fewer sessions than before, and has more of them connected, loses none that is away",
    ],
  ),
  handler(
    "sessions-of-a-device",
    [
      "apps/server/src/messages/session.ts",
      "maximumSessions: device ? sessionsOf.device : sessionsOf.others",
      "maximumSessions: sessionsOf.others",
    ],
    [
      "tests/live-refusals.test.ts",
      "a device that makes up a client id each time has sixteen sessions, and whoever watches sees that older ones end",
    ],
  ),
  handler(
    "delivery-cost",
    ["delivery.ts", "this.publication.size + deliveryCost", "this.publication.size"],
    ["session.test.ts", "a message that waits counts with what it costs beside its bytes"],
  ),
  handler(
    "space-bytes",
    ["queue.ts", "for (; needed > 0 && beyond > 0; count++) {", "for (; needed > Infinity; count++) {"],
    [
      "backlog.test.ts",
      "sessions share what their space may hold: who gets more gives up its oldest, and who has little loses nothing",
    ],
  ),
  handler(
    "space-bytes-free",
    ["outgoing.ts", "this.#bytes - this.#session.core.limits.sessionBytesFree", "this.#bytes"],
    [
      "backlog.test.ts",
      "sessions share what their space may hold: who gets more gives up its oldest, and who has little loses nothing",
    ],
  ),
  handler(
    "space-bytes-in-vain",
    ["queue.ts", "if (!next) return -1;", "if (!next) return count;"],
    [
      "backlog.test.ts",
      "sessions share what their space may hold: who gets more gives up its oldest, and who has little loses nothing",
    ],
  ),
  handler(
    "space-bytes-at-once",
    ["queue.ts", "count < mostGivenUp ? this.at(count) : undefined", "this.at(count)"],
    [
      "backlog.test.ts",
      "what others wait for as well frees little, and is not given up by the hundred for one message",
    ],
  ),
  handler(
    "space-bytes-restored",
    ["outgoing.ts", "if (this.#isBorne(delivery)) this.#enqueue(delivery);", "this.#enqueue(delivery);"],
    ["kept.test.ts", "what is found after a start is bounded as well: the newest that waited is there"],
  ),
  handler(
    "space-bytes-once",
    ["backlog.ts", "(holders === 0 ? publicationCost + size : 0)", "(publicationCost + size)"],
    ["backlog.test.ts", "a message that many sessions wait for is held once"],
  ),
  handler(
    "space-bytes-released",
    ["outgoing.ts", "this.#session.space.backlog.release(delivery.publication);", ""],
    [
      "backlog.test.ts",
      "what is on its way to clients that acknowledge nothing counts, and what is taken back does not",
    ],
  ),
  handler(
    "space-bytes-refused",
    ["outgoing.ts", "if (isOver && this.#bytes + size > sessionBytesFree) return false;", ""],
    [
      "backlog.test.ts",
      "where a full session refuses its publishers, so does a full space, but for sessions that have little",
    ],
  ),
  handler(
    "space-bytes-wills",
    ["opening.ts", "core.knownSpace(space)?.backlog.bears(will) === false ? reason.quotaExceeded : will", "will"],
    ["backlog.test.ts", "a will counts as long as it waits, and a large one is refused where the space is full"],
  ),
  handler(
    "space-bytes-told",
    ["backlog.ts", "      this.#isFull = true;\n", ""],
    [
      "backlog.test.ts",
      "whoever looks after the broker is told that a space is full, and again only after half of it was free",
    ],
  ),
  handler(
    "model-quality",
    ["subscription.ts", "if (part.qos > this.qos) this.qos", "if (this.qos === 0) this.qos"],
    ["model.long.test.ts", model],
  ),
  handler(
    "model-shared-by-all",
    [
      "delivering.ts",
      "    const member = memberOf(shares[i]!, publication); // i < length\n    if (member) sendLive(member, publication, publisher);",
      "    for (const member of shares[i]!.members) sendLive(member, publication, publisher);",
    ],
    ["model.long.test.ts", model],
  ),
  handler(
    "model-owed-again",
    ["keeping.ts", '    this.late({ kind: "done", ...ofMessage(delivery) });', ""],
    ["model.long.test.ts", model],
  ),
  handler(
    "late-lost",
    ["keeping.ts", "          this.#late.unshift(...late);\n", ""],
    [
      "keeping.test.ts",
      "while records are not kept, what waits for the next is written again once a second, and not with each that comes",
    ],
  ),
  handler(
    "late-though-not-so",
    ["keeping.ts", ".filter(({ isSo }) => isSo())", ""],
    ["keeping.test.ts", "what was not kept in time is not said behind what is newer"],
  ),
  handler(
    "late-with-each",
    ["keeping.ts", "this.#isFailing && entries.length > 0 ? [] : this.#takeLate()", "this.#takeLate()"],
    [
      "keeping.test.ts",
      "while records are not kept, what waits for the next is written again once a second, and not with each that comes",
    ],
  ),
  handler(
    "subscribe-not-put-back",
    ["subscribing.ts", "    for (const one of made) takeBack(session, one);\n", ""],
    [
      "keeping.test.ts",
      "a SUBSCRIBE that was not kept leaves the one that it would have replaced as it was, in memory and in the log",
    ],
  ),
  handler(
    "let-go-unsaid",
    ["session.ts", "return [ended];", "return [];"],
    [
      "keeping.test.ts",
      "a kept session that is taken up to end with its connection is over in the log before its client hears of it, also when the log was failing",
    ],
  ),
  handler(
    "record-unmade",
    ["keeping.ts", "takeBack(publication); // nobody will settle it", ""],
    ["keeping.test.ts", "a message whose record cannot be made is owed to nobody"],
  ),
  handler(
    "full-connect",
    ["opening.ts", "unkept(connection, connect, welcome) ?? ", ""],
    ["keeping.test.ts", `with MQTT 5 ${onFull}`],
  ),
  handler(
    "full-subscribe",
    ["subscribing.ts", "session.isKept ? session.space.keeping?.whyFull : undefined", "undefined"],
    ["keeping.test.ts", `with MQTT 3.1.1 ${onFull}`],
  ),
  handler(
    "anew-before-ended",
    ["keeping.ts", "all.length === 0 && this.#ending === 0", "all.length === 0"],
    [
      "keeping.test.ts",
      "who comes anew is told so when the end of the session before is kept, also where that was under way already",
    ],
  ),
  handler(
    "restored-though-unloaded",
    [
      "restoring.ts",
      "      if (keeping.isOver) return;\n      if (!about) continue;\n",
      "      if (!about) continue;\n",
    ],
    ["restoring.test.ts", "a space that is unloaded while it is restored is gone, and nothing comes of it"],
  ),
  handler(
    "full-retained",
    ["recollection.ts", "if (session.isKept && session.space.keeping?.whyFull !== undefined)", "if (session.hasEnded)"],
    ["keeping.test.ts", "what is retained is looked for, for a session that lasts, when the log has room"],
  ),
  handler(
    "unreadable-shuts-out",
    ["restoring.ts", "if (!(error instanceof ProtocolError)) throw error;", "throw error;"],
    ["records.test.ts", unreadable],
  ),
  handler(
    "unreadable-numbers",
    ["restoring.ts", "nextSession + unreadable * numbersOfOne", "nextSession"],
    ["records.test.ts", unreadable],
  ),
  handler(
    "restored-in-one-turn",
    ["slices.ts", "if (this.#left > 0) return undefined;", "return undefined;"],
    ["restoring.test.ts", "a space comes back in many turns, and a will goes out when all are there who hear of it"],
  ),
  handler(
    "unread-unbounded",
    ["sending.ts", " || connection.unread?.isRationed === true", ""],
    [
      "outflow.test.ts",
      "what clients do not read is bounded for all of a space: who is behind gets no more at QoS 0, who reads loses nothing, and who reads again is served again",
    ],
  ),
  handler(
    "unread-unqueued",
    ["connection.ts", "this.unread?.isRationed === true ? 0 : this.core.limits.waiting", "this.core.limits.waiting"],
    ["outflow.test.ts", "at QoS 1 what is beyond waits in the sessions of those who do not read, and nothing is lost"],
  ),
  handler(
    "unread-for-ever",
    ["outflow.ts", "if (left === this.#hadLeft) this.#end();\n    else ", ""],
    [
      "outflow.test.ts",
      "where a space has too much unread, whoever takes nothing at all for long is disconnected until it has not",
    ],
  ),
  handler(
    "unread-answers",
    ["outflow.ts", "    if (waiting > limits.waiting + limits.packet && this.isRationed) this.#end();\n", ""],
    [
      "outflow.test.ts",
      "where a space has too much unread, whoever asks on and reads no answer is disconnected sooner",
    ],
  ),
  handler(
    "strangers-unbounded",
    ["strangers.ts", "while (statistics.strangerBytes > limits.strangerBytes)", "while (limits.strangerBytes < 0)"],
    ["limits.test.ts", strangers],
  ),
  handler(
    "strangers-for-ever",
    ["connection.ts", 'this.#phase = "open";\n    this.core.strangers.forget(this);\n', 'this.#phase = "open";\n'],
    ["limits.test.ts", strangers],
  ),
  handler(
    "web-socket-strangers",
    ["apps/server/src/listeners/mqtt/server.ts", '      socket.on("data", count);\n', ""],
    [
      "apps/server/src/listeners/mqtt/server.test.ts",
      "what WebSockets keep of messages that are not whole counts among what strangers have sent, and the largest is closed",
    ],
  ),
  handler(
    "long-topic-kept",
    [
      "hearing.ts",
      "    if (end - start > this.#session.core.limits.topicBytes) return this.#meet(bytes, start, end);\n",
      "",
    ],
    ["publish.test.ts", longTopic],
  ),
  handler(
    "long-alias-kept",
    ["hearing.ts", "heard.bytes.length > this.#session.core.limits.topicBytes ? this.#cut(heard) : heard", "heard"],
    ["publish.test.ts", longTopic],
  ),
  handler(
    "response-levels",
    [
      "inbound.ts",
      "isTooLong(mapped.topic, session.core.limits)",
      "mapped.topic.length > session.core.limits.topicBytes",
    ],
    ["forwarding.test.ts", "a response topic, or a will's, of more levels than a topic may have is refused"],
  ),
  handler(
    "told-in-one-turn",
    ["session.ts", "notices.give(entries.length, done, code)", "done(code)"],
    [
      "notices.test.ts",
      "what one commit says of many clients' filters is told over several turns, and each is told in order",
    ],
  ),
  handler(
    "begun-in-one-turn",
    [
      "opening.ts",
      "core.notices.give(costOfBeginning + Math.min(window, session.outgoing.waiting), kept, code);",
      "kept(code);",
    ],
    ["notices.test.ts", "CONNACKs that one commit allows go out over several turns"],
  ),
  handler(
    "retained-full-hung-up",
    ["inbound.ts", "if (full !== 0 && qos > 0", "if (code === reason.quotaExceeded && qos > 0"],
    [
      "retained.test.ts",
      "a message to be retained without room is refused before it is kept: MQTT 5 is told why, 3.1.1 is acknowledged and not heard, and at QoS 0 it is passed over",
    ],
  ),
  handler(
    "web-socket-text",
    [
      "apps/server/src/listeners/mqtt/server.ts",
      'connection.on("message", (_data, isBinary) => isBinary || connection.terminate());',
      "",
    ],
    ["tests/mqtt.test.ts", "a WebSocket is closed at its first frame that is not binary, though it were good MQTT"],
  ),
];
