import { deliverDurable, deliverLive } from "./delivery.ts";
import type { Limits } from "./limits.ts";
import { Mounts } from "./mounts.ts";
import { Blocks } from "./output.ts";
import type { Closing, Ending, Opened, Policy, SpaceKey } from "./policy.ts";
import { publicationOf, type Publication } from "./publication.ts";
import { Recollection } from "./recollection.ts";
import { forever, type Ended, type Session } from "./session.ts";
import { MemorySessions, type SessionStore } from "./session-store.ts";
import { Space } from "./space.ts";
import { Statistics } from "./statistics.ts";
import { after, type Time } from "./time.ts";

export type CoreNeeds = {
  readonly policy: Policy;
  readonly limits: Limits;
  readonly time: Time;
  readonly newClientId: () => string;
  readonly reportFault: (fault: unknown) => void;
  readonly retainAvailable: boolean;
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
  readonly statistics = new Statistics();
  readonly blocks = new Blocks();
  readonly sessions: SessionStore;
  readonly recollection: Recollection;
  readonly #reportFault: (fault: unknown) => void;
  readonly #spaces = new Map<SpaceKey, Space>();
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
    this.#reportFault = needs.reportFault;
    this.sessions = new MemorySessions(this.limits, this.statistics);
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
      const { mounts, synonyms, mountsOnly } = answer.naming;
      session.gate = answer.gate;
      session.rename(new Mounts(mounts, synonyms, mountsOnly), session.application);
    } else session.gate = answer;
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
    session.clear();
    this.sessions.remove(session.space.key, session);
    session.space.leave();
  }

  /** Nothing happens by itself any more. */
  stop(): void {
    for (const space of this.#spaces.values()) {
      for (const session of space.sessions()) {
        session.cancelWill?.();
        session.cancelExpiry?.();
      }
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
    const delay = session.will?.delaySeconds ?? 0;
    if (session.will && (delay === 0 || session.expirySeconds === 0)) this.#publishWill(session);
    if (session.hasEnded) return;
    if (session.expirySeconds === 0) {
      this.endSession(session);
      return;
    }
    const later = (seconds: number, call: () => void) => after(this.time, seconds * 1000, () => this.safely(call));
    if (session.will) session.cancelWill = later(delay, () => this.#publishWill(session));
    if (session.expirySeconds !== forever) {
      session.cancelExpiry = later(session.expirySeconds, () => this.endSession(session));
    }
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
      return;
    }
    this.statistics.willsPublished++;
    const source = new Alone(this, session);
    const { responseTopic } = will.message.properties ?? {};
    const publication = publicationOf(will.message, {
      topic,
      responseTopic,
      receivedAt: this.time.now(),
      since: this.time.elapsed(),
      source,
    });
    publication.named = will.written;
    source.offer(publication);
  }

  /** Delivery of what was kept after its publisher had left; its space may have been forgotten meanwhile, or made anew. */
  deliverLate(key: SpaceKey, publication: Publication, publisher: Session | null): void {
    const space = this.space(key);
    deliverDurable(space.route(publication.topic), publication, publisher);
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

/** A publication that no connection waits for: a will. */
class Alone {
  readonly #core: Core;
  readonly #session: Session;
  #taken: Publication | undefined;

  constructor(core: Core, session: Session) {
    this.#core = core;
    this.#session = session;
  }

  offer(publication: Publication): void {
    const code = this.#core.policy.accept(this.#session.context, publication);
    if (code >= 0x80) {
      this.#core.statistics.publishesRefused++;
      return;
    }
    deliverLive(this.#session.space.route(publication.topic), publication, this.#session);
    this.#taken = publication;
    this.settled();
  }

  settled(): void {
    const publication = this.#taken;
    if (publication?.qos !== 1 || publication.code === -1) return;
    this.#taken = undefined;
    publication.release();
    if (publication.code !== 0) this.#core.statistics.publishesNotKept++;
    else this.#core.deliverLate(this.#session.space.key, publication, this.#session);
  }
}
