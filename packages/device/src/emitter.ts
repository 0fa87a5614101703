import type { DeviceError } from "./failure.ts";
import type { Lane } from "./topics.ts";

/** What happens to a device beside what it asked for. */
export type Events = {
  online: [];
  /** The connection ended, or could not be made. `wait` is how many milliseconds pass until the next try. */
  offline: [about: { readonly reason: number | undefined; readonly cause: unknown; readonly wait: number }];
  /** The platform will never take this message, or lets this device not speak for the child or in the group; it is in the spool no more. */
  refused: [about: { readonly topic: string; readonly payload: string; readonly error: DeviceError }];
  /** The platform does not take messages of this kind at the moment, of the device itself or of this child; they stay in the spool. */
  held: [
    about: {
      readonly lane: Lane;
      readonly child: string | undefined;
      readonly reason: number;
      readonly wait: number;
    },
  ];
  /** The spool was full, and this made room. */
  dropped: [about: { readonly topic: string; readonly payload: string }];
  /** Roots that the platform named were tried: from now on these are trusted and no others, or they do not lead to the platform and were dropped. */
  roots: [about: { readonly isTaken: boolean; readonly roots: readonly string[] }];
  /** Something went wrong that nobody waits for: a handler threw, the spool's file cannot be written. */
  fault: [error: unknown];
};

type Listener<Name extends keyof Events> = (...about: Events[Name]) => void;
type Listeners = { readonly [Name in keyof Events]: Set<Listener<Name>> };

export class Emitter {
  readonly #listeners: Listeners = {
    online: new Set(),
    offline: new Set(),
    refused: new Set(),
    held: new Set(),
    dropped: new Set(),
    roots: new Set(),
    fault: new Set(),
  };

  /** Answers what ends it. */
  on<Name extends keyof Events>(name: Name, listener: Listener<Name>): () => void {
    this.#listeners[name].add(listener);
    return () => void this.#listeners[name].delete(listener);
  }

  emit<Name extends keyof Events>(name: Name, ...about: Events[Name]): void {
    for (const listener of this.#listeners[name]) listener(...about);
  }
}
