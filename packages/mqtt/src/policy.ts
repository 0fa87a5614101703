import type { Family, Mount, Synonym } from "./mounts.ts";
import type { Properties } from "./properties.ts";
import type { Publication } from "./publication.ts";

/** Topic trees, sessions and retained messages of two spaces never meet. Compared by identity. */
export type SpaceKey = object | string;

export type Transport = {
  readonly remoteAddress: string;
  readonly secure: boolean;
  /** Which TLS that is: "TLSv1.3". */
  readonly tls?: string | undefined;
  /** The group of its key exchange, as IANA numbers it. */
  readonly group?: number | undefined;
  /** The client's certificate in DER, where it showed one. */
  readonly certificate?: Uint8Array | undefined;
  /** What both ends of the client's TLS connection can derive from it, and nobody else (RFC 5705); for proofs that hold on it alone. */
  readonly exportKey?: ((label: string, bytes: number) => Uint8Array) | undefined;
  /** Of which site the page is that opened a WebSocket (RFC 6455, 10.2). */
  readonly origin?: string | undefined;
  /** The embedder's own name for the way in: "mqtts", "wss". */
  readonly name: string;
  /** Called once, when the CONNECT is there: until then nobody knows whether it speaks MQTT at all. */
  connecting?(): void;
  /** Called once, with the code of the CONNACK that the policy's answer led to; 0 is a welcome. */
  answered?(code: number): void;
};

export type ProtocolVersion = 4 | 5;

export type QoS = 0 | 1 | 2;

/**
 * What must outlive the process: one log for each space, of records that only the broker reads. Without a journal everything is in memory.
 * The record of a publication stands in `Publication.record` instead, and is kept with the message itself.
 */
export interface Journal {
  /**
   * A sentence where nothing new is to be kept, as while a disk is almost full. Asked before a session that is to last or a subscription of one
   * begins, and before `Broker.publish`: they are refused with 0x97 and this sentence. What ends something, or says what became of it, is
   * given to `append` all the same, and should have its room.
   */
  whyFull?(space: SpaceKey): string | undefined;

  /**
   * Keeps the record behind all that were given before, those of publications that were accepted included. `done(0)` once it is durable,
   * any code from 0x80 when it was not kept. May be called in the same turn.
   */
  append(space: SpaceKey, record: Uint8Array, done: (code: number) => void): void;
}

/** A session that was kept, as it comes back after a restart. */
export type Revived = {
  readonly principal: string;
  readonly clientId: string;
  readonly keepsake: string | undefined;
};

/** A message that somebody gives the broker to publish. */
export type Message = {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly qos: QoS;
  readonly retain: boolean;
  readonly properties?: Properties;
  /**
   * It is for those alone who are connected when it is offered, and for that connection: it waits for nobody who is away or goes meanwhile, and is
   * not sent again when a session is resumed, because whoever gave it gives it again, as it is by then. Hears of each principal by whom it was
   * acknowledged, at QoS 1 or 2, in this process.
   */
  readonly present?: { acknowledged(principal: string): void };
};

/** What a CONNECT asked for. Topics are as the client wrote them. */
export type Asked = {
  /** Empty when the client wants one assigned. */
  readonly clientId: string;
  readonly username: string | undefined;
  readonly password: Uint8Array | undefined;
  readonly protocolVersion: ProtocolVersion;
  /** Seconds; 0 is none. */
  readonly keepAlive: number;
  readonly clean: boolean;
  readonly will: Message | undefined;
  readonly properties: Properties;
  readonly transport: Transport;
};

/**
 * What a session may do, compiled. As long as `epoch` equals `cell.epoch` its answers may be kept; when they differ the broker asks
 * `Policy.renew` before it reads the next byte or delivers the next message. Topics and filters are those of the space.
 */
export interface Gate {
  readonly cell: { readonly epoch: number };
  readonly epoch: number;
  /** As in the welcome, where that may have changed since. */
  readonly expiresAt?: number | undefined;
  /** Gets what comes from now on, and nothing that was retained. */
  readonly isLiveOnly?: boolean | undefined;
  /** 0, or the reason code (0x80 and above) with which the message is refused. */
  publish(topic: string): number;
  /** 0, or the reason code of the SUBACK. For a shared subscription the filter behind `$share/{name}/`. */
  subscribe(filter: string): number;
  /** Asked at every delivery, of queued and retained messages too. */
  receive(topic: string): boolean;
}

