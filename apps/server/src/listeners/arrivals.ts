import type { Socket } from "node:net";
import type { Clock, Report, RefusalCode, Timers } from "@holdfast/kernel";
import type { Network } from "../authority/index.ts";
import { Crowd } from "./crowd.ts";
import { networkOf } from "./guard.ts";
import { beneath } from "./handshakes.ts";
import { hold } from "./hold.ts";
import { Proxies } from "./proxies.ts";
import { localHeader } from "./proxy-header.ts";
import { Turns, type Turn, type TurnRates } from "./turns.ts";

/** Connections that have not said what they want, of one network and of all; those in the TLS handshake are among them. */
type HalfOpenLimits = { readonly ofNetwork: number; readonly ofAll: number };

/**
 * As many handshakes as two cores finish in a second or so: whoever comes while so many wait is told at once to come again, in place of
 * waiting for a deadline. Each takes some sixty kilobytes.
 */
const halfOpenLimits: HalfOpenLimits = { ofNetwork: 1_024, ofAll: 4_096 };

/** Two hundred refused at once is an installer's bad day. Fifty a second cost a tenth of a core, database and all. */
const refusedOfNetwork = { perSecond: 50, burst: 200 };

/** Why a connection was closed before it was given to TLS, or had to wait. */
const codes = {
  address_full: "connection.tooMany",
  address_half_open: "connection.tooMany",
  half_open: "connection.tooMany",
  proxy_header: "proxy.malformed",
  waited: "connection.slowed",
} as const satisfies Record<string, RefusalCode>;

export type Why = Exclude<keyof typeof codes, "waited">;

const sentences: Readonly<Record<(typeof codes)[keyof typeof codes], string>> = {
  "connection.tooMany": "connections were closed as they came, because there are too many",
  "connection.slowed":
    "connections wait for their handshake, because so many of their network are refused or come at once",
  "proxy.malformed": "a declared proxy came without a header that we could use",
};

type Needs = {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly report: Report;
  /** The addresses that are declared as proxies'. */
  readonly proxies: readonly Network[];
  /** Connections of one network in all. */
  readonly openOfNetwork: number;
  /** New connections of one network in a second. */
  readonly perSecondOfNetwork: number;
  readonly refused?: TurnRates["refused"];
  readonly halfOpen?: HalfOpenLimits;
};

const tellEvery = 60_000; // milliseconds

/**
 * The TCP connections of all listeners together, from where each comes, and whether it has said what it wants: a CONNECT, a request. Until
 * then it is half open, costs us more than its client, and there may be so many. One too many is closed before TLS: the newest of its own
 * network, and, where all networks together have too many, one of the network that has most, so that a flood shuts nobody out but its
 * own neighbours. Where many of a network are refused, or very many come, they wait for their turn before TLS.
 */
export class Arrivals {
  readonly #needs: Needs;
  readonly #limits: HalfOpenLimits;
  readonly #proxies: Proxies;
  readonly #open = new Map<string, number>();
  readonly #halfOpen = new Crowd<Socket>();
  readonly #networks = new WeakMap<Socket, string>();
  readonly #turns: Turns;
  /** Of connections that were let on and not judged yet. */
  readonly #taken = new WeakMap<Socket, Turn>();
  #waited = 0;
  readonly #turnedAway = new Map<Why, number>();
  #untold: Partial<Record<RefusalCode, Map<string, number>>> = {};
  #timer: { cancel(): void } | undefined;

  constructor(needs: Needs) {
    this.#needs = needs;
    this.#limits = needs.halfOpen ?? halfOpenLimits;
    this.#proxies = new Proxies({ timers: needs.timers, declared: needs.proxies });
    const all = { perSecond: needs.perSecondOfNetwork, burst: needs.perSecondOfNetwork };
    this.#turns = new Turns(needs, { refused: needs.refused ?? refusedOfNetwork, all });
    for (const why of Object.keys(codes)) if (why !== "waited") this.#turnedAway.set(why as Why, 0); // its keys
  }

  get statistics() {
    const turnedAway: ReadonlyMap<Why, number> = this.#turnedAway;
    return { halfOpen: this.#halfOpen.size, waiting: this.#turns.waiting, waited: this.#waited, turnedAway };
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
    let release = (): void => {};
    const leave = this.#turns.take(network, (turn) => {
      this.#taken.set(socket, turn);
      release();
      enter();
    });
    if (!leave) return;
    release = hold(socket);
    socket.once("close", leave);
    this.#waited += 1;
    this.#note("waited", network);
  }

  /** The client of this connection, with TLS or without, has said what it wants. */
  settle(connection: object): void {
    const socket = socketOf(connection);
    const network = this.#networks.get(socket);
    if (network !== undefined) this.#halfOpen.remove(network, socket);
  }

  /** What the client of this connection has shown is good, or is not. The first word counts. */
  judge(connection: object, verdict: "welcome" | "refused"): void {
    const socket = socketOf(connection);
    const turn = this.#taken.get(socket);
    if (!turn) return;
    this.#taken.delete(socket);
    this.#turns.judge(turn, verdict);
  }

  close(): void {
    this.#turns.close();
    this.#timer?.cancel();
    this.#tell();
  }

  /** Closes it as cheaply as can be, counts it, and tells the operator once a minute. */
  #turnAway(socket: Socket, why: Why): void {
    this.#count(why, networkOf(socket.remoteAddress ?? ""));
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
    this.#count("half_open", network);
    this.#halfOpen.remove(network, oldest); // now, and not when it is closed
    oldest.destroy();
    return true;
  }

  #count(why: Why, network: string): void {
    this.#turnedAway.set(why, (this.#turnedAway.get(why) ?? 0) + 1);
    this.#note(why, network);
  }

  #note(why: keyof typeof codes, network: string): void {
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

/** What came in, below TLS where there is any. */
const socketOf = (connection: object): Socket => beneath(connection) ?? (connection as Socket); // only maps of sockets are asked
