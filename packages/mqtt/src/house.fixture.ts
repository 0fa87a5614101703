import { createServer, type AddressInfo, type Server } from "node:net";
import { Broker } from "./broker.ts";
import type { Limits } from "./limits.ts";
import type { Log } from "./log.fixture.ts";
import type { Asked, Closing, Ending, Gate, Opened, Policy, Revived, SpaceKey, TurnedAway, Welcome } from "./policy.ts";
import type { Publication } from "./publication.ts";
import { MovedTime } from "./moved-time.fixture.ts";
import { Peer, type PeerOptions } from "./peer.fixture.ts";

/** A gate whose answers a test changes. Raising `cell.epoch` makes it out of date. */
export class TestGate implements Gate {
  readonly cell: { epoch: number };
  readonly epoch: number;
  publish: (topic: string) => number = () => 0;
  subscribe: (filter: string) => number = () => 0;
  receive: (topic: string) => boolean = () => true;

  constructor(cell: { epoch: number } = { epoch: 0 }) {
    this.cell = cell;
    this.epoch = cell.epoch;
  }
}

export type Guest = { name: string };

/** A policy that welcomes everybody, settles at once, and writes down what it was told; a test replaces what it is about. */
export class TestPolicy implements Policy<Guest> {
  readonly cell = { epoch: 0 };
  gate = new TestGate(this.cell);
  readonly opens: Opened<Guest>[] = [];
  readonly closes: Closing[] = [];
  readonly subscriptions: string[] = [];
  readonly refusals: { what: string; topic: string; code: number }[] = [];
  readonly displacements: string[] = [];
  readonly fullSpaces: SpaceKey[] = [];
  readonly accepted: Publication[] = [];
  /** Where messages and what the broker must find again are kept. */
  log: Log | undefined;
  readonly revived: Revived[] = [];
  welcome: (asked: Asked) => Partial<Welcome<Guest>> | TurnedAway = () => ({});
  settles = true;
  /** Without a promise. */
  answersAtOnce = false;

  connect(asked: Asked): Welcome<Guest> | TurnedAway | Promise<Welcome<Guest> | TurnedAway> {
    return this.answersAtOnce ? this.#answer(asked) : Promise.resolve().then(() => this.#answer(asked));
  }

  #answer(asked: Asked): Welcome<Guest> | TurnedAway {
    const answer = this.welcome(asked);
    if ("turnedAway" in answer) return answer;
    const name = asked.username ?? "somebody";
    return { space: "space", principal: name, gate: this.gate, context: { name }, ...answer };
  }

  renew: Policy<Guest>["renew"] = () => (this.gate = new TestGate(this.cell));

  accept(_guest: Guest, publication: Publication): number {
    this.accepted.push(publication);
    if (this.log) this.log.accept(publication);
    else if (this.settles) publication.settle(0);
    return 0;
  }

  recall: NonNullable<Policy<Guest>["recall"]> = async () => {};

  revive: (space: SpaceKey, session: Revived) => Welcome<Guest> | Ending = (space, session) => {
    this.revived.push(session);
    const { principal } = session;
    return { space, principal, gate: this.gate, context: { name: principal } };
  };

  opened(session: Opened<Guest>): void {
    this.opens.push(session);
  }

  subscribed({ name }: Guest, filters: readonly string[]): void {
    this.subscriptions.push(`${name}: ${filters.join(" ")}`);
  }

  closed(_session: Opened<Guest>, closing: Closing): void {
    this.closes.push(closing);
  }

  displaced({ name }: Guest): void {
    this.displacements.push(name);
  }

  full(space: SpaceKey): void {
    this.fullSpaces.push(space);
  }

  /** What it says to whoever was refused. */
  words: string | undefined;

  refused(_guest: Guest, what: string, topic: string, code: number): string | undefined {
    this.refusals.push({ what, topic, code });
    return this.words;
  }
}

/** A broker that listens on a port of its own, and everybody who visits it. */
export class House {
  readonly policy: TestPolicy;
  readonly time: MovedTime;
  readonly broker: Broker<Guest>;
  readonly faults: unknown[] = [];
  readonly #server: Server;
  readonly #peers: Peer[] = [];

  constructor(
    policy: TestPolicy,
    limits: Partial<Limits>,
    retainAvailable: boolean,
    log: Log | undefined,
    time: MovedTime,
  ) {
    let assigned = 0;
    this.policy = policy;
    this.time = time;
    policy.log = log;
    this.broker = new Broker<Guest>({
      policy,
      time,
      newClientId: () => `assigned-${++assigned}`,
      reportFault: (fault) => this.faults.push(fault),
      limits,
      retainAvailable,
      ...(log && { journal: log }),
    });
    this.#server = createServer({ noDelay: true }, (socket) => {
      this.broker.accept(socket, { remoteAddress: socket.remoteAddress ?? "", secure: false, name: "mqtt" });
    });
  }

  static async open(
    options: {
      policy?: TestPolicy;
      limits?: Partial<Limits>;
      retainAvailable?: boolean;
      /** What it holds is restored. */
      log?: Log;
      time?: MovedTime;
    } = {},
  ): Promise<House> {
    const { policy = new TestPolicy(), limits = {}, retainAvailable = true, log, time = new MovedTime() } = options;
    const house = new House(policy, limits, retainAvailable, log, time);
    if (log) await house.broker.restore("space", log.kept);
    await new Promise<void>((resolve) => house.#server.listen(0, "127.0.0.1", resolve));
    return house;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port; // a TCP server that listens has an AddressInfo
  }

  /** A raw connection that has said nothing yet. */
  async visit(options: PeerOptions = {}): Promise<Peer> {
    const peer = await Peer.dial(this.port, options);
    this.#peers.push(peer);
    return peer;
  }

  /** A connection whose CONNECT was answered with success. */
  async connect(clientId: string, options: PeerOptions & ConnectOptions = {}): Promise<Peer> {
    const peer = await this.visit(options);
    peer.connect({ clientId, ...options.connect });
    const answer = await peer.take("connack");
    const code = answer.reasonCode ?? answer.returnCode;
    if (code !== 0) throw new Error(`The broker answered ${code} to CONNECT.`);
    peer.connack = answer;
    return peer;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const peer of this.#peers) peer.destroy();
    this.#server.close();
    await this.broker.close();
    if (this.faults.length > 0) throw new AggregateError(this.faults, "The broker reported faults.");
  }
}

export type ConnectOptions = { connect?: Record<string, unknown> };

/** Lets the event loop turn until something has become true; fails when it has not after a minute, however busy the machine is. */
export async function until(isTrue: () => boolean): Promise<void> {
  const end = performance.now() + 60_000;
  while (!isTrue()) {
    if (performance.now() > end) throw new Error(`This never became true: ${isTrue.toString()}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}
