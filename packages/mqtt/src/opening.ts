import { Buffer, isUtf8 } from "node:buffer";
import { Aliases } from "./aliases.ts";
import { Authentication } from "./authenticating.ts";
import { reason, returnCodeOf } from "./codes.ts";
import type { Connection } from "./connection.ts";
import type { Core } from "./core.ts";
import { sessionEntry } from "./keeping.ts";
import type { Mounts } from "./mounts.ts";
import type { Connect } from "./packets.ts";
import type { Asked, Message, QoS, SpaceKey, TurnedAway, Welcome } from "./policy.ts";
import type { Properties } from "./properties.ts";
import type { Entry } from "./records.ts";
import { sayable } from "./sayable.ts";
import { forever, Session, type Will } from "./session.ts";
import { mountsOf, termsOf } from "./terms.ts";
import { isTooLong } from "./topics.ts";
import { connack, fitting, saying } from "./writer.ts";

/** What a connection needs to begin. */
export type Opening = {
  readonly session: Session;
  readonly resumed: boolean;
  /** How many messages of QoS 1 and 2 the client takes at once. */
  readonly window: number;
  /** Seconds; 0 is none. */
  readonly keepAlive: number;
  readonly connack: Buffer;
  /** What has to be kept before it begins. */
  readonly entries: readonly Entry[];
};

type Answer = Welcome | TurnedAway;

/** What the policy says to a CONNECT, unless we refuse it ourselves; never rejects. A policy that fails is a fault, and nobody's yes. */
export function judge(connection: Connection, connect: Connect): Answer | Promise<Answer> {
  const refusal = refusalOf(connection, connect);
  if (refusal !== 0) return { turnedAway: refusal };
  const { policy } = connection.core;
  const asked = askedBy(connection, connect);
  const { authenticationMethod: method } = connect.properties;
  const failed = (fault: unknown): TurnedAway => {
    connection.core.fault(fault);
    return { turnedAway: reason.serverUnavailable };
  };
  try {
    let answer: Answer | Promise<Answer>;
    if (method === undefined) answer = policy.connect(asked);
    else {
      connection.authentication = new Authentication(connection, method, asked);
      answer = connection.authentication.begin();
    }
    return answer instanceof Promise ? answer.catch(failed) : answer;
  } catch (fault) {
    return failed(fault);
  }
}

/** What can be refused without asking anybody: a reason code, or 0. */
function refusalOf(connection: Connection, connect: Connect): number {
  const { limits, retainAvailable } = connection.core;
  const { version, clientId, clean, will } = connect;
  // 3.1.1: [MQTT-3.1.3-8]
  if (clientId === "" && version === 4 && !clean) return reason.clientIdNotValid;
  if (Buffer.byteLength(clientId) > limits.clientIdBytes) return reason.clientIdNotValid;
  if (!will || version === 4) return 0;
  if (will.qos > limits.maximumQoS) return reason.qosNotSupported; // [MQTT-3.2.2-12]
  if (will.retain && !retainAvailable) return reason.retainNotSupported; // [MQTT-3.2.2-13]
  return 0;
}

function askedBy(connection: Connection, connect: Connect): Asked {
  const { clientId, username, password, keepAlive, clean, properties } = connect;
  return {
    clientId,
    username,
    password,
    protocolVersion: connect.version,
    keepAlive,
    clean,
    will: messageOf(connect, connection.core.limits.maximumQoS),
    properties,
    transport: connection.transport,
  };
}

/** In 3.1.1 there is no way to say that a QoS is not served: such a will is published with the highest that is. */
function messageOf({ will }: Connect, maximumQoS: QoS): Message | undefined {
  if (!will) return undefined;
  const { willDelayInterval: _waitsHere, ...properties } = will.properties;
  const qos = will.qos > maximumQoS ? maximumQoS : will.qos;
  return { topic: will.topic, payload: will.payload, qos, retain: will.retain, properties };
}

const allConnected =
  "As many sessions of this client are connected as it may have. Disconnect one, or come with the client id of one of them.";

/** Finds or makes the session of somebody who is welcome, or says why not. */
export function admit(connection: Connection, connect: Connect, welcome: Welcome): Opening | TurnedAway {
  return unkept(connection, connect, welcome) ?? open(connection, connect, welcome);
}

