import { setImmediate } from "node:timers/promises";
import type { Broker, Journal, SpaceKey } from "@holdfast/mqtt";
import { because, idFrom, Refusal, type Clock, type Id, type RefusalCode, type Report } from "@holdfast/kernel";
import { devicesOwnTopics, telemetryTopic } from "@holdfast/protocol";
import { asPlatform, type Space, type Spaces } from "../authority/index.ts";
import type { Storage } from "../storage/index.ts";
import { messagesIn, type Carrier, type Telemetry } from "../telemetry/index.ts";
import { Opening, tellUnread, type Row } from "./opening.ts";
import type { Presences } from "./presences.ts";
import { serverUnavailable } from "./codes.ts";
import { wayOf } from "./way.ts";

/** Rows of the log that are read at once. */
const atOnce = 64;
/** Bytes that an organisation's rows may have before they are written anew, however little of them is still true. */
const least = 1024 * 1024;
/** How often an erasure is tried where the organisation is read again meanwhile. */
const attempts = 3;
/** Bytes of a new picture that may wait for their commit. */
const mostUnderWay = 512 * 1024;

/** Why a reading may succeed a second later. */
const mayPass = new Set<RefusalCode>(["storage.unavailable", "keyring.unreachable"]);

export type LogNeeds = {
  readonly storage: Storage;
  readonly spaces: Spaces;
  readonly telemetry: Telemetry;
  readonly presences: Presences;
  readonly clock: Clock;
  readonly report: Report;
};

/**
 * How much the log has of one organisation, in rows that can be read, and what of it the last picture was. Rows that cannot be read are never
 * removed, unless something is erased: an older backup of the keys, or the newer version that wrote them, may read them yet.
 */
type Size = {
  readonly space: Space;
  bytes: number;
  picture: number;
  isWriting: boolean;
  unread: readonly number[];
};

/**
 * What must outlive the process of an organisation's sessions, queues, retained messages and wills: records that only the broker reads, in the
 * order in which it gave them. They are read when the organisation is first needed, and written anew when too few of them are still true.
 */
export class MessageLog implements Journal, Carrier {
  readonly #needs: LogNeeds;
  /** The broker that this log is of, once there is one. */
  #broker: Broker | undefined;
  readonly #reading = new WeakMap<Space, Promise<void>>();
  readonly #sizes = new Map<Id<"org">, Size>();
  /** Organisations that have to be read although nobody asks for them: wills and ends of sessions fall due by themselves. */
  readonly #due = new Set<Id<"org">>();
  readonly #erased = new Set<Id<"org">>();
  #writing: Promise<void> = Promise.resolve();
  #isClosed = false;

  private constructor(needs: LogNeeds) {
    this.#needs = needs;
  }

