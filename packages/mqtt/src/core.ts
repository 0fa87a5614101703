import { reason } from "./codes.ts";
import { decide, deliverKept, deliverLive, expect, retainable, takeBack } from "./delivering.ts";
import type { Limits } from "./limits.ts";
import { Blocks } from "./output.ts";
import { Notices } from "./notices.ts";
import type { Closing, Ending, Journal, Message, Opened, Policy, SpaceKey } from "./policy.ts";
import { publicationOf, type Publication } from "./publication.ts";
import { Recollection } from "./recollection.ts";
import { forever, type Ended, type Session } from "./session.ts";
import { mountsOf } from "./terms.ts";
import { Sessions } from "./sessions.ts";
import { Space } from "./space.ts";
import { Statistics } from "./statistics.ts";
import { Strangers } from "./strangers.ts";
import { after, type Time } from "./time.ts";

export type CoreNeeds = {
  readonly policy: Policy;
  readonly limits: Limits;
  readonly time: Time;
  readonly newClientId: () => string;
  readonly reportFault: (fault: unknown) => void;
  readonly retainAvailable: boolean;
  readonly journal: Journal | undefined;
};

/** Something with bytes to write at the end of this turn. */
export interface Dirty {
  flush(): void;
}

/** What the connections of one broker share: spaces, sessions, and what becomes of a session without its connection. */
export class Core {
  readonly policy: Policy;
  readonly limits: Limits;
  readonly time: Time;
  readonly newClientId: () => string;
  readonly retainAvailable: boolean;
  readonly journal: Journal | undefined;
  readonly statistics = new Statistics();
  readonly blocks = new Blocks();
  readonly strangers: Strangers;
  readonly notices = new Notices(this);
  readonly sessions = new Sessions(this.statistics);
  readonly recollection: Recollection;
  readonly #reportFault: (fault: unknown) => void;
  readonly #spaces = new Map<SpaceKey, Space>();
  #isStopping = false;
  #dirty: Dirty[] = [];
  readonly #flush = () => {
    const dirty = this.#dirty;
    this.#dirty = [];
    for (const connection of dirty) connection.flush();
  };

  constructor(needs: CoreNeeds) {
    this.policy = needs.policy;
    this.limits = needs.limits;
    this.time = needs.time;
    this.newClientId = needs.newClientId;
    this.retainAvailable = needs.retainAvailable;
    this.journal = needs.journal;
    this.#reportFault = needs.reportFault;
    this.strangers = new Strangers(this);
    this.recollection = new Recollection(this);
  }

  fault(fault: unknown): void {
    this.statistics.faults++;
    this.#reportFault(fault);
  }

  /** Calls what may call the policy from where nobody could catch what it throws. */
  safely(call: () => void): void {
    try {
      call();
    } catch (fault) {
      this.fault(fault);
    }
  }

  /** All that a turn of the event loop writes leaves together, with one system call for each connection. */
  markDirty(connection: Dirty): void {
    if (this.#dirty.push(connection) === 1) setImmediate(this.#flush);
  }

  space(key: SpaceKey): Space {
    let space = this.#spaces.get(key);
    if (!space) this.#spaces.set(key, (space = new Space(this, key)));
    return space;
  }

  knownSpace(key: SpaceKey): Space | undefined {
    return this.#spaces.get(key);
  }

  forgetSpace(space: Space): void {
    if (this.#spaces.get(space.key) === space) this.#spaces.delete(space.key);
  }

  /** The gate is out of date. `false` when the session has ended. */
  renew(session: Session): boolean {
    if (session.hasEnded) return false;
    const answer = this.policy.renew(session.context, session.gate);
    if ("end" in answer) {
      this.revoke(session, answer);
      return false;
    }
    if ("naming" in answer) {
      session.gate = answer.gate;
      session.rename(mountsOf(answer.naming), session.application);
    } else session.gate = answer;
    if ("expiresAt" in session.gate) session.line?.deadlines.expireAt(session.gate.expiresAt);
    session.stamp++;
    return true;
  }

  /** The end of connection, session, queue and will, at once. */
  revoke(session: Session, { end: code, reasonString, serverReference }: Ending): void {
    this.#discardWill(session);
    const { line } = session;
    this.endSession(session);
    this.statistics.disconnectedByPolicy++;
    line?.end({ how: "policy", code, reasonString, serverReference, atOnce: true });
  }

  /** Its principal begins another session, and has as many as it may. */
  displace(session: Session): void {
    this.statistics.sessionsDisplaced++;
    this.policy.displaced?.(session.context);
    this.endSession(session);
  }

  /** Subscriptions, queue and whatever was in flight go; a will that still waits is published, because its session ends (3.1.3.2.2). */
  endSession(session: Session): void {
    if (session.hasEnded) return;
    if (session.cancelWill) this.#publishWill(session);
    if (session.hasEnded) return; // publishing the will asked the gate, and the gate ended it
    session.hasEnded = true;
    this.recollection.goOn(session);
    session.cancelExpiry?.();
    session.cancelExpiry = undefined;
    for (const subscription of session.subscriptions.values()) session.space.unsubscribe(subscription);
    session.subscriptions.clear();
    session.unnamed.clear();
    session.outgoing.clear();
    session.will = undefined;
    if (session.isKept) session.space.keeping?.late({ kind: "ended", session: session.number });
    this.sessions.remove(session.space.key, session);
    session.space.leave();
  }

  /** Connections, sessions and retained messages are gone from memory; where there is a log they can be restored from it. */
  unload(key: SpaceKey): void {
    const space = this.#spaces.get(key);
    if (!space) return;
    space.keeping?.end();
    for (const session of space.sessions()) this.revoke(session, { end: reason.administrativeAction });
    space.retained.clear();
    if (!space.isUsed) this.#spaces.delete(key);
  }

  /** From now on nobody's will is published: of a session that is kept it goes out after the next start. */
  stop(): void {
    this.#isStopping = true;
  }

  /** Nothing happens by itself any more, and what waited for its record has it. */
  stopped(): void {
    this.recollection.stop();
    for (const space of this.#spaces.values()) {
      for (const session of space.sessions()) {
        session.cancelWill?.();
        session.cancelExpiry?.();
      }
      space.retained.stop();
      space.outflow.stop();
      space.keeping?.flush();
    }
  }

  #discardWill(session: Session): void {
    session.cancelWill?.();
    session.cancelWill = undefined;
    session.will = undefined;
  }

  /** The client has come back in time ([MQTT-3.1.3-9]). */
  cameBack(session: Session): void {
    this.#discardWill(session);
    session.cancelExpiry?.();
    session.cancelExpiry = undefined;
  }

  /** A session without connection: its will goes out (now or after its delay), and its time runs. */
  left(session: Session): void {
    this.recollection.goOn(session);
    const { number, expirySeconds, will } = session;
    if (expirySeconds > 0) {
      const at = session.leftAt ?? 0; // it was detached
      session.keep([{ kind: "left", session: number, at, expirySeconds, keepsWill: will !== undefined }], () => {});
    }
    if (this.#isStopping) session.will = undefined;
    const delay = session.will?.delaySeconds ?? 0;
    if (session.will && (delay === 0 || expirySeconds === 0)) this.#publishWill(session);
    if (session.hasEnded) return;
    if (expirySeconds === 0) this.endSession(session);
    else this.wait(session, 0);
  }

  /** Its client has been away for so many milliseconds: what is to happen without it happens in its time, and not in this turn. */
  wait(session: Session, away: number): void {
    const { will, expirySeconds } = session;
    const later = (seconds: number, call: () => void) =>
      after(this.time, Math.max(0, seconds * 1000 - away), () => this.safely(call));
    if (will) session.cancelWill = later(will.delaySeconds, () => this.#publishWill(session));
    if (expirySeconds !== forever) session.cancelExpiry = later(expirySeconds, () => this.endSession(session));
  }

  #publishWill(session: Session): void {
    const { will } = session;
    this.#discardWill(session);
    if (!will || !session.isCurrent()) return;
    const { topic } = will.message;
    const refusal = session.gate.publish(topic);
    if (refusal !== 0) {
      this.statistics.publishesRefused++;
      this.policy.refused?.(session.context, "will", will.written, refusal);
      this.#willed(session);
      return;
    }
    this.statistics.willsPublished++;
    const { responseTopic } = will.message.properties ?? {};
    const publication = this.offer(session.space, will.message, session, { responseTopic, willOf: session });
    publication.named = will.written;
    const code = publication.code === -1 ? this.accept(session, publication) : publication.code;
    if (code >= 0x80) {
      this.statistics.publishesRefused++;
      publication.isRefused = true;
      publication.settle(code);
      this.#willed(session);
    } else if (publication.qos === 0) publication.settle(0);
    else if (publication.qos === 1 && !publication.isLive) {
      publication.isLive = true;
      deliverLive(session.space.route(topic), publication, session);
    }
  }

  #willed(session: Session): void {
    if (!session.isKept) return;
    session.space.keeping?.late({ kind: "willed", session: session.number }, () => session.will === undefined);
  }

  /**
   * A message that no connection waits for: a will, or one that came another way. It goes out when it is settled; where one who is owed it
   * has no room it is settled already, with the code that says so.
   */
  offer(
    space: Space,
    message: Message,
    publisher: Session | null,
    { responseTopic, willOf }: { responseTopic?: string | undefined; willOf?: Session } = {},
  ): Publication {
    const source = {
      settled: () => {
        publication.release();
        if (publication.code === 0) return this.deliverLate(space.key, publication, publisher);
        takeBack(publication);
        if (!publication.isRefused) this.statistics.publishesNotKept++;
        space.rest();
      },
    };
    const publication = publicationOf(message, {
      topic: message.topic,
      responseTopic,
      receivedAt: this.time.now(),
      since: this.time.elapsed(),
      source,
    });
    const code = retainable(space, publication) || decide(space.route(publication.topic), publication, publisher);
    if (code !== 0) {
      publication.isRefused = true;
      publication.settle(code, publication.reasonString);
    } else expect(space, publication, publisher, willOf ?? null);
    return publication;
  }

  /** Asks the policy whether it takes a message; one that fails has not taken it. */
  accept({ context }: Session, publication: Publication): number {
    try {
      return this.policy.accept(context, publication);
    } catch (fault) {
      takeBack(publication);
      throw fault;
    }
  }

  /** Delivery of what was kept after its publisher had left; its space may have been forgotten meanwhile, or made anew. */
  deliverLate(key: SpaceKey, publication: Publication, publisher: Session | null): void {
    if (this.journal && !this.#spaces.has(key)) return; // it was unloaded
    const space = this.space(key);
    deliverKept(space, publication, publisher);
    space.rest();
  }

  opened(session: Opened): void {
    this.policy.opened?.(session);
  }

  closed(session: Opened, ended: Ended, sessionKept: boolean): void {
    const closing: Closing = { how: ended.how, code: ended.code, sessionKept };
    this.policy.closed?.(session, closing);
  }
}
