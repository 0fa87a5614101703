// Hot path: who gets what, remembered per topic until a subscription of the space changes.
import { Backlog } from "./backlog.ts";
import type { Core } from "./core.ts";
import { Keeping } from "./keeping.ts";
import { Outflow } from "./outflow.ts";
import type { SpaceKey } from "./policy.ts";
import { Retained } from "./retained.ts";
import type { Session } from "./session.ts";
import { Group, targetsOf, Target, type Entry, type Listening, type Subscription } from "./subscription.ts";
import { TopicTree } from "./topic-tree.ts";

/** The members of one shared group, for one topic. */
export type Share = { readonly group: Group; readonly members: readonly Target[] };

/** Who gets the messages of one topic. */
export class Route {
  readonly space: Space;
  readonly topic: string;
  /** Of the space, when this was true. */
  readonly generation: number;
  /** Subscribed with QoS 0, and with more. */
  readonly live: readonly Target[];
  readonly durable: readonly Target[];
  readonly shares: readonly Share[];
  readonly listeners: readonly Listening[];
  /** Subscribers, each member of a group among them. */
  readonly size: number;

  constructor(space: Space, topic: string, entries: readonly Entry[]) {
    this.space = space;
    this.topic = topic;
    this.generation = space.generation;
    const others: Exclude<Entry, Subscription>[] = [];
    const targets = targetsOf(topic, entries, others);
    this.live = targets.filter((target) => target.qos === 0);
    this.durable = targets.filter((target) => target.qos > 0);
    this.shares = others
      .filter((entry) => entry.kind === "group")
      .map((group) => ({ group, members: group.members.map((member) => new Target(topic, member)) }));
    this.listeners = others.filter((entry) => entry.kind === "listening");
    this.size = this.shares.reduce((sum, { members }) => sum + members.length, this.live.length + this.durable.length);
  }
}

/** One topic tree with its subscriptions, retained messages and connections. Knows nothing of any other. */
export class Space {
  readonly core: Core;
  readonly key: SpaceKey;
  readonly tree = new TopicTree<Entry>();
  readonly retained: Retained;
  /** Where there is a journal. */
  readonly keeping: Keeping | undefined;
  readonly backlog: Backlog;
  readonly outflow: Outflow;
  /** Subscriptions beyond the free ones of their sessions. */
  #shared = 0;
  /** Grows with every change of a subscription. */
  generation = 1;
  /** What it has taken to look subscribers up; grows. */
  lookedUp = 0;
  #routes = new Map<string, Route>();
  #routeTargets = 0;
  #users = 0;

  constructor(core: Core, key: SpaceKey) {
    this.core = core;
    this.key = key;
    this.backlog = new Backlog(core.limits, core.statistics, () => core.safely(() => core.policy.full?.(key)));
    this.outflow = new Outflow(core);
    this.retained = new Retained(core, () => this.rest());
    this.keeping = core.journal && new Keeping(core, key, core.journal);
  }

  route(topic: string): Route {
    const known = this.#routes.get(topic);
    if (known) return known;
    const route = new Route(this, topic, this.tree.match(topic));
    this.lookedUp += this.tree.cost;
    const { limits } = this.core;
    const targets = this.#routeTargets + route.size;
    if (this.#routes.size >= limits.routes || targets > limits.routeTargets) this.#clearRoutes();
    this.#routes.set(topic, route);
    this.#routeTargets += route.size;
    return route;
  }

  /** Whoever gets what is looked up again. Now, or a space where nothing is said any more would remember sessions that are over. */
  subscribersChanged(): void {
    this.generation++;
    if (this.#routes.size > 0) this.#clearRoutes();
  }

  #clearRoutes(): void {
    this.#routes = new Map();
    this.#routeTargets = 0;
  }

  /** Whether the session may have one more. */
  hasRoomFor({ subscribed }: Session): boolean {
    const { subscriptionsFree, subscriptionsShared } = this.core.limits;
    return subscribed < subscriptionsFree || this.#shared < subscriptionsShared;
  }

  subscribe(subscription: Subscription): void {
    this.subscribersChanged();
    this.core.statistics.subscriptions++;
    const { group, session } = subscription;
    if (++session.subscribed > this.core.limits.subscriptionsFree) this.#shared++;
    if (!group) {
      this.tree.add(subscription.filter, subscription);
      return;
    }
    if (group.members.length === 0) this.tree.add(group.filter, group);
    group.members.push(subscription);
  }

  unsubscribe(subscription: Subscription): void {
    this.subscribersChanged();
    this.core.statistics.subscriptions--;
    const { group, session } = subscription;
    if (session.subscribed-- > this.core.limits.subscriptionsFree) this.#shared--;
    if (!group) {
      this.tree.remove(subscription.filter, subscription);
      return;
    }
    const index = group.members.indexOf(subscription);
    if (index >= 0) group.members.splice(index, 1);
    if (group.members.length === 0) this.tree.remove(group.filter, group);
  }

  /** The group of this name and filter within the application; a new one if nobody is in it. */
  group(application: string, share: string, filter: string): Group {
    for (const entry of this.tree.at(filter)) {
      if (entry.kind === "group" && entry.application === application && entry.share === share) return entry;
    }
    return new Group(application, share, filter);
  }

  listen(filter: string, listening: Listening): () => void {
    this.subscribersChanged();
    this.tree.add(filter, listening);
    this.enter();
    let listens = true;
    return () => {
      if (!listens) return;
      listens = false;
      this.subscribersChanged();
      this.tree.remove(filter, listening);
      this.leave();
    };
  }

  /** Sessions and listeners: a space that nobody uses, and where nothing is retained or has a number, is forgotten. */
  enter(): void {
    this.#users++;
  }

  leave(): void {
    this.#users--;
    this.rest();
  }

  get isUsed(): boolean {
    return this.#users > 0;
  }

  rest(): void {
    if (this.#users === 0 && this.retained.isEmpty && !this.keeping) this.core.forgetSpace(this);
  }

  sessions(): readonly Session[] {
    return this.core.sessions.all(this.key);
  }
}
