import { systemClock, systemRandom, systemTimers, type Clock, type Random, type Timers } from "@holdfast/kernel";
import type { IClientOptions } from "mqtt";
import { Board, type BoardNeeds } from "./board.ts";
import { Child } from "./child.ts";
import { Commands, type Handler } from "./commands.ts";
import { Emitter, type Events } from "./emitter.ts";
import { DeviceError } from "./failure.ts";
import { Group } from "./group.ts";
import { Hands } from "./hands.ts";
import { noJournal, type Journal } from "./journal.ts";
import type { Identity } from "./identity.ts";
import { Link } from "./link.ts";
import { Outbox } from "./outbox.ts";
import type { Limits } from "./room.ts";
import { Roots } from "./roots.ts";
import { SleeplessClock } from "./sleepless.ts";
import { Spool } from "./spool.ts";
import { Subscriptions } from "./subscriptions.ts";
import { childTree, isChildName, isName, own } from "./topics.ts";
import { Trust } from "./trust.ts";
import type { OnDesired } from "./twin.ts";
import { Upkeep } from "./upkeep.ts";
import { Voice, type Measured, type Values, type VoiceNeeds } from "./voice.ts";

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
  /** 10,000 messages, 16 MiB, a tenth of both for each child and "wait" without saying. */
  readonly limits?: Partial<Limits>;
  /** Seconds between signs of life; 60 without saying. */
  readonly keepAlive?: number;
};

type Needs = { readonly clock: Clock; readonly timers: Timers; readonly random: Random };

/** Seconds. */
const signsOfLife = 60;

/** A program that is a device stays until the device is closed, also while it waits to connect again. */
const lastingTimers: Timers = {
  after(milliseconds, work) {
    const timer = setTimeout(work, milliseconds);
    return { cancel: () => clearTimeout(timer) };
  },
};

/** A device of a platform: it sends, is told what is wanted of it, and does what it is asked to. */
export class Device {
  readonly #emitter = new Emitter();
  readonly #spool: Spool;
  readonly #outbox: Outbox;
  readonly #link: Link;
  readonly #commands: Commands;
  readonly #upkeep: Upkeep;
  readonly #voice: Voice;
  readonly #voiceNeeds: VoiceNeeds;
  readonly #boardNeeds: BoardNeeds;
  readonly #children = new Map<string, Child>();
  readonly #groups = new Map<string, { readonly group: Group; readonly hands: Hands }>();
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
    const spool = new Spool(
      journal,
      { entries: 10_000, bytes: 16 * 1024 * 1024, share: 0.1, whenFull: "wait", ...limits },
      {
        dropped: (entry) => {
          this.#outbox.dropped(entry, new DeviceError("spool.dropped"));
          emitter.emit("dropped", entry);
        },
        // A moment later: whoever connects begins to listen after it.
        fault: (error) => queueMicrotask(() => emitter.emit("fault", error)),
      },
    );
    this.#spool = spool;
    const outbox = new Outbox({ spool, emitter, timers, random });
    this.#outbox = outbox;
    const subscriptions = new Subscriptions({ timers, random });
    // What is forgotten some day keeps no program alive.
    const quiet = timers === lastingTimers ? systemTimers : timers;
    const commands = new Commands({ spool, emitter, timers: quiet, owed: () => outbox.pump() });
    this.#commands = commands;
    const parts = { spool, outbox, subscriptions, commands, emitter, clock, timers, random };
    this.#voiceNeeds = { ...parts, isClosed: () => this.#isClosed };
    this.#boardNeeds = { ...parts, clock: new SleeplessClock(clock), keepAlive: options.keepAlive ?? signsOfLife };
    this.#voice = new Voice(own, this.#voiceNeeds);
    this.#link = new Link(
      options.url,
      { emitter, timers, clock, random },
      {
        options: () => connectionOf(options),
        up: (line, ear) => {
          subscriptions.open(ear);
          outbox.open(line);
          for (const { hands } of this.#groups.values()) hands.up();
          roots?.worked(emitter);
          void trust.say(line);
          this.#upkeep.online();
        },
        down: () => {
          subscriptions.closed();
          outbox.closed();
          for (const { hands } of this.#groups.values()) hands.down();
          this.#upkeep.offline();
        },
        failed: (cause) => {
          roots?.failed(cause);
          if (isUnknown(cause)) identity?.refused?.();
        },
        message: (topic, payload, mark) => subscriptions.take(topic, payload, mark),
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

  /**
   * Values by the names of attributes: numbers, booleans, texts, locations or documents of JSON. Resolves once the platform has it on disk, which may
   * take as long as there is no network. Rejects as `platform.refused`, `spool.full`, `spool.dropped`, `spool.tooLarge`.
   */
  send(values: Values, measured: Measured = {}): Promise<void> {
    return this.#voice.send(values, measured);
  }

  /** Resolves once it is in the spool, and with "wait" that means: once there is room. It is sent in its turn. */
  keep(values: Values, measured: Measured = {}): Promise<void> {
    return this.#voice.keep(values, measured);
  }

  /** What the device is like, as a merge patch (RFC 7396). Resolves once the platform has it on disk. */
  report(patch: Values): Promise<void> {
    return this.#voice.report(patch);
  }

  /** Runs once for each command of that name, one time at most. */
  onCommand(name: string, handler: Handler): void {
    this.#voice.onCommand(name, handler);
  }

  /** Is told what is wanted, whenever that changes and whenever the device comes. While it runs it is told nothing, and then the newest. */
  onDesired(handler: OnDesired): void {
    this.#voice.onDesired(handler);
  }

  /** A device that this one speaks for as its gateway, by id or alias; the same each time. Throws `name.invalid`. */
  child(name: string): Child {
    if (!isChildName(name)) throw new DeviceError("name.invalid", { detail: `This is ${JSON.stringify(name)}.` });
    const child = this.#children.get(name) ?? new Child(name, new Voice(childTree(name), this.#voiceNeeds));
    this.#children.set(name, child);
    return child;
  }

  /** A group that this device is in, by name or id; the same each time. Throws `name.invalid`. */
  group(name: string): Group {
    if (!isName(name)) throw new DeviceError("name.invalid", { detail: `This is ${JSON.stringify(name)}.` });
    const known = this.#groups.get(name);
    if (known) return known.group;
    const board = new Board(name, this.#boardNeeds);
    const hands = new Hands(name, board, this.#boardNeeds);
    const group = new Group(name, board, hands, this.#boardNeeds);
    this.#groups.set(name, { group, hands });
    return group;
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

  /** Says goodbye, and gives back the tasks that it has. What is not acknowledged by then stays in the spool, and whoever waits for it is told `device.closed`. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#upkeep.offline();
    for (const { hands } of this.#groups.values()) hands.close();
    await this.#link.close();
    this.#outbox.closed();
    this.#outbox.end();
    this.#commands.end();
    await this.#spool.close();
  }
}

/** As MQTT 5 says it of a credential that is not there, or not good (0x86). */
const isUnknown = (cause: unknown): boolean => cause instanceof Error && "code" in cause && cause.code === 0x86;

function check({ url, key, certificate, identity }: Options): void {
  if (!/^(mqtts|wss):/.test(url)) throw new DeviceError("url.insecure");
  if (!key && !certificate && !identity) throw new DeviceError("credential.missing");
}

async function connectionOf({
  key,
  identity,
  ca,
  clientId,
  keepAlive = signsOfLife,
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
