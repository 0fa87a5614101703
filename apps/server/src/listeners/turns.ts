import type { Clock, Timers } from "@holdfast/kernel";
import type { Rate } from "./rate.ts";

/** Of one network. */
export type TurnRates = {
  /** Connections that come to nothing because of what they show. */
  readonly refused: Rate;
  /** Connections of any kind. */
  readonly all: Rate;
};

type Network = {
  readonly name: string;
  refusals: number;
  connections: number;
  at: number;
  /** Of its latest connections those that were refused, from 0 to 1: what the next one is expected to cost. */
  share: number;
  /** Oldest first. */
  readonly waiting: Set<() => void>;
  timer: { cancel(): void } | undefined;
};

/** What a connection was expected to cost when it was let on. */
export type Turn = { readonly network: string; readonly expected: number };

const memory = 1 / 32; // how much the latest connection counts in the share
const shortest = 5; // milliseconds; whoever has a turn within it has it together
const mostIdle = 10_000;

/**
 * When a connection goes on to its handshake. A network may have so many refused, and whoever comes is expected to be refused as often as
 * those before it: good ones give back what was taken for them, so that a carrier's network of good devices has as much as it likes,
 * one of revoked devices as much as we can bear, and one of both something between. Who is beyond that waits, the oldest goes first.
 */
export class Turns {
  readonly #needs: { readonly clock: Clock; readonly timers: Timers };
  readonly #rates: TurnRates;
  readonly #networks = new Map<string, Network>();
  #sweptAt: number;
  #waiting = 0;

  constructor(needs: { readonly clock: Clock; readonly timers: Timers }, rates: TurnRates) {
    this.#needs = needs;
    this.#rates = rates;
    this.#sweptAt = needs.clock.elapsed();
  }

  get waiting(): number {
    return this.#waiting;
  }

  /** Calls `go` in this turn of the loop and answers `undefined`, or answers how to take that back, and calls it later. */
  take(name: string, go: (turn: Turn) => void): (() => void) | undefined {
    const network = this.#refilled(name);
    if (network.waiting.size === 0 && this.#isFree(network)) {
      go(this.#spend(network));
      return undefined;
    }
    const next = () => go(this.#spend(network));
    network.waiting.add(next);
    this.#waiting += 1;
    this.#wake(network);
    return () => this.#leave(network, next);
  }

  /** What became of a connection that was let on. */
  judge({ network: name, expected }: Turn, verdict: "welcome" | "refused"): void {
    const network = this.#refilled(name);
    const cost = verdict === "refused" ? 1 : 0;
    network.share += (cost - network.share) * memory;
    network.refusals = Math.min(this.#rates.refused.burst, Math.max(0, network.refusals - cost + expected));
    this.#call(network);
  }

  close(): void {
    for (const { timer } of this.#networks.values()) timer?.cancel();
  }

  #isFree({ refusals, share, connections }: Network): boolean {
    return refusals >= share && connections >= 1;
  }

  #spend(network: Network): Turn {
    network.refusals -= network.share;
    network.connections -= 1;
    return { network: network.name, expected: network.share };
  }

  #leave(network: Network, next: () => void): void {
    if (network.waiting.delete(next)) this.#waiting -= 1;
  }

  #call(network: Network): void {
    for (const next of network.waiting) {
      if (!this.#isFree(network)) break;
      this.#leave(network, next);
      next();
    }
    this.#wake(network);
  }

  #wake(network: Network): void {
    if (network.waiting.size === 0 || network.timer) return;
    const { refused, all } = this.#rates;
    const seconds = Math.max(
      (network.share - network.refusals) / refused.perSecond,
      (1 - network.connections) / all.perSecond,
    );
    network.timer = this.#needs.timers.after(Math.max(shortest, seconds * 1_000), () => {
      network.timer = undefined;
      this.#call(this.#refilled(network.name));
    });
  }

  #refilled(name: string): Network {
    const now = this.#needs.clock.elapsed();
    const { refused, all } = this.#rates;
    this.#sweep(now);
    let network = this.#networks.get(name);
    if (!network) {
      const full = { refusals: refused.burst, connections: all.burst };
      network = { name, ...full, at: now, share: 0, waiting: new Set(), timer: undefined };
      this.#networks.set(name, network);
    }
    const seconds = (now - network.at) / 1_000;
    network.refusals = Math.min(refused.burst, network.refusals + seconds * refused.perSecond);
    network.connections = Math.min(all.burst, network.connections + seconds * all.perSecond);
    network.at = now;
    return network;
  }

  /** What has been full for a while is forgotten; when there are very many, whoever has nobody waiting. */
  #sweep(now: number): void {
    const { refused, all } = this.#rates;
    const untilFull = Math.max(refused.burst / refused.perSecond, all.burst / all.perSecond) * 1_000;
    if (now - this.#sweptAt < untilFull && this.#networks.size < mostIdle) return;
    this.#sweptAt = now;
    const isMany = this.#networks.size >= mostIdle;
    for (const [name, { at, waiting }] of this.#networks) {
      if (waiting.size === 0 && (isMany || now - at > untilFull)) this.#networks.delete(name);
    }
  }
}