  static async open(needs: LogNeeds): Promise<MessageLog> {
    const log = new MessageLog(needs);
    for (const { org } of await needs.storage.maintain.call<{ org: string }>("message_log_orgs", []))
      log.#due.add(idFrom("org", org));
    needs.telemetry.carryBy(log);
    needs.telemetry.onRecorded((org, bytes) => log.#recorded(org, bytes));
    return log;
  }

  /** The two know each other: the broker writes here, and is read from here. */
  serve(broker: Broker): void {
    this.#broker = broker;
  }

  /** What ends something makes room in the end, and has the reserve to do so; nothing else has. */
  whyFull(): string | undefined {
    return whyFull(this.#needs.storage)?.message;
  }

  /** A space that is closed is read again from what was kept: what its sessions do meanwhile is not theirs to say any more. */
  append(key: SpaceKey, record: Uint8Array, done: (code: number) => void): void {
    const space = key as Space; // the hub welcomes nobody into anything else
    if (space.closed || this.#erased.has(space.org)) done(serverUnavailable);
    else this.#needs.telemetry.record(space, record, done);
  }

  /** What the organisation's sessions are owed is in memory. @throws Refusal `storage.unavailable`, `org.unknown` */
  ready(space: Space): Promise<void> {
    const there = this.#reading.get(space);
    if (there) return there;
    const reading = this.#read(space).catch((error: unknown) => {
      this.#reading.delete(space);
      throw error;
    });
    this.#reading.set(space, reading);
    return reading;
  }

  /**
   * What devices sent that is being erased is given up, in memory first; then all that is still true is written down under a new key, and the
   * keys before it are destroyed. Killed anywhere, it is done again.
   */
  async erase(org: Id<"org">): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      const space = await this.#needs.spaces.of(org);
      await this.ready(space);
      const size = this.#sizes.get(org);
      const erasing = this.#writing.then(async () => size !== undefined && this.#eraseIn(size));
      this.#writing = erasing.then(
        () => undefined,
        () => undefined, // whoever waits for it below is told
      );
      if (await erasing) return;
      // It was read again meanwhile, or nothing is written any more.
      if (this.#isClosed || attempt === attempts) throw new Refusal("storage.unavailable", { retryAfterSeconds: 1 });
    }
  }

  async #eraseIn(size: Size): Promise<boolean> {
    const { space } = size;
    const { messageSeals } = this.#needs.telemetry;
    await this.#settled(space);
    await messageSeals.next(space.org);
    await this.#discard(space);
    size.unread = [];
    if (!(await this.#picture(size, "for an erasure"))) return false;
    await messageSeals.destroyOld(space.org);
    return true;
  }

  /** What is being erased is owed to nobody any more. */
  async #discard(space: Space): Promise<void> {
    for (const [device, until] of await this.#needs.telemetry.erasures.pending(space.org)) {
      const isOwn = devicesOwnTopics(device);
      await this.#theBroker.discard(space, isOwn, until);
    }
  }

  offer({ space, device, body, contentType, came }: Parameters<Carrier["offer"]>[0]): ReturnType<Carrier["offer"]> {
    const heard = () => this.#needs.presences.heard(space, device, this.#needs.clock.now(), undefined, wayOf(came));
    const topic = telemetryTopic(device);
    // Mostly: whoever subscribes before it is durable comes behind it.
    if (!this.#theBroker.isOwed(space, topic)) return { settle: (code) => void (code === 0 && heard()) };
    const publication = this.#theBroker.offer(space, {
      topic,
      payload: body,
      qos: 1,
      retain: false,
      properties: contentType === undefined ? {} : { contentType },
    });
    // Somebody who is owed it has no room, and the platform is set so that nothing is kept then.
    if (publication.code > 0) throw new Refusal("mqtt.full");
    return {
      record: publication.record,
      settle: (code, reason) => {
        if (code === 0) heard();
        publication.settle(code, reason);
      },
    };
  }

  /** Its sessions are gone from memory, and are to come back although nobody may ask for them. */
  closed(space: Space): void {
    this.#sizes.delete(space.org);
    if (this.#reading.has(space) && !this.#erased.has(space.org)) this.#due.add(space.org);
  }

  /** Called each second: whoever nobody asked for is read, one after the other. Whom the database does not tell of is tried again. */
  async readDue(): Promise<void> {
    const { spaces, report } = this.#needs;
    for (const org of this.#due) {
      if (this.#isClosed) return;
      try {
        await this.ready(await spaces.of(org));
      } catch (error) {
        if (error instanceof Refusal && mayPass.has(error.code)) return;
        // Whoever comes meets the same, and is told.
        const why = error instanceof Refusal ? error.message : "our own fault";
        report(`What the sessions of ${org} are owed cannot be read: ${why}`, because(error));
      }
      this.#due.delete(org);
    }
  }

  /** An organisation is about to be erased: nothing of it is kept any more. */
  forget(org: Id<"org">): void {
    this.#erased.add(org);
    this.#due.delete(org);
    this.#sizes.delete(org);
  }

  /** Before the broker closes: what is half written is left, and does no harm. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#writing;
  }

  get #theBroker(): Broker {
    if (!this.#broker) throw new Error("the message log has no broker yet");
    return this.#broker;
  }

  async #read(space: Space): Promise<void> {
    await this.#settled(space); // what was given before the space was read again
    const rows = await this.#rows(space);
    const isGone = () => space.closed || this.#erased.has(space.org);
    const gone = new Refusal("storage.unavailable", { retryAfterSeconds: 1 });
    if (isGone()) throw gone;
    const given = rows.flatMap((row) => (row.records ?? [undefined]).map((record) => ({ row, record })));
    const unreadable = await this.#theBroker.restore(
      space,
      given.map(({ record }) => record),
    );
    await this.#discard(space); // of an erasure that a stop interrupted, or that an older backup does not know
    if (isGone()) throw gone;
    const unread = new Set(unreadable.flatMap((at) => given[at]?.row ?? []));
    tellUnread(space.org, [...unread], this.#needs.report);
    const bytes = rows.reduce((sum, row) => sum + (unread.has(row) ? 0 : row.bytes), 0);
    const positions = [...unread].map(({ position }) => position);
    const picture = bytes > least ? await this.#measure(space) : 0;
    if (isGone()) throw gone;
    this.#sizes.set(space.org, { space, bytes, picture, isWriting: false, unread: positions });
    this.#due.delete(space.org);
  }

  /** How large a picture would be now: a start must not write anew what is true for the most part. */
  async #measure(space: Space): Promise<number> {
    let bytes = 0;
    for (const record of this.#theBroker.snapshot(space)) {
      bytes += record.length;
      await setImmediate();
    }
    return bytes;
  }

  /** All rows, in order, but those whose key was destroyed. From then on what comes can be sealed. */
  async #rows(space: Space): Promise<readonly Row[]> {
    const rows: Row[] = [];
    const erased = new Map<number, number>();
    const opening = new Opening(space, this.#needs.telemetry);
    await this.#needs.storage.read(asPlatform(space.scope), async (unit) => {
      for (let after = 0; ;) {
        const some = await messagesIn(unit).rows(after, atOnce);
        for (const row of some) {
          const opened = await opening.open(row);
          if (opened === "erased") erased.set(row.generation, (erased.get(row.generation) ?? 0) + 1);
          else rows.push(opened);
          after = row.position;
          await setImmediate(); // it may have a megabyte
        }
        if (some.length < atOnce) return;
      }
    });
    await this.#needs.telemetry.messageSeals.begin(space.org, opening.greatest);
    if (erased.size > 0) await this.#drop(space, erased);
    return rows;
  }

  /** Of an older backup: what was erased since had its key destroyed, and with it what else was owed at that time. */
  async #drop(space: Space, generations: ReadonlyMap<number, number>): Promise<void> {
    const count = [...generations.values()].reduce((sum, one) => sum + one, 0);
    this.#needs.report(
      `${count} rows of the message log of ${space.org} were there again, from before something was erased. They are gone again, with the sessions and retained messages in them.`,
      { level: "warning" },
    );
    await this.#needs.storage.note(asPlatform(space.scope), async (unit) => {
      for (const generation of generations.keys()) await messagesIn(unit).removeGeneration(generation);
    });
  }

  /** Everything of the space that was given so far is durable, or refused. Answers the position of the commit behind. */
  #settled(space: Space): Promise<number> {
    return this.#append(space, undefined);
  }

  #append(space: Space, record: Uint8Array | undefined): Promise<number> {
    return new Promise((resolve, reject) =>
      this.#needs.telemetry.record(space, record, (code, position) =>
        code === 0 ? resolve(position) : reject(new Refusal("storage.unavailable", { retryAfterSeconds: 1 })),
      ),
    );
  }

  #recorded(org: Id<"org">, bytes: number): void {
    const size = this.#sizes.get(org);
    if (!size) return;
    size.bytes += bytes;
    if (size.isWriting || size.bytes <= Math.max(least, 2 * size.picture)) return;
    // It needs room before it makes any, and what is deleted stays on the disk for a while.
    if (whyFull(this.#needs.storage)) return;
    size.isWriting = true;
    this.#writing = this.#writing.then(() => this.#writeAnew(size));
  }

  async #writeAnew(size: Size): Promise<void> {
    try {
      await this.#picture(size);
    } catch (error) {
      // What was written for nothing is not written again with each record that comes, but when there is as much again.
      size.picture = size.bytes;
      const why = error instanceof Refusal ? error.message : "our own fault";
      this.#needs.report(
        `The message log of ${size.space.org} could not be written anew, and goes on: ${why}`,
        because(error),
      );
    } finally {
      size.isWriting = false;
    }
  }

  /**
   * Writes down how everything stands, and lets go of how it came to that. Killed anywhere, both are there, which does no harm. An erasure uses the
   * reserve of a full disk, as it makes room. Answers whether it came to its end.
   */
  async #picture(size: Size, why: "to save room" | "for an erasure" = "to save room"): Promise<boolean> {
    const { space } = size;
    const isOver = () => this.#isClosed || space.closed || this.#erased.has(space.org);
    const before = size.bytes;
    const from = await this.#settled(space);
    if (isOver()) return false;
    let written = 0;
    let underWay = 0;
    let pending: Promise<number>[] = [];
    // Each is taken and given in one turn, so that it stands where it is true among what is given meanwhile.
    for (const record of this.#theBroker.snapshot(space)) {
      written += record.length;
      underWay += record.length;
      const given = this.#append(space, record);
      given.catch(() => undefined); // heard of below, but perhaps not in this turn
      pending.push(given);
      await setImmediate();
      const full = why === "to save room" ? whyFull(this.#needs.storage) : undefined;
      if (full) throw full;
      if (isOver()) return false;
      if (underWay < mostUnderWay) continue;
      await Promise.all(pending);
      if (isOver()) return false;
      pending = [];
      underWay = 0;
    }
    await Promise.all(pending);
    // Of the rows before all was settled when the picture was begun.
    await this.#needs.storage.note(asPlatform(space.scope), (unit) => messagesIn(unit).removeBefore(from, size.unread));
    size.bytes -= before;
    size.picture = written;
    return true;
  }
}

function whyFull(storage: Storage): Refusal | undefined {
  try {
    storage.admit();
    return undefined;
  } catch (error) {
    if (error instanceof Refusal) return error;
    throw error;
  }
}
