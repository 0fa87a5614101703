import type { Socket } from "node:net";
import type { Report, RefusalCode, Timers } from "@holdfast/kernel";
import { Crowd } from "./crowd.ts";
import { networkOf } from "./guard.ts";
import { beneath } from "./handshakes.ts";
import { Proxies, type Network } from "./proxies.ts";
import { localHeader } from "./proxy-header.ts";

/** Connections that have not said what they want, of one network and of all; those in the TLS handshake are among them. */
type HalfOpenLimits = { readonly ofNetwork: number; readonly ofAll: number };

/**
 * As many handshakes as two cores finish in a second or so: whoever comes while so many wait is told at once to come again, in place of
 * waiting for a deadline. Each takes some sixty kilobytes.
 */
const halfOpenLimits: HalfOpenLimits = { ofNetwork: 1_024, ofAll: 4_096 };

/** Why a connection was closed before it was given to TLS. */
const codes = {
  address_full: "connection.tooMany",
  address_half_open: "connection.tooMany",
  half_open: "connection.tooMany",
  proxy_header: "proxy.malformed",
} as const satisfies Record<string, RefusalCode>;

export type Why = keyof typeof codes;

const sentences: Readonly<Record<(typeof codes)[Why], string>> = {
  "connection.tooMany": "connections were closed as they came, because there are too many",
  "proxy.malformed": "a declared proxy came without a header that we could use",
};

type Needs = {
  readonly timers: Timers;
  readonly report: Report;
  /** The addresses that are declared as proxies'. */
  readonly proxies: readonly Network[];
  /** Connections of one network in all. */
  readonly openOfNetwork: number;
  readonly halfOpen?: HalfOpenLimits;
};

const tellEvery = 60_000; // milliseconds

/**
 * The TCP connections of all listeners together, from where each comes, and whether it has said what it wants: a CONNECT, a request. Until
 * then it is half open, costs us more than its client, and there may be so many. One too many is closed before TLS: the newest of its own
 * network, and, where all networks together have too many, one of the network that has most, so that a flood shuts nobody out but its
 * own neighbours.
 */
export class Arrivals {
  readonly #needs: Needs;
  readonly #limits: HalfOpenLimits;
  readonly #proxies: Proxies;
  readonly #open = new Map<string, number>();
  readonly #halfOpen = new Crowd<Socket>();
  readonly #networks = new WeakMap<Socket, string>();
  readonly #turnedAway = new Map<Why, number>();
  #untold: Partial<Record<RefusalCode, Map<string, number>>> = {};
  #timer: { cancel(): void } | undefined;

  constructor(needs: Needs) {
    this.#needs = needs;
    this.#limits = needs.halfOpen ?? halfOpenLimits;
    this.#proxies = new Proxies({ timers: needs.timers, declared: needs.proxies });
    for (const why of Object.keys(codes)) this.#turnedAway.set(why as Why, 0); // its keys
  }

  get statistics() {
    return { halfOpen: this.#halfOpen.size, turnedAway: this.#turnedAway as ReadonlyMap<Why, number> };
  }

  /** Lets a connection in, at once or when its proxy has said whose it is, or closes it. Then `socket` says where its client comes from. */
  receive(socket: Socket, enter: () => void): void {
    const { remoteAddress } = socket;
    if (remoteAddress === undefined) return void socket.destroy(); // it is gone already
    if (!this.#proxies.include(remoteAddress)) return this.#admit(socket, enter);
    this.#proxies.receive(
      socket,
      () => this.#admit(socket, enter),
      () => this.#turnAway(socket, "proxy_header"),
    );
  }

  /** What has to be said first by whoever comes from this address and speaks for itself. */
  greetingOf(address: string): Uint8Array | undefined {
    return this.#proxies.include(address) ? localHeader : undefined;
  }

  #admit(socket: Socket, enter: () => void): void {
    const network = networkOf(socket.remoteAddress ?? "");
    const why = this.#whyNot(network);
    if (why) return this.#turnAway(socket, why);
    this.#networks.set(socket, network);
    this.#halfOpen.add(network, socket);
    this.#open.set(network, (this.#open.get(network) ?? 0) + 1);
    socket.once("close", () => {
      this.#halfOpen.remove(network, socket);
      const left = (this.#open.get(network) ?? 0) - 1;
      if (left > 0) this.#open.set(network, left);
      else this.#open.delete(network);
    });
    enter();
  }

  /** The client of this TLS connection has said what it wants. */
  settle(secure: object): void {
    const socket = beneath(secure);
    const network = socket && this.#networks.get(socket);
    if (socket && network !== undefined) this.#halfOpen.remove(network, socket);
  }

  close(): void {
    this.#timer?.cancel();
    this.#tell();
  }

  /** Closes it as cheaply as can be, counts it, and tells the operator once a minute. */
  #turnAway(socket: Socket, why: Why): void {
    this.#note(why, networkOf(socket.remoteAddress ?? ""));
    socket.on("error", () => {}); // it is over for us
    socket.resetAndDestroy();
  }

  #whyNot(network: string): Why | undefined {
    if ((this.#open.get(network) ?? 0) >= this.#needs.openOfNetwork) return "address_full";
    const own = this.#halfOpen.of(network);
    // The newest, because those before may be about to finish: in a crowd that comes back at once, ending the oldest would let nobody in.
    if (own >= this.#limits.ofNetwork) return "address_half_open";
    if (this.#halfOpen.size < this.#limits.ofAll) return undefined;
    return this.#makeRoom(own + 1) ? undefined : "half_open";
  }

  /** Ends one of the network that has most, where that has more than the newcomer's would. */
  #makeRoom(newcomers: number): boolean {
    const { most, oldestOfMost: oldest } = this.#halfOpen;
    const network = oldest && this.#networks.get(oldest);
    if (!oldest || network === undefined || most <= newcomers) return false;
    this.#note("half_open", network);
    this.#halfOpen.remove(network, oldest); // now, and not when it is closed
    oldest.destroy();
    return true;
  }

  #note(why: Why, network: string): void {
    this.#turnedAway.set(why, (this.#turnedAway.get(why) ?? 0) + 1);
    const untold = (this.#untold[codes[why]] ??= new Map<string, number>());
    if (untold.size < 10_000 || untold.has(network)) untold.set(network, (untold.get(network) ?? 0) + 1);
    // One line a minute, however many there are: nobody fills the disk by knocking.
    this.#timer ??= this.#needs.timers.after(tellEvery, () => {
      this.#timer = undefined;
      this.#tell();
    });
  }

  #tell(): void {
    const untold = this.#untold;
    this.#untold = {};
    for (const code of Object.keys(sentences) as (keyof typeof sentences)[]) {
      const networks = [...(untold[code] ?? [])].toSorted(([, a], [, b]) => b - a);
      const [most] = networks;
      if (!most) continue;
      const connections = networks.reduce((sum, [, count]) => sum + count, 0);
      const about = { connections, networks: networks.length, mostFrom: most[0], ofThose: most[1] };
      this.#needs.report(sentences[code], { level: "warning", code, ...about });
    }
  }
}