function open(connection: Connection, connect: Connect, welcome: Welcome): Opening | TurnedAway {
  const { core } = connection;
  const { limits } = core;
  const mounts = mountsOf(welcome);
  const { principal, space: key } = welcome;
  const will = willOf(connect, mounts, welcome, core);
  if (typeof will === "number") {
    const { topic = "", payload } = connect.will ?? {};
    const said = core.policy.refused?.(welcome.context, "will", topic, will, payload?.length);
    return { turnedAway: will, reasonString: said };
  }

  const assigned = connect.clientId === "" ? unusedId(core, key, principal) : undefined;
  const clientId = assigned ?? connect.clientId;
  const taken = core.sessions.find(key, principal, clientId);
  // [MQTT-3.1.4-3], 3.1.1: [MQTT-3.1.4-2]
  taken?.line?.end({ how: "takenOver", code: reason.sessionTakenOver });
  const before = taken?.number ?? 0;
  if (connect.clean && taken) core.endSession(taken); // [MQTT-3.1.2-4]

  const found = taken?.hasEnded === false ? taken : undefined;
  if (!found) {
    const most = welcome.maximumSessions ?? limits.sessionsPerPrincipal;
    const tooMany = core.sessions.tooMany(key, principal, most);
    if (!tooMany) {
      const said = core.policy.refused?.(welcome.context, "session", "", reason.quotaExceeded);
      return { turnedAway: reason.quotaExceeded, reasonString: said ?? allConnected };
    }
    for (const session of tooMany) core.displace(session);
  }
  const terms = termsOf(welcome, mounts);
  const session = found ?? new Session(core, core.space(key), principal, clientId, terms);
  if (found) found.welcomed(terms);
  else {
    session.space.enter();
    core.sessions.add(key, session);
  }
  core.cameBack(session);
  // What was decided while we waited for the policy counts already.
  if (!session.isCurrent()) return { turnedAway: reason.notAuthorized };

  const asked = expiryAskedBy(connect);
  session.expirySeconds = Math.min(asked, limits.sessionExpirySeconds);
  session.will = will;
  // [MQTT-3.1.2-26], [MQTT-3.1.2-27]
  const aliases = Math.min(connect.properties.topicAliasMaximum ?? 0, limits.topicAliasesToClient);
  if (aliases > 0) connection.aliases = new Aliases(aliases);
  connection.cannotExtend = connect.version === 5 && asked === 0;

  const keepAlive = keepAliveOf(connect, welcome.maximumKeepAlive);
  const said: Properties = {};
  if (session.expirySeconds !== asked) said.sessionExpiryInterval = session.expirySeconds;
  if (limits.unacknowledged < 0xffff) said.receiveMaximum = limits.unacknowledged;
  if (limits.maximumQoS < 2) said.maximumQoS = limits.maximumQoS;
  if (!core.retainAvailable) said.retainAvailable = 0;
  said.maximumPacketSize = limits.packet;
  if (assigned !== undefined) said.assignedClientIdentifier = assigned; // [MQTT-3.2.2-16]
  said.topicAliasMaximum = limits.topicAliases;
  if (keepAlive !== connect.keepAlive) said.serverKeepAlive = keepAlive; // [MQTT-3.2.2-21]
  const { authenticationMethod, requestResponseInformation } = connect.properties;
  // [MQTT-3.1.2-28]
  if (requestResponseInformation === 1 && welcome.responseInformation !== undefined)
    said.responseInformation = welcome.responseInformation;
  if (authenticationMethod !== undefined) {
    said.authenticationMethod = authenticationMethod; // [MQTT-4.12.0-5], [MQTT-4.12.0-6]
    if (welcome.authenticationData !== undefined) said.authenticationData = welcome.authenticationData;
  }
  const answer = connack(connect.version, found !== undefined, reason.success, said);
  // A client whose maximum does not even hold this gets nothing else either.
  if (answer.length > connection.maximumPacket) {
    core.endSession(session);
    return { turnedAway: reason.packetTooLarge };
  }
  const window = Math.min(limits.inFlight, connect.properties.receiveMaximum ?? 0xffff);
  const ended: Entry[] = taken?.hasEnded === true && before !== 0 ? [{ kind: "ended", session: before }] : [];
  const entries = [...ended, ...keep(session)];
  return { session, resumed: found !== undefined, window, keepAlive, connack: answer, entries };
}

/** Of what `Notices` reckons with: as long as so many entries. */
const costOfBeginning = 64;