/** What a client calls things. */
export type Naming = {
  readonly mounts?: readonly Mount[] | undefined;
  readonly synonyms?: readonly Synonym[] | undefined;
  readonly families?: readonly Family[] | undefined;
  /**
   * Names that few clients use, so that no session carries them in its lists: the same name always means the same, as long as the lists are the same.
   */
  readonly further?: ((written: string) => Mount | Synonym | undefined) | undefined;
  /** Refuse whatever the client names outside its mounts, families and synonyms. */
  readonly mountsOnly?: boolean | undefined;
};

export type Welcome<Context = unknown> = Naming & {
  readonly space: SpaceKey;
  /** Sessions belong to (space, principal, client id): equal client ids of two principals are two sessions. */
  readonly principal: string;
  /** Shared groups of two applications never meet, whatever their name. */
  readonly application?: string | undefined;
  /** Sessions of the principal, connected or kept, in place of `limits.sessionsPerPrincipal`. */
  readonly maximumSessions?: number | undefined;
  readonly gate: Gate;
  /** Milliseconds since the epoch: then the connection is ended (0xA0), and it may come again. */
  readonly expiresAt?: number | undefined;
  /** Seconds. MQTT 5 clients that asked for more, or for none, are told this one. */
  readonly maximumKeepAlive?: number | undefined;
  /** Told to a client of MQTT 5 that asks: what its response topics should begin with. */
  readonly responseInformation?: string | undefined;
  /** What enhanced authentication tells the client last: in the CONNACK, or in the AUTH that says it succeeded again. */
  readonly authenticationData?: Uint8Array | undefined;
  /** Given back with every call about this session, also after its connection has closed, as long as the session is kept. */
  readonly context: Context;
  /** Your own words about the session, such as the id of its credential: kept with it, and given back to `Policy.revive`. */
  readonly keepsake?: string | undefined;
};

export type TurnedAway = {
  readonly turnedAway: number;
  readonly reasonString?: string | undefined;
  /** Where to go instead, with 0x9C (for this time) or 0x9D (for good); told to MQTT 5 alone. */
  readonly serverReference?: string | undefined;
  /** Milliseconds that a client waits for the answer to its CONNECT, so that it does not come again at once; see `limits.refusalsWaiting`. */
  readonly after?: number | undefined;
};

/** What a client of MQTT 5 shows of itself by a method of the policy's (section 4.12). */
export type Proof<Context = unknown> = {
  readonly method: string;
  readonly data: Uint8Array | undefined;
  /** Whose session it is that proves itself again; `undefined` for a CONNECT. */
  readonly again: Context | undefined;
};

/** The policy's question to the client, and what becomes of the answer. */
export type Challenge<Context = unknown> = {
  readonly challenge: Uint8Array | undefined;
  readonly reasonString?: string | undefined;
  /** Called once, with the client's authentication data. Not called at all when the client leaves, or takes too long. */
  answered(data: Uint8Array | undefined): Promise<Challenge<Context> | Welcome<Context> | TurnedAway>;
};

/** A new gate, and other names than before: filters are read again by them, and what they do not name is dropped. */
export type Renaming = { readonly gate: Gate; readonly naming: Naming };

export type Ending = {
  readonly end: number;
  readonly reasonString?: string | undefined;
  /** See `TurnedAway`. */
  readonly serverReference?: string | undefined;
};

export type Refusable = "publish" | "subscribe" | "will" | "session";

/** How a connection came to its end. */
export type Closing = {
  readonly how:
    | "client"
    | "network"
    | "keepAlive"
    | "takenOver"
    | "expired"
    | "policy"
    | "protocol"
    | "slow"
    | "shutdown"
    | "fault";
  /** The MQTT 5 reason code sent or received; 0 where there was none. */
  readonly code: number;
  /** Whether the session stays for the client to come back to. */
  readonly sessionKept: boolean;
};

