/** Messages that were given up for a client that was owed them, or would have got them, by why. */
export type Dropped = {
  /** QoS 0 messages for a connection that reads too slowly. */
  slow: number;
  /** Given up by a full session queue, the oldest first. */
  queueFull: number;
  /** Given up because all sessions of its space hold too much. */
  spaceFull: number;
  /** Had waited longer than a session lets them. */
  old: number;
  expired: number;
  /** Larger than the client's maximum packet size. */
  tooLarge: number;
};

export const nothingDropped = (): Dropped => ({ slow: 0, queueFull: 0, spaceFull: 0, old: 0, expired: 0, tooLarge: 0 });

/** What a broker has counted since it was made. */
export class Statistics {
  connectionsAccepted = 0;
  connectionsOpen = 0;
  connectionsTurnedAway = 0;
  /** Of those, the ones that wait for their answer now. */
  refusalsWaiting = 0;
  sessions = 0;
  /** Ended without connection, because their principal began another and had as many as it may. */
  sessionsDisplaced = 0;
  subscriptions = 0;
  retained = 0;
  retainedBytes = 0;
  queued = 0;
  queuedBytes = 0;
  /** What waits and what awaits its acknowledgement, each message once, with what it costs to know who is owed it. */
  heldBytes = 0;

  /** Written to connections, beyond what is free of each, and not taken. */
  unreadBytes = 0;
  /** Of connections that have no CONNACK: what they have sent. */
  strangerBytes = 0;

  messagesIn = 0;
  messagesOut = 0;
  bytesIn = 0;
  bytesOut = 0;
  willsPublished = 0;

  /** Refused by mounts, gate or policy before they were taken; a 3.1.1 client got its plain PUBACK for them. */
  publishesRefused = 0;
  /** Taken, but not kept: `settle` said no. */
  publishesNotKept = 0;
  /** Of those refused, because a session that is owed them, or its space, has no room. */
  refusedQueueFull = 0;
  /** Of those refused, because the space retains as much as it may. */
  refusedRetained = 0;
  subscribesRefused = 0;

  readonly dropped = nothingDropped();
  /** Given up, because the platform that has the broker wants nobody to get them any more: see `Broker.discard`. */
  discarded = 0;
  /** Not delivered, because the gate says so now. */
  withheld = 0;

  disconnectedSlow = 0;
  /** Before their CONNACK, because those who had none had sent too much together, and they most. */
  disconnectedStrangers = 0;
  disconnectedProtocol = 0;
  disconnectedKeepAlive = 0;
  disconnectedByPolicy = 0;
  /** How often a socket was paused because too many of its messages await their acknowledgement, or came too fast. */
  pauses = 0;
  /** Of sessions: what waited for one of these was answered with an end, and what could wait is tried again. */
  recordsNotKept = 0;
  faults = 0;
}