/** Calls `begin` once the opening is kept, with a refusal where that could not be; not at all where the client has left, or was ended. */
export function keepFirst(
  connection: Connection,
  { session, resumed, window, entries }: Opening,
  begin: (refusal?: TurnedAway) => void,
): void {
  const { core } = connection;
  const { keeping } = session.space;
  if (!keeping) return begin();
  const kept = (code: number) => {
    if (connection.hasClosed || !session.isCurrent()) return;
    if (code === 0) return begin();
    if (!resumed) core.endSession(session);
    begin({ turnedAway: reason.serverUnavailable });
  };
  keeping.append(entries, (code) => {
    // What has ended stays so, whoever may come in.
    if (code !== 0) entries.filter(({ kind }) => kind === "ended").forEach((entry) => keeping.late(entry));
    core.notices.give(costOfBeginning + Math.min(window, session.outgoing.waiting), kept, code);
  });
}

const expiryAskedBy = ({ version, clean, properties }: Connect): number =>
  version === 5 ? (properties.sessionExpiryInterval ?? 0) : clean ? 0 : forever;

/** Why a session that is to outlive its connection is not taken now. Asked before anything of the one before has changed. */
function unkept({ core }: Connection, connect: Connect, { space }: Welcome): TurnedAway | undefined {
  const { limits, journal } = core;
  if (!journal || Math.min(expiryAskedBy(connect), limits.sessionExpirySeconds) === 0) return undefined;
  const reasonString = journal.whyFull?.(space);
  return reasonString === undefined ? undefined : { turnedAway: reason.quotaExceeded, reasonString };
}

/** A session that outlives its connection is in the log before its client hears of it; so is the end of one that does not any more. */
function keep(session: Session): readonly Entry[] {
  const { keeping } = session.space;
  if (!keeping) return [];
  if (session.expirySeconds === 0) return session.letGo();
  if (!session.isKept) session.number = keeping.nextSession++;
  return [sessionEntry(session, true)];
}

/** Nobody takes over a session that happens to have the name ([MQTT-3.2.2-16]). */
function unusedId(core: Core, space: SpaceKey, principal: string): string {
  let id = core.newClientId();
  while (core.sessions.find(space, principal, id)) id = core.newClientId();
  return id;
}

/** Only MQTT 5 can tell a client another keep-alive than it asked for. */
function keepAliveOf({ version, keepAlive }: Connect, maximum: number | undefined): number {
  if (version === 4 || maximum === undefined) return keepAlive;
  return keepAlive === 0 || keepAlive > maximum ? maximum : keepAlive;
}

function willOf(connect: Connect, mounts: Mounts, { gate, space }: Welcome, core: Core): Will | undefined | number {
  const { limits } = core;
  const message = messageOf(connect, limits.maximumQoS);
  if (!message) return undefined;
  const mapped = mounts.inward(message.topic);
  const { responseTopic } = message.properties ?? {};
  const response = responseTopic === undefined ? undefined : mounts.inward(responseTopic);
  if (!mapped || (responseTopic !== undefined && !response)) return reason.notAuthorized;
  // Only where the client declares text, as of what it publishes.
  const isNoText = message.properties?.payloadFormatIndicator === 1 && !isUtf8(message.payload);
  if (isNoText) return reason.payloadFormatInvalid;
  const isRefused = [mapped, response].some((name) => name && isTooLong(name.topic, limits));
  const refusal = isRefused ? reason.topicNameInvalid : gate.publish(mapped.topic);
  if (refusal !== 0) return refusal;
  const will = {
    message: {
      ...message,
      topic: mapped.topic,
      properties: response ? { ...message.properties, responseTopic: response.topic } : (message.properties ?? {}),
    },
    written: message.topic,
    delaySeconds: connect.will?.properties.willDelayInterval ?? 0,
  };
  return core.knownSpace(space)?.backlog.bears(will) === false ? reason.quotaExceeded : will;
}

/** A CONNACK that says no, in the form of the client's version. */
export function turnAway(
  connection: Connection,
  { turnedAway: code, reasonString, serverReference }: TurnedAway,
): void {
  const { protocolVersion } = connection;
  if (protocolVersion === 4) return connection.write(connack(4, false, returnCodeOf(code), {}));
  const said = sayable("connack", code);
  const properties = saying(code, reasonString, serverReference);
  const answer = fitting(connection.maximumPacket, properties, (fit) => connack(5, false, said, fit));
  if (answer) connection.write(answer);
}

/** The policy's no, now, or when its time has come: then `true`. */
export function refuse(connection: Connection, answer: TurnedAway): boolean {
  const { core, transport, deadlines } = connection;
  core.statistics.connectionsTurnedAway++;
  transport.answered?.(answer.turnedAway);
  const say = () => {
    turnAway(connection, answer);
    connection.end({ how: "policy", code: answer.turnedAway });
  };
  if (deadlines.postpone(answer.after, say)) return true;
  say();
  return false;
}
