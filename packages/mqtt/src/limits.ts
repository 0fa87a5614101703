import type { QoS } from "./policy.ts";

/** What one broker bears. Sizes in bytes, times in milliseconds unless the name says seconds. */
export type Limits = {
  /** A larger packet ends the connection (0x95). */
  readonly packet: number;
  /** The same until the CONNACK, of somebody who may be anybody: user name, password and will of 64 KiB each have room. */
  readonly packetOfStranger: number;
  /** What all those may have sent together; beyond it the one that has sent most is disconnected. */
  readonly strangerBytes: number;
  readonly topicLevels: number;
  /** Of a topic, a filter and a response topic, as the space knows them. */
  readonly topicBytes: number;
  readonly clientIdBytes: number;
  readonly subscriptionsPerSession: number;
  /** So many of each session, and so many beyond of all sessions of a space together: all may match one topic. */
  readonly subscriptionsFree: number;
  readonly subscriptionsShared: number;
  /** Of a SUBSCRIBE or UNSUBSCRIBE; more end the connection (0x97). */
  readonly filtersPerPacket: number;
  /** Of the client's. */
  readonly topicAliases: number;
  /** Of ours, where the client takes so many. */
  readonly topicAliasesToClient: number;
  /** The highest QoS that is taken and granted. */
  readonly maximumQoS: QoS;
  /** PUBLISH packets of one connection that await their PUBACK or PUBCOMP: the Receive Maximum we announce. */
  readonly unacknowledged: number;
  readonly unacknowledgedBytes: number;
  /** Messages of QoS 1 and 2 under way to one client; less when it asks for less. */
  readonly inFlight: number;
  /** What may wait for one session, and how long. */
  readonly sessionMessages: number;
  readonly sessionBytes: number;
  /** What waits for the sessions of a space together, or awaits their acknowledgement; so much of each session is free of that. */
  readonly spaceBytes: number;
  readonly sessionBytesFree: number;
  readonly sessionMessageSeconds: number;
  /** Who loses when a session or its space has no room: the session its oldest message, or the publisher (0x97; 3.1.1 is hung up on) this one. */
  readonly whenFull: "dropOldest" | "refusePublisher";
  /** Where `Welcome.maximumSessions` says nothing else. Whoever begins one more ends the one that has been away longest. */
  readonly sessionsPerPrincipal: number;
  readonly sessionExpirySeconds: number;
  readonly retainedMessages: number;
  readonly retainedBytes: number;
  /**
   * What the connections of a space were sent and have not taken, together; so much of each is free of that. Beyond it those that are behind
   * get nothing more, and those that take nothing at all for so long, or for twice that, are disconnected.
   */
  readonly unreadBytes: number;
  readonly unreadBytesFree: number;
  readonly unreadPatience: number;
  /** Beyond this a connection gets no QoS 0 messages, and QoS 1 and 2 wait in the session's queue. */
  readonly waiting: number;
  /** Beyond this it is disconnected. */
  readonly waitingHard: number;
  /** Of one client, filters too, but not acknowledgements of messages: what comes faster is not read yet. Infinity is no limit. */
  readonly messagesPerSecond: number;
  /** So many at once, where there were few before. */
  readonly messagesBurst: number;
  /** Who is held up most of the time for so long is disconnected (0x97). */
  readonly messagesEndurance: number;
  /** Of the messages of one connection, and what it takes to find them; who has had so many is read on in the next turn of the event loop. */
  readonly receiversPerTurn: number;
  /** From the connection to its CONNECT. */
  readonly connectDeadline: number;
  /** Clients that wait for the answer no; one beyond that hears it at once. */
  readonly refusalsWaiting: number;
  /** Of one exchange of enhanced authentication, from the packet that began it. */
  readonly authenticationDeadline: number;
  /** How often the policy may ask within one exchange. */
  readonly authenticationRounds: number;
  /** Of authentication data in one packet. */
  readonly authenticationBytes: number;
  /** From our DISCONNECT to the end of the socket. */
  readonly closeDeadline: number;
  /** Topics whose subscribers a space remembers, and how many subscribers together. */
  readonly routes: number;
  readonly routeTargets: number;
};

export const defaultLimits: Limits = {
  packet: 1 << 20,
  packetOfStranger: 256 << 10,
  strangerBytes: 64 << 20,
  topicLevels: 128,
  topicBytes: 4096,
  clientIdBytes: 256,
  subscriptionsPerSession: 10_000,
  subscriptionsFree: 10,
  subscriptionsShared: 50_000,
  filtersPerPacket: 1_000,
  topicAliases: 32,
  topicAliasesToClient: 64,
  maximumQoS: 2,
  unacknowledged: 1_024,
  unacknowledgedBytes: 4 << 20,
  inFlight: 1_024,
  sessionMessages: 10_000,
  sessionBytes: 8 << 20,
  spaceBytes: 256 << 20,
  sessionBytesFree: 16 << 10,
  sessionMessageSeconds: Infinity,
  whenFull: "dropOldest",
  sessionsPerPrincipal: 64,
  sessionExpirySeconds: 0xffffffff,
  retainedMessages: 100_000,
  retainedBytes: 256 << 20,
  unreadBytes: 64 << 20,
  unreadBytesFree: 16 << 10,
  unreadPatience: 10_000,
  waiting: 1 << 20,
  waitingHard: 8 << 20,
  messagesPerSecond: Infinity,
  messagesBurst: 10_000,
  messagesEndurance: 60_000,
  receiversPerTurn: 32_768,
  connectDeadline: 5_000,
  refusalsWaiting: 2_048,
  authenticationDeadline: 10_000,
  authenticationRounds: 16,
  authenticationBytes: 16_384,
  closeDeadline: 2_000,
  routes: 16_384,
  routeTargets: 262_144,
};
