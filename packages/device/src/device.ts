import { systemClock, systemRandom, systemTimers, type Clock, type Random, type Timers } from "@holdfast/kernel";
import type { IClientOptions } from "mqtt";
import { Commands, type Handler } from "./commands.ts";
import { Emitter, type Events } from "./emitter.ts";
import { DeviceError } from "./failure.ts";
import { noJournal, type Journal } from "./journal.ts";
import type { Identity } from "./identity.ts";
import { Link } from "./link.ts";
import { Outbox } from "./outbox.ts";
import { Roots } from "./roots.ts";
import { Spool, type Entry, type Limits } from "./spool.ts";
import * as topics from "./topics.ts";
import { Trust } from "./trust.ts";
import { Twin, type OnDesired } from "./twin.ts";
import { Upkeep } from "./upkeep.ts";

export type Options = {
  /** `mqtts://HOST:PORT`, or `wss://HOST:PORT/mqtt`, which is the way out of a browser. */
  readonly url: string;
  readonly key?: { readonly id: string; readonly secret: string };
  /** PEM. Not in a browser, which brings its own. */
  readonly certificate?: { readonly cert: string; readonly key: string };
  /** A certificate that the device gets for itself, and renews. */
  readonly identity?: Identity;
  /** PEM of the roots that are trusted, in place of the machine's; or roots that follow the platform's. */
  readonly ca?: string | readonly string[] | Roots;
  /** By which the platform knows this connection from others of the device; the key's id without saying, so that a new one ends one that hangs. */
  readonly clientId?: string;
  /** Where the spool is kept; in memory without one. */
  readonly journal?: Journal;
  /** 10,000 messages, 16 MiB and "wait" without saying. */
  readonly limits?: Partial<Limits>;
  /** Seconds between signs of life. */
  readonly keepAlive?: number;
};

type Needs = { readonly clock: Clock; readonly timers: Timers; readonly random: Random };

/** A program that is a device stays until the device is closed, also while it waits to connect again. */
const lastingTimers: Timers = {
  after(milliseconds, work) {
    const timer = setTimeout(work, milliseconds);
    return { cancel: () => clearTimeout(timer) };
  },
};

export type Values = Readonly<Record<string, unknown>>;
/** When it was measured; now without saying. */
export type Measured = { readonly time?: Date | number };

/** A device of a platform: it sends, is told what is wanted of it, and does what it is asked to. */
export class Device {
  readonly #clock: Clock;
  readonly #emitter = new Emitter();
  readonly #spool: Spool;
  readonly #outbox: Outbox;
  readonly #link: Link;
  readonly #commands: Commands;
  readonly #twin: Twin;
  readonly #upkeep: Upkeep;
  readonly #roots: Roots | undefined;
  #isClosed = false;

  /** Opens the spool and begins to connect. Does not wait until that succeeds: a device measures without a network too. */
  static connect(options: Options, needs: Partial<Needs> = {}): Device {
    return new Device(options, { clock: systemClock, timers: lastingTimers, random: systemRandom, ...needs });
  }

  private constructor(options: Options, { clock, timers, random }: Needs) {
    const { journal = noJournal, limits } = options;
    check(options);
    const { identity, ca } = options;
    const roots = ca instanceof Roots ? ca : undefined;
    this.#roots = roots;
    const fixed = typeof ca === "string" ? [ca] : ca instanceof Roots ? undefined : ca;
    const emitter = this.#emitter;
    const trust = new Trust({ emitter, trusted: () => roots?.current ?? fixed });
    this.#clock = clock;
    this.#spool = new Spool(
      journal,
      { entries: 10_000, bytes: 16 * 1024 * 1024, whenFull: "wait", ...limits },
      (entry) => {
        this.#outbox.dropped(entry);
        emitter.emit("dropped", entry);
      },
    );
    const outbox = new Outbox({ spool: this.#spool, emitter, timers, random });
    this.#outbox = outbox;
    this.#twin = new Twin(emitter);
    // What is forgotten some day keeps no program alive.
    const quiet = timers === lastingTimers ? systemTimers : timers;
    this.#commands = new Commands({ spool: this.#spool, emitter, timers: quiet, owed: () => outbox.pump() });
    this.#link = new Link(
      options.url,
      { emitter, timers, clock, random },
      {
        options: () => connectionOf(options),
        up: (line) => {
          outbox.open(line);
          roots?.worked(emitter);
          void trust.say(line);
          this.#upkeep.online();
        },
        down: () => {
          outbox.closed();
          this.#upkeep.offline();
        },
        failed: (cause) => roots?.failed(cause),
        message: (topic, payload) => this.#hear(topic, payload),
      },
    );
    const again = () => this.#link.again();
    this.#upkeep = new Upkeep({ emitter, timers: quiet, clock, random, identity, roots, again });
    this.#link.start();
  }

