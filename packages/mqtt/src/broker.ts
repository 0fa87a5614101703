import { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { reason } from "./codes.ts";
import { Connection } from "./connection.ts";
import { Core } from "./core.ts";
import { defaultLimits, type Limits } from "./limits.ts";
import { discard } from "./discarding.ts";
import type { Journal, Message, Policy, SpaceKey, Transport } from "./policy.ts";
import type { Publication, Publisher } from "./publication.ts";
import { restore } from "./restoring.ts";
import type { Session } from "./session.ts";
import { snapshot } from "./snapshot.ts";
import { standingOf, type Standing } from "./standing.ts";
import type { Statistics } from "./statistics.ts";
import type { Listener, Target } from "./subscription.ts";
import type { Time } from "./time.ts";
import { isTopic, parseFilter } from "./topics.ts";

export type BrokerNeeds<Context> = {
  readonly policy: Policy<Context>;
  readonly time: Time;
  /** A client id that nobody has, for a client that wants one assigned. */
  readonly newClientId: () => string;
  /** Something in the policy, or in us, threw. The connection it concerned is ended. */
  readonly reportFault: (fault: unknown) => void;
  /** Keeps what must outlive the process; `Policy.revive` then says who may come back. */
  readonly journal?: Journal;
  readonly limits?: Partial<Limits>;
  /** `false` keeps no retained messages, and says so. */
  readonly retainAvailable?: boolean;
};

/** An MQTT broker core: 3.1.1 and 5 over any stream, with somebody else's policy. */
export class Broker<Context = unknown> {
  readonly #core: Core;
  readonly #connections = new Set<Connection>();
  #closing: (() => void) | undefined;
  #isClosing = false;

  constructor(needs: BrokerNeeds<Context>) {
    if (needs.journal && !needs.policy.revive) throw new TypeError("A policy with a journal says who may be revived.");
    this.#core = new Core({
      policy: needs.policy,
      time: needs.time,
      newClientId: needs.newClientId,
      reportFault: needs.reportFault,
      limits: { ...defaultLimits, ...needs.limits },
      retainAvailable: needs.retainAvailable ?? true,
      journal: needs.journal,
    });
  }

  /** Counted since the beginning, and how things stand. */
  get statistics(): Readonly<Statistics> {
    return this.#core.statistics;
  }

  /**
   * Speaks MQTT on this stream from now on. The broker ends it. Of a stream that keeps back what is not whole, as of WebSocket, the answer wants
   * to be told how much it was sent by now, until `Transport.answered` says 0: those bytes are held for somebody who may be anybody.
   */
  accept(socket: Duplex, transport: Transport): (sent: number) => void {
    if (this.#isClosing) {
      socket.destroy();
      return () => {};
    }
    if (socket instanceof Socket) socket.setNoDelay(true);
    const { statistics } = this.#core;
    statistics.connectionsAccepted++;
    statistics.connectionsOpen++;
    const gone = (connection: Connection) => {
      statistics.connectionsOpen--;
      this.#connections.delete(connection);
      if (this.#connections.size === 0) this.#closing?.();
    };
    const connection = new Connection(this.#core, socket, transport, gone);
    this.#connections.add(connection);
    return (sent) => connection.hasSent(sent);
  }

  /**
   * A message that came another way. Who is owed it is decided now, and what the broker must keep of it stands in its `record`; it goes out
   * when the caller says `settle(0)`, once that is kept, and to nobody at another code. Where one who is owed it
   * has no room, and `limits.whenFull` says so, its `code` is 0x97 already. Throws `TypeError` for what is no topic name. The
   * policy is not asked; the gates of those who receive are.
   */
  offer(space: SpaceKey, message: Message, from?: Publisher): Publication {
    if (!isTopic(message.topic)) throw new TypeError("This is not a topic name.");
    const publisher = (from && this.#core.sessions.find(space, from.principal, from.clientId)) ?? null;
    return this.#core.offer(this.#core.space(space), message, publisher);
  }

  /** Whether anybody would be owed a message on this topic, which is not retained. Where nobody is, nothing need be offered. */
  isOwed(space: SpaceKey, topic: string): boolean {
    return (this.#core.knownSpace(space)?.route(topic).size ?? 0) > 0;
  }

  /** Whether this principal is connected with a subscription of its own to the topic, and may hear it now. */
  reaches(space: SpaceKey, topic: string, principal: string): boolean {
    const route = this.#core.knownSpace(space)?.route(topic);
    const isThere = (target: Target) =>
      target.session.principal === principal && target.session.line !== null && target.mayHave();
    return route !== undefined && (route.durable.some(isThere) || route.live.some(isThere));
  }

  /** Publishes a message that the caller need not keep: what the broker must find again goes into the journal by itself. */
  publish(space: SpaceKey, message: Message, from?: Publisher): void {
    const publication = this.offer(space, message, from);
    const { record } = publication;
    const { journal } = this.#core;
    const settle = (code: number) => this.#core.safely(() => publication.settle(code));
    if (record && journal?.whyFull?.(space) !== undefined) settle(reason.quotaExceeded);
    else if (record && journal) journal.append(space, record, settle);
    else settle(0);
  }

  /**
   * Everything of a space as its log has it, in order, in turns that hold nobody up. Until it settles nobody connects to the space, no message
   * is offered, and no `snapshot` taken; where the space is unloaded meanwhile it stops. What is known to be lost is `undefined`. Answers
   * the places of the records that were left out because they are lost, damaged or of a newer version: those must stay in the log.
   */
  restore(space: SpaceKey, records: Iterable<Uint8Array | undefined>): Promise<readonly number[]> {
    return restore(this.#core, space, records);
  }

  /**
   * The whole state of a space as records of about 64 KiB, lazily. Each is true in the turn in which it is taken, and in that turn goes into
   * the log, in order with `Journal.append`. When all are durable, what had been settled before the first was taken is not needed any more.
   */
  snapshot(space: SpaceKey): Iterable<Uint8Array> {
    return snapshot(this.#core.space(space));
  }

  /**
   * Gives up what the space holds of some topics, received until a moment in milliseconds since the epoch, in turns that hold nobody up: what
   * waits for its sessions, and what is retained. A `snapshot` taken afterwards has nothing of it. What goes to whoever is connected, and what
   * is not settled yet, is not reached. Answers how many deliveries and retained messages they were.
   */
  discard(space: SpaceKey, isGone: (topic: string) => boolean, until: number): Promise<number> {
    return discard(this.#core, space, ({ topic, receivedAt }) => receivedAt <= until && isGone(topic));
  }

  /**
   * Forgets the space, and writes nothing of it any more: connections are ended, sessions and retained messages are gone from memory. With the
   * next `restore`, under another key, they are as the log has them.
   */
  unload(space: SpaceKey): void {
    this.#core.unload(space);
  }

  /** Hears every message of the space that matches, in the turn of its live delivery, until the returned function is called. */
  listen(space: SpaceKey, filter: string, listener: Listener): () => void {
    const parsed = parseFilter(filter);
    if (!parsed || parsed.share !== undefined) throw new TypeError("This is not a topic filter.");
    return this.#core.space(space).listen(parsed.filter, { kind: "listening", listener });
  }

  /** Who is connected to the space now, as the policy knows them. */
  connected(space: SpaceKey): readonly Context[] {
    return this.#core.sessions
      .all(space)
      .filter((session) => session.line !== null)
      .map((session) => session.context as Context); // given by this broker's policy
  }

  /** The sessions of this principal, connected or not, as they are now. */
  sessions(space: SpaceKey, principal: string): readonly Standing[] {
    return this.#core.sessions.of(space, principal).map(standingOf);
  }

  /** Looks at every session of the space now, connected or not: who has lost the right to be there is ended before this returns. */
  recheck(space: SpaceKey): void {
    for (const session of this.#core.sessions.all(space)) session.isCurrent();
  }

  /** Ends everything of this principal: connections, sessions, queues, wills. Returns how many sessions there were. */
  forget(space: SpaceKey, principal: string, code: number = reason.administrativeAction): number {
    const sessions = this.#core.sessions.of(space, principal);
    for (const session of sessions) this.#core.revoke(session, { end: code });
    return sessions.length;
  }

  /** Ends the connections of this principal; sessions stay, wills are published. Returns how many there were. */
  disconnect(
    space: SpaceKey,
    principal: string,
    code: number = reason.administrativeAction,
    reasonString?: string,
  ): number {
    const connected = this.#core.sessions.of(space, principal).filter((session: Session) => session.line !== null);
    for (const session of connected) session.line?.end({ how: "policy", code, reasonString });
    return connected.length;
  }

  /**
   * Takes nobody else in, tells everybody (0x8B), and ends all sockets within the close deadline. Wills are not published; those of
   * kept sessions are when they are restored.
   */
  async close(): Promise<void> {
    this.#isClosing = true;
    this.#core.stop();
    const closed = new Promise<void>((resolve) => (this.#closing = resolve));
    for (const connection of this.#connections) connection.shutDown();
    if (this.#connections.size > 0) await closed;
    this.#core.stopped();
  }
}
