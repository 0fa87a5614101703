import { reason } from "./codes.ts";
import type { Core } from "./core.ts";
import { decideRetained, hand } from "./delivering.ts";
import type { Delivery } from "./delivery.ts";
import { owedEntry } from "./keeping.ts";
import type { Publication } from "./publication.ts";
import type { Session } from "./session.ts";
import { Target, type Subscription } from "./subscription.ts";
import { after } from "./time.ts";

/** Places looked at in one turn of the event loop, for all clients together. */
const slice = 256;
/** Messages that wait in a session's queue before its search does. */
const comfortable = 256;
/** After which a search goes on that found the log full. */
const fullMilliseconds = 1_000;

/** What one session is still to get of what is retained, a subscription at a time. */
type Search = {
  readonly session: Session;
  readonly subscriptions: Subscription[];
  places: Iterator<Publication | undefined, void> | undefined;
};

/**
 * Retained messages on their way to new subscriptions. A filter may match a hundred thousand topics, so they are looked for a slice at
 * a time, the sessions taking turns, and no faster than the client takes them.
 */
export class Recollection {
  readonly #core: Core;
  readonly #searches = new Map<Session, Search>();
  /** Those that can go on; the others wait for their clients. */
  readonly #ready = new Set<Search>();
  /** Places that may still be looked at in this turn. */
  #left = slice;
  #isScheduled = false;
  #cancelTimer: (() => void) | undefined;
  readonly #turn = () => {
    this.#isScheduled = false;
    this.#left = slice;
    this.#go();
  };

  constructor(core: Core) {
    this.#core = core;
  }

  begin(session: Session, subscriptions: readonly Subscription[]): void {
    if (subscriptions.length === 0 || !this.#core.retainAvailable) return;
    let search = this.#searches.get(session);
    if (!search) this.#searches.set(session, (search = { session, subscriptions: [], places: undefined }));
    search.subscriptions.push(...subscriptions);
    forgetReplaced(search);
    this.goOn(session);
  }

  /** The client has taken something, or has come or gone. */
  goOn(session: Session): void {
    if (this.#searches.size === 0) return;
    const search = this.#searches.get(session);
    if (!search) return;
    this.#ready.add(search);
    this.#go();
  }

  /** Nothing goes on by itself any more. */
  stop(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
  }

  #goOnLater(): void {
    this.#cancelTimer ??= after(this.#core.time, fullMilliseconds, () => {
      this.#cancelTimer = undefined;
      for (const search of this.#searches.values()) this.#ready.add(search);
      this.#go();
    });
  }

  #go(): void {
    for (const search of this.#ready) {
      if (this.#left === 0) break;
      this.#ready.delete(search);
      this.#core.safely(() => this.#look(search));
    }
    if (this.#isScheduled || this.#left === slice) return;
    this.#isScheduled = true;
    setImmediate(this.#turn);
  }

  #look(search: Search): void {
    const owed: Delivery[] = [];
    this.#find(search, owed);
    if (owed.length > 0) keep(search.session, owed);
  }

  #find(search: Search, owed: Delivery[]): void {
    const { session, subscriptions } = search;
    while (this.#left > 0) {
      const subscription = subscriptions[0];
      if (session.hasEnded || !subscription) {
        this.#searches.delete(session);
        return;
      }
      if (!hasRoom(session)) return;
      // That it is owed them would be written down.
      if (session.isKept && session.space.keeping?.whyFull !== undefined) return this.#goOnLater();
      this.#left--;
      // Taken back meanwhile, or made anew, which then has a search of its own.
      const isCurrent = session.subscriptions.get(subscription.written) === subscription;
      search.places ??= session.space.retained.search(subscription.filter);
      const next = isCurrent ? search.places.next() : undefined;
      if (!next || next.done === true) {
        subscriptions.shift();
        search.places = undefined;
      } else if (next.value) this.#decide(subscription, next.value, owed);
    }
    this.#ready.add(search); // behind the others
  }

  #decide(subscription: Subscription, publication: Publication, owed: Delivery[]): void {
    const { space } = subscription.session;
    if (publication.secondsLeft(this.#core.time.elapsed()) === 0) space.retained.forget(publication);
    else {
      const delivery = decideRetained(new Target(publication.topic, subscription), publication);
      if (!delivery) return;
      if (!delivery.isKept) return hand(delivery);
      // From now on, so that a snapshot has it though another may be retained by then.
      space.keeping?.add(delivery);
      owed.push(delivery);
    }
  }
}

/**
 * Whoever takes nothing may subscribe all the same, again and again: what was replaced or taken back since is not waited for. The first is being
 * looked at, and looks for itself.
 */
function forgetReplaced({ session, subscriptions }: Search): void {
  if (subscriptions.length <= 2 * session.subscriptions.size + 64) return;
  const isCurrent = (one: Subscription) => session.subscriptions.get(one.written) === one;
  const [first, ...others] = subscriptions;
  subscriptions.length = 0;
  if (first) subscriptions.push(first);
  for (const other of others) if (isCurrent(other)) subscriptions.push(other);
}

/** Sent once it is kept who is owed them, so that no packet id is used of which the log knows nothing. */
function keep(session: Session, owed: readonly Delivery[]): void {
  session.keep(owed.map(owedEntry), (code) => {
    if (code === 0) owed.forEach(hand);
    else {
      for (const delivery of owed) {
        session.outgoing.takeBack(delivery);
        session.space.keeping?.over(delivery);
      }
      session.line?.end({ how: "policy", code: reason.serverBusy });
    }
    session.core.recollection.goOn(session);
  });
}

/** Without a connection its queue takes what it can. */
const hasRoom = ({ line, outgoing }: Session): boolean =>
  line === null || (line.hasRoom && outgoing.waiting < comfortable);