/** One connected session, as the policy sees it. The counters go on until `closed`. */
export interface Opened<Context = unknown> {
  readonly context: Context;
  readonly clientId: string;
  readonly principal: string;
  readonly protocolVersion: ProtocolVersion;
  readonly transport: Transport;
  /** It found its session again. */
  readonly resumed: boolean;
  readonly counters: Readonly<Counters>;
}

/** Of one connection. */
export type Counters = { bytesIn: number; bytesOut: number; messagesIn: number; messagesOut: number };

/**
 * What the broker asks the program around it. `renew`, `accept`, the notifications and the gate are called on the hot path and
 * return at once; only `connect` and `authenticate` may take their time.
 */
export interface Policy<Context = unknown> {
  /**
   * Once for each CONNECT. What throws or is rejected is a fault: reported, and the client is told 0x88. Whoever has to ask nobody answers
   * at once, without a promise, which costs less.
   */
  connect(asked: Asked): Welcome<Context> | TurnedAway | Promise<Welcome<Context> | TurnedAway>;

  /**
   * In place of `connect` for each CONNECT that names an authentication method, and whenever its session proves itself again: then a
   * welcome in the same space, of the same principal, replaces gate, names, expiry and context, and anything else ends the connection.
   * `asked` is that of the CONNECT each time, the second time without password and will. Without this function every method is refused (0x8C); so should unknown ones be.
   */
  authenticate?(asked: Asked, proof: Proof<Context>): Promise<Challenge<Context> | Welcome<Context> | TurnedAway>;

  /**
   * The gate is out of date: a new one, with other names where those have changed too, or the end (0x98 is the usual code) of
   * connection, session, queue and will.
   */
  renew(context: Context, gate: Gate): Gate | Renaming | Ending;

  /**
   * A message that passed the gate. Answers 0 (taken: below QoS 2 it goes to QoS 0 subscriptions now) or a code from 0x80 (refused: nothing
   * is delivered). Who takes a message of QoS 1 or 2 calls `publication.settle(code)`, now or later: 0 acknowledges it, and only then it goes
   * to those who are owed it and becomes the retained message; any other code says that it was not kept. 0x88 and 0x89 end the
   * publisher's connection without an acknowledgement, so that it sends again. Where it has a `record`, that is kept in the same step.
   * Keeping the publication keeps the chunk it came in: call `publication.detach()` before keeping it for long.
   */
  accept(context: Context, publication: Publication): number;

  /** Once for each `Broker.restore`, before `revive`: the keepsakes of the sessions that it may be asked about. A rejection is `restore`'s. */
  recall?(space: SpaceKey, keepsakes: ReadonlySet<string>): Promise<void>;

  /**
   * Once for each session that `Broker.restore` finds, before anybody connects: its welcome, as for a CONNECT, or the end of session, queue
   * and will. Needed where there is a journal.
   */
  revive?(space: SpaceKey, session: Revived): Welcome<Context> | Ending;

  opened?(session: Opened<Context>): void;
  /** The session is subscribed to these filters of the space from now on: the SUBACK has gone out. */
  subscribed?(context: Context, filters: readonly string[]): void;
  closed?(session: Opened<Context>, closing: Closing): void;
  /** Since when (elapsed milliseconds) the client acknowledges nothing of what it was sent on this connection; `undefined`: it owes nothing now. */
  owing?(context: Context, since: number | undefined): void;
  /** A session without connection ends, because its principal begins another and has as many as it may: none was away longer. */
  displaced?(context: Context): void;
  /** The sessions of the space hold `limits.spaceBytes`: from now on those give up the oldest that get more. Called again after half had gone. */
  full?(space: SpaceKey): void;
  /**
   * Something was refused that `accept` was not asked about: the topic or filter as the client wrote it, of a message its bytes too. A
   * will is refused with its whole CONNECT; so is a session too many, which has no topic. Answers what to tell a client of MQTT 5, where there is
   * something better to say than the broker would.
   */
  refused?(context: Context, what: Refusable, topic: string, code: number, size?: number): string | undefined;
}
