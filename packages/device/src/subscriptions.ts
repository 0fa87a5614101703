import type { Random, Timers } from "@holdfast/kernel";
import { waitAfter } from "./patience.ts";
import { covers } from "./topics.ts";

/** Who listens to a filter. */
export type Listener = {
  /** Not to what this device says itself. */
  readonly isToOthers?: boolean;
  /** Throws where it could not be taken: then it is not acknowledged, and comes again. `mark` is that of the message that this answers. */
  take(topic: string, payload: string, mark: string | undefined): void;
  /** On this connection it is heard from now on. */
  granted?(): void;
  /** The platform does not let the device listen there. It is asked again later. */
  refused?(reason: number): void;
};

/** A connection, to whoever listens. */
export type Ear = {
  /** `answered` is told a reason code for each; nothing where the connection ends before. */
  subscribe(filters: readonly Asked[], answered: (codes: readonly number[]) => void): void;
  /** `answered` is told, whatever became of it. */
  unsubscribe(filter: string, answered: () => void): void;
};

type Asked = { readonly filter: string; readonly isToOthers: boolean };
type Held = { readonly to: Listener; isLeaving: boolean };
type Needs = { readonly timers: Timers; readonly random: Random };

/** Filters of one SUBSCRIBE: a gateway has thousands of them. */
const atOnce = 200;

/** What a device listens to, on each connection anew. */
export class Subscriptions {
  readonly #needs: Needs;
  readonly #exact = new Map<string, Set<Held>>();
  readonly #wild = new Map<string, Set<Held>>();
  /** On this connection: to be asked for, asked for, and what was answered. */
  readonly #pending = new Set<string>();
  readonly #asked = new Set<string>();
  readonly #granted = new Set<string>();
  readonly #refused = new Set<string>();
  readonly #leaving = new Set<() => void>();
  #refusals = 0;
  #again: { cancel(): void } | undefined;
  #ear: Ear | undefined;
  #isAsking = false;

  constructor(needs: Needs) {
    this.#needs = needs;
  }

  /** From now on, and on every connection to come. Answers what ends it: what the platform sends until it has heard of that is taken yet. */
  listen(filter: string, to: Listener): () => void {
    const all = /[+#]/.test(filter) ? this.#wild : this.#exact;
    const listeners = all.get(filter) ?? new Set();
    all.set(filter, listeners);
    const one: Held = { to, isLeaving: false };
    listeners.add(one);
    if (this.#granted.has(filter)) to.granted?.();
    else if (!this.#asked.has(filter)) this.#want([filter]);
    return () => {
      if (one.isLeaving) return;
      one.isLeaving = true;
      const drop = () => {
        this.#leaving.delete(drop);
        listeners.delete(one);
        if (listeners.size === 0 && all.get(filter) === listeners) all.delete(filter);
      };
      if ([...listeners].some(({ isLeaving }) => !isLeaving)) return drop();
      for (const set of [this.#pending, this.#granted, this.#refused]) set.delete(filter);
      if (!this.#asked.delete(filter) || !this.#ear) return drop();
      this.#leaving.add(drop);
      this.#ear.unsubscribe(filter, drop);
    };
  }

  open(ear: Ear): void {
    this.#ear = ear;
    for (const filter of [...this.#wild.keys(), ...this.#exact.keys()]) this.#pending.add(filter);
    this.#ask(); // before anything is said to which one of these hears the answer
  }

  closed(): void {
    this.#ear = undefined;
    this.#isAsking = false;
    this.#again?.cancel();
    this.#again = undefined;
    this.#refusals = 0;
    for (const set of [this.#pending, this.#asked, this.#granted, this.#refused]) set.clear();
    for (const drop of this.#leaving) drop();
  }

  take(topic: string, payload: string, mark: string | undefined): void {
    const heard = [...(this.#exact.get(topic) ?? [])];
    for (const [filter, listeners] of this.#wild) if (covers(filter, topic)) heard.push(...listeners);
    for (const { to } of heard) to.take(topic, payload, mark);
  }

  /** What is asked for in one turn goes together. */
  #want(filters: readonly string[]): void {
    if (!this.#ear) return;
    for (const filter of filters) this.#pending.add(filter);
    queueMicrotask(() => this.#ask());
  }

  #ask(): void {
    const ear = this.#ear;
    const filters = [...this.#pending].slice(0, atOnce);
    if (!ear || this.#isAsking || filters.length === 0) return;
    this.#isAsking = true;
    for (const filter of filters) {
      this.#pending.delete(filter);
      this.#asked.add(filter);
    }
    const asked = filters.map((filter) => ({
      filter,
      isToOthers: this.#to(filter).every(({ to }) => to.isToOthers === true),
    }));
    ear.subscribe(asked, (codes) => {
      if (this.#ear !== ear) return;
      this.#isAsking = false;
      for (const [n, filter] of filters.entries()) this.#answered(filter, codes[n] ?? 0x80);
      this.#ask();
    });
  }

  #answered(filter: string, code: number): void {
    if (!this.#asked.has(filter)) return; // nobody listens to it any more
    if (code < 0x80) {
      this.#granted.add(filter);
      for (const { to } of this.#to(filter)) to.granted?.();
    } else {
      this.#refused.add(filter);
      for (const { to } of this.#to(filter)) to.refused?.(code);
      this.#askAgain();
    }
  }

  /** A child may be bound later, a device admitted to a group. */
  #askAgain(): void {
    if (this.#again) return;
    const { timers, random } = this.#needs;
    this.#refusals += 1;
    this.#again = timers.after(waitAfter("unwanted", this.#refusals, random), () => {
      this.#again = undefined;
      const filters = [...this.#refused];
      this.#refused.clear();
      for (const filter of filters) this.#asked.delete(filter);
      this.#want(filters);
    });
  }

  #to(filter: string): readonly Held[] {
    return [...(this.#exact.get(filter) ?? this.#wild.get(filter) ?? [])];
  }
}