  get isOnline(): boolean {
    return this.#link.isUp;
  }

  /** What waits to be sent, and how much was dropped for want of room since this began. */
  get spooled(): { readonly messages: number; readonly bytes: number; readonly dropped: number } {
    const { size: messages, bytes, dropped } = this.#spool;
    return { messages, bytes, dropped };
  }

  /** Answers what ends it. */
  on<Name extends keyof Events>(name: Name, listener: (...about: Events[Name]) => void): () => void {
    return this.#emitter.on(name, listener);
  }

  /** Resolves once the platform has it on disk. That may take as long as there is no network. */
  async send(values: Values, measured: Measured = {}): Promise<void> {
    await this.#say(topics.telemetry, this.#reading(values, measured));
  }

  /** Resolves once it is in the spool, and with "wait" that means: once there is room. It is sent in its turn. */
  async keep(values: Values, measured: Measured = {}): Promise<void> {
    await this.#keep(topics.telemetry, this.#reading(values, measured));
    this.#outbox.pump();
    await this.#spool.sync();
  }

  /** What the device is like, as a merge patch (RFC 7396). Resolves once the platform has it on disk. */
  async report(patch: Values): Promise<void> {
    await this.#say(topics.reported, JSON.stringify(patch));
  }

  /** Runs once for each command of that name, one time at most. */
  onCommand(name: string, handler: Handler): void {
    this.#commands.handle(name, handler);
    this.#link.listen(topics.commands + name);
  }

  /** Is told what is wanted, whenever that changes and whenever the device comes. While it runs it is told nothing, and then the newest. */
  onDesired(handler: OnDesired): void {
    this.#twin.handle(handler);
    this.#link.listen(topics.desired);
  }

  /** Roots to trust from now on, where they lead to the platform: from a message of its own, for one. With `ca` as `Roots` alone. */
  replaceRoots(roots: readonly string[]): void {
    if (!this.#roots) throw new DeviceError("roots.fixed");
    if (this.#roots.replace(roots)) this.#link.again();
  }

  /** Resolves when it is connected. */
  online(): Promise<void> {
    if (this.isOnline) return Promise.resolve();
    return new Promise((resolve) => {
      const end = this.on("online", () => {
        end();
        resolve();
      });
    });
  }

  /** Resolves once nothing waits to be sent. */
  drained(): Promise<void> {
    return this.#outbox.drained();
  }

  /** Says goodbye. What is not acknowledged by then stays in the spool, and whoever waits for it is told `device.closed`. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#upkeep.offline();
    await this.#link.close();
    this.#outbox.closed();
    this.#outbox.end();
    this.#commands.end();
    await this.#spool.close();
  }

  async #say(topic: string, payload: string): Promise<void> {
    const entry = await this.#keep(topic, payload);
    const answer = this.#outbox.answer(entry);
    this.#outbox.pump();
    await answer;
  }

  async #keep(topic: string, payload: string): Promise<Entry> {
    if (this.#isClosed) throw new DeviceError("device.closed");
    return this.#spool.keep(topic, payload, this.#outbox.isUnderWay);
  }

  #reading(values: Values, { time = this.#clock.now() }: Measured): string {
    return JSON.stringify({ time: Number(time), values });
  }

  #hear(topic: string, payload: string): void {
    if (topic === topics.desired) this.#twin.take(payload);
    else if (topic.startsWith(topics.commands)) this.#commands.take(payload);
  }
}

function check({ url, key, certificate, identity }: Options): void {
  if (!/^(mqtts|wss):/.test(url)) throw new DeviceError("url.insecure");
  if (!key && !certificate && !identity) throw new DeviceError("credential.missing");
}

async function connectionOf({
  key,
  identity,
  ca,
  clientId,
  keepAlive = 60,
  ...rest
}: Options): Promise<IClientOptions> {
  const { name, ...certificate } = (await identity?.present()) ?? { ...rest.certificate, name: undefined };
  const roots = ca instanceof Roots ? ca.take() : ca;
  const trust = {
    ...(roots !== undefined && { ca: typeof roots === "string" ? roots : [...roots] }),
    ...certificate,
  };
  return {
    ...(key && { username: key.id, password: key.secret }),
    clientId: clientId ?? key?.id ?? name ?? "",
    keepalive: keepAlive,
    ...trust,
    wsOptions: trust,
  };
}
