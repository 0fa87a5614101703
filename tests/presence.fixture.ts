import assert from "node:assert/strict";
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { connect as dial, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { setTimeout as wait } from "node:timers/promises";
import tls from "node:tls";
import { systemClock } from "@holdfast/kernel";
import { Peer } from "@holdfast/mqtt/testing";
import {
  freshDatabase,
  startTestPlatform,
  TestClock,
  type FreshDatabase,
  type TestPlatform,
} from "../apps/server/src/testing/index.ts";
import { Owner, textOf, type Device } from "./authority.fixture.ts";
import type { Alert } from "./alerts.fixture.ts";
import { caFile } from "./clients.fixture.ts";
import { freePorts } from "./faults/deployment.ts";
import { Chance } from "./faults/seed.ts";

export type Presence = {
  readonly state: string;
  readonly connected: boolean;
  readonly since?: string;
  readonly because?: string;
  readonly lastSeenAt?: string;
};

/** Milliseconds that time is moved by at once. */
const step = 5_000;

/**
 * Whatever the platform has closed is closed for its clients, too: a request over a connection that was kept for too long would be lost. A millisecond
 * says nothing of that, where the process was busy for longer; turns of it do.
 */
async function heard(): Promise<void> {
  for (let turns = 0; turns < 10; turns += 1) await new Promise(setImmediate);
}

type Ports = { readonly httpsPort: number; readonly mqttsPort: number; readonly udpPort: number };

/** In seconds since the stage was set. */
type Sleeper = { readonly at: number; readonly wake: () => void };

/**
 * One platform for many scenes that are played at once. Its time stands still while any scene does something, and is moved to the next
 * moment that a scene waits for when all of them wait. So whatever real clients do takes no time, and what is measured is exact.
 */
export class Stage {
  readonly clock: TestClock;
  readonly database: FreshDatabase;
  platform: TestPlatform;
  readonly #began: number;
  /** By how much the wall clock was set, from which moment on. */
  readonly #jumps: { readonly at: number; readonly by: number }[] = [];
  #awake = 0;
  #sleepers: Sleeper[] = [];
  #forRestart: (() => void)[] = [];
  #isMoving = false;
  readonly #open: (() => void)[] = [];
  readonly #config: Ports;

  private constructor(clock: TestClock, database: FreshDatabase, platform: TestPlatform, config: Ports) {
    this.clock = clock;
    this.database = database;
    this.platform = platform;
    this.#began = clock.elapsed();
    this.#config = config;
  }

  static async set(): Promise<Stage> {
    const database = await freshDatabase();
    // Clients compare certificates with the machine's time, which is never behind what the platform's database has seen.
    const clock = new TestClock(systemClock.now());
    // A device that comes back comes to where it was.
    const [httpsPort = 0, mqttsPort = 0, udpPort = 0] = await freePorts(new Chance(), 3);
    const config = { httpsPort, mqttsPort, udpPort };
    const platform = await startTestPlatform({ clock, timers: clock, database, config });
    clock.move(10_000);
    return new Stage(clock, database, platform, config);
  }

  get mqttPort(): number {
    return this.#config.mqttsPort;
  }

  get udpPort(): number {
    return this.#config.udpPort;
  }

  /** Seconds since it began. */
  get now(): number {
    return (this.clock.elapsed() - this.#began) / 1_000;
  }

  /** What the wall clock said at that moment. */
  wallAt(at: number): number {
    let by = 0;
    for (const jump of this.#jumps) if (jump.at < at) by += jump.by;
    const set = this.#jumps.reduce((sum, jump) => sum + jump.by, 0);
    return this.clock.now() - set + by - (this.now - at) * 1_000;
  }

  /** Somebody sets the machine's clock. */
  setClock(by: number): void {
    this.#jumps.push({ at: this.now, by });
    this.clock.set(this.clock.now() + by);
  }

  atEnd(work: () => void): void {
    this.#open.push(work);
  }

  /** What it came to, for each. */
  async play(
    scenes: ReadonlyMap<string, (scene: Scene) => Promise<void>>,
  ): Promise<Map<string, PromiseSettledResult<void>>> {
    // The first organisation is that of whoever set up.
    await this.platform.setUp();
    this.#awake = scenes.size;
    const names = [...scenes.keys()];
    const plays = [...scenes.values()].map(async (play) => {
      try {
        await play(await Scene.begin(this));
      } finally {
        this.#sleepAll();
      }
    });
    const results = await Promise.allSettled(plays);
    return new Map(results.map((result, at) => [names[at] ?? "", result]));
  }

  /** Until so many seconds after the beginning. */
  until(at: number): Promise<void> {
    if (at <= this.now) return Promise.resolve();
    return new Promise((wake) => {
      this.#sleepers.push({ at, wake });
      this.#sleepAll();
    });
  }

  /** Until the platform was stopped and started again, which it is once nobody waits for anything else. */
  restarted(): Promise<void> {
    return new Promise((wake) => {
      this.#forRestart.push(wake);
      this.#sleepAll();
    });
  }

  #sleepAll(): void {
    this.#awake -= 1;
    if (this.#awake > 0 || this.#isMoving) return;
    this.#isMoving = true;
    void this.#move();
  }

  async #move(): Promise<void> {
    while (this.#awake === 0) {
      const next = Math.min(...this.#sleepers.map(({ at }) => at));
      if (next === Number.POSITIVE_INFINITY) {
        if (this.#forRestart.length === 0) break;
        await this.#restart();
        this.#awake = this.#forRestart.length;
        for (const wake of this.#forRestart.splice(0)) wake();
      } else {
        // In steps: what the platform does now and then has its turn.
        while (this.now < next) {
          this.clock.move(Math.min(step, (next - this.now) * 1_000));
          await wait(1);
        }
        await heard();
        const due = this.#sleepers.filter(({ at }) => at <= this.now);
        this.#sleepers = this.#sleepers.filter(({ at }) => at > this.now);
        this.#awake = due.length;
        for (const { wake } of due) wake();
      }
      await wait(0);
    }
    this.#isMoving = false;
  }

  async #restart(): Promise<void> {
    await this.#during(this.platform.close());
    const { clock, database } = this;
    this.platform = await startTestPlatform({ clock, timers: clock, database, config: this.#config });
  }

  /** What closes gives its clients a moment, by this clock. */
  async #during(closing: Promise<void>): Promise<void> {
    let isDone = false;
    const done = closing.finally(() => (isDone = true));
    while (!isDone) {
      this.clock.move(50);
      await wait(1);
    }
    await done;
  }

  async close(): Promise<void> {
    for (const end of this.#open) end();
    await this.#during(this.platform.close());
    await this.database.drop();
  }
}

/** One scene: an organisation of its own, so that what goes wrong in one is no outage in another. */
export class Scene {
  readonly stage: Stage;
  readonly #who: { readonly org: string; readonly person: string; readonly token: string };
  readonly application: string;

  private constructor(stage: Stage, who: { org: string; person: string; token: string }, application: string) {
    this.stage = stage;
    this.#who = who;
    this.application = application;
  }

  static async begin(stage: Stage): Promise<Scene> {
    const who = await stage.platform.setUp();
    const { id } = await new Owner(stage.platform.visitor, who).application();
    return new Scene(stage, who, id);
  }

  /** Whoever asks; by way of the platform that is there now. */
  get owner(): Owner {
    return new Owner(this.stage.platform.visitor, this.#who);
  }

  device(more: object = {}): Promise<Device> {
    return this.owner.device(this.application, more);
  }

  devices(count: number, more: object = {}): Promise<readonly Device[]> {
    return Promise.all(Array.from({ length: count }, () => this.device(more)));
  }

  /** So many seconds pass. */
  pass(seconds: number): Promise<void> {
    return this.stage.until(this.stage.now + seconds);
  }

  get now(): number {
    return this.stage.now;
  }

  async presenceOf({ id }: { readonly id: string }): Promise<Presence> {
    return (await this.owner.asks.get<{ presence: Presence }>(`/v1/devices/${id}`)).presence;
  }

  /** How it is now. */
  async is(device: Device, state: string, because?: string): Promise<Presence> {
    const presence = await this.presenceOf(device);
    assert.deepEqual([presence.state, presence.because], [state, because], JSON.stringify(presence));
    return presence;
  }

  /** What a client just did comes to this, before any time passes. */
  async turns(device: Device, state: string, because?: string): Promise<void> {
    const end = performance.now() + 30_000;
    let presence = await this.presenceOf(device);
    while (presence.state !== state || presence.because !== because) {
      assert.ok(performance.now() < end, `it did not become ${state} ${because}: ${JSON.stringify(presence)}`);
      await wait(5);
      presence = await this.presenceOf(device);
    }
    this.#since(presence, this.now, 0);
  }

  /** At this moment it becomes so: not a second before, and not a second later. */
  async becomes(device: Device, state: string, { at, because }: { at: number; because?: string }): Promise<void> {
    if (at - 1 > this.now) {
      await this.stage.until(at - 1);
      assert.notEqual((await this.presenceOf(device)).state, state, "it is so too early");
    }
    await this.stage.until(at + 1);
    const presence = await this.presenceOf(device);
    assert.deepEqual(
      [presence.state, presence.because],
      [state, because],
      `at ${this.now}: ${JSON.stringify(presence)}`,
    );
    this.#since(presence, at, 1);
  }

  #since({ since }: Presence, at: number, late: number): void {
    const beside = (Date.parse(since ?? "") - this.stage.wallAt(at)) / 1_000;
    assert.ok(beside >= -0.001 && beside <= late + 0.001, `since ${since}, which is ${beside} s beside`);
  }

  /** Told of all of its devices, after ten seconds. */
  rule(more: object = {}): Promise<{ readonly id: string }> {
    return this.owner.asks.post("/v1/alert-rules", { name: "Away", after: "10s", ...more });
  }

  async alerts(): Promise<readonly Alert[]> {
    return (await this.owner.asks.get<{ items: Alert[] }>("/v1/alerts")).items;
  }

  /**
   * These are all alerts that there are, raised or cleared ten seconds from now at the latest. What is decided is written down a little later, as
   * fast as the database is.
   */
  async tells(expected: readonly Told[]): Promise<void> {
    const by = this.now + 10;
    const wanted = inOrder(expected.map(({ of, ...rest }) => ({ ...rest, of: of.map(({ id }) => id) })));
    for (let second = 0; ; second += 1) {
      const alerts = await this.alerts();
      const found = inOrder(
        alerts.map(({ devices, ...rest }) => ({ ...rest, of: devices.map(({ device }) => device) })),
      );
      if (JSON.stringify(found) === JSON.stringify(wanted) || second === 60) {
        assert.deepEqual(found, wanted);
        for (const { raisedAt, clearedAt = raisedAt } of alerts)
          assert.ok(Date.parse(clearedAt) <= this.stage.wallAt(by), clearedAt);
        return;
      }
      await this.pass(1);
    }
  }

  /** A client whose bytes are the test's, over a TLS connection of its own; `port` is that of a wire in between. */
  async peer(device: Device, more: Record<string, unknown> = {}, port?: number): Promise<Peer> {
    const { peer } = await this.line(port, more["protocolVersion"] === 5 ? 5 : 4);
    const login = { clientId: device.key.id, username: device.key.id, password: device.key.secret };
    peer.connect({ ...login, ...more });
    await peer.take("connack");
    return peer;
  }

  /** A connection that says nothing yet. */
  async line(
    port = this.stage.mqttPort,
    version: 4 | 5 = 4,
  ): Promise<{ readonly peer: Peer; readonly socket: tls.TLSSocket }> {
    const ca = this.stage.platform.platform.caPem ?? "";
    const socket = tls.connect({ host: "127.0.0.1", servername: "localhost", port, ca });
    await once(socket, "secureConnect");
    this.stage.atEnd(() => socket.destroy());
    return { peer: new Peer(socket, version), socket };
  }

  /** A process of mosquitto that is this device, once it is there. */
  async mosquitto(device: Device, ...args: readonly string[]): Promise<Frozen> {
    const to = ["-h", "localhost", "-p", `${this.stage.mqttPort}`, "--cafile", caFile(this.stage.platform)];
    const as = ["-i", device.key.id, "-u", device.key.id, "-P", device.key.secret];
    const process = new Frozen(spawn("mosquitto_sub", [...to, ...as, "-q", "1", ...args], { stdio: "ignore" }));
    this.stage.atEnd(() => process.end("SIGKILL"));
    await this.turns(device, "online");
    return process;
  }

  /** A reading over HTTPS. */
  deliver(device: Device): Promise<unknown> {
    return this.stage.platform.visitor.as(textOf(device.key)).post("/v1/me/telemetry", { temperature: 1 });
  }
}

/** An alert as it should be; `because` where there is one. */
type Told = { readonly of: readonly { readonly id: string }[]; readonly state: string; readonly because?: string };
type Listed = { readonly of: readonly string[]; readonly state: string; readonly because?: string };

const inOrder = (alerts: readonly Listed[]) =>
  alerts
    .map(({ state, because, of }) => ({ state, because, of: of.toSorted() }))
    .toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));

export const hasMosquitto = spawnSync("mosquitto_sub", ["--help"]).error === undefined;

/** A process that can be frozen. */
export class Frozen {
  readonly child: ChildProcess;
  readonly #ended: Promise<unknown>;

  constructor(child: ChildProcess) {
    this.child = child;
    this.#ended = once(child, "exit");
  }

  freeze(): void {
    this.child.kill("SIGSTOP");
  }

  thaw(): void {
    this.child.kill("SIGCONT");
  }

  /** What is frozen takes no signal but this one. */
  async end(signal: "SIGKILL" | "SIGTERM"): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) this.child.kill(signal);
    await this.#ended;
  }
}

/** A network between clients and the platform, which fails as networks do. */
export class Wire {
  readonly #server: Server;
  readonly #pairs = new Set<readonly [Socket, Socket]>();
  #isDead = false;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async open(stage: Stage): Promise<Wire> {
    const server = createServer();
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const wire = new Wire(server);
    server.on("connection", (near) => wire.#join(near, dial(stage.mqttPort, "127.0.0.1")));
    stage.atEnd(() => wire.close());
    return wire;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port; // it listens on a port
  }

  #join(near: Socket, far: Socket): void {
    const pair = [near, far] as const;
    this.#pairs.add(pair);
    for (const [from, to] of [pair, [far, near]] as const) {
      from.on("data", (bytes) => void (this.#isDead || to.write(bytes)));
      from.on("error", () => undefined); // an end like any other
      from.on("close", () => void (this.#isDead || to.destroy()));
    }
  }

  /** From now on nothing comes through, and nobody is told. */
  die(): void {
    this.#isDead = true;
  }

  /** As a router does that forgot its connections. */
  reset(): void {
    for (const [, far] of this.#pairs) far.resetAndDestroy();
    this.#pairs.clear();
  }

  close(): void {
    this.#server.close();
    for (const pair of this.#pairs) for (const one of pair) one.destroy();
  }
}
