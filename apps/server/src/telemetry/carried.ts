import { createSecretKey, type KeyObject } from "node:crypto";
import { associated, derive, open, seal } from "@holdfast/crypto";
import { bytesOf, idFrom, Refusal, type Id, type Instant, type Random } from "@holdfast/kernel";
import type { Keyring } from "../storage/index.ts";
import { readRecord, RecordWriter } from "./record.ts";
import { SegmentSeal } from "./sealing.ts";

/**
 * What the log holds, as a backup carries it. The key of a segment is destroyed when its readings are in chunks, a few hours later, and a backup
 * of its rows would be noise from then on; a key that were kept for backups would open what was erased since. So each record is taken apart by
 * device, and each part sealed under the key of its device: it opens as long as the chunks of that device do.
 */
export type Carried = {
  readonly org: Id<"org">;
  readonly device: Id<"device">;
  readonly position: number;
  /** Of the commit. */
  readonly at: number;
  readonly body: Uint8Array;
};

type LogRow = { readonly org: string; readonly pos: number; readonly at: number; readonly body: Uint8Array };
type Needs = { readonly keys: Keyring; readonly random: Random };

/** One seal for all parts of a device: at most 2^32 commits (see `seal`). */
const sealOf = async ({ keys }: Needs, device: Id<"device">): Promise<KeyObject | undefined> => {
  const key = await keys.find("device", device);
  return key && createSecretKey(derive(key, "backup/log"));
};

const placeOf = ({ org, device, position, at }: Omit<Carried, "body">): Uint8Array =>
  associated({ org, kind: "backup/log", row: `${device}|${at}`, version: position });

/** Takes records apart. Those of devices whose key was erased are left out. */
export class LogCarrier {
  readonly #needs: Needs;
  readonly #seals = new Map<Id<"device">, KeyObject | undefined>();
  /** Records that did not open. */
  unreadable = 0;

  constructor(needs: Needs) {
    this.#needs = needs;
  }

  async *carry(segment: number, rows: AsyncIterable<LogRow>): AsyncGenerator<Carried> {
    const key = await this.#needs.keys.find("segment", String(segment));
    const sealed = key && new SegmentSeal(segment, key, this.#needs.random);
    for await (const row of rows) {
      const org = idFrom("org", row.org);
      const parts = sealed && partsOf(sealed, org, row);
      if (!parts) this.unreadable += 1;
      for (const [device, record] of parts ?? []) {
        const key = await this.#sealOf(device);
        if (!key) continue;
        const place = { org, device, position: row.pos, at: row.at };
        yield { ...place, body: seal(key, placeOf(place), record, this.#needs.random) };
      }
    }
  }

  async #sealOf(device: Id<"device">): Promise<KeyObject | undefined> {
    if (!this.#seals.has(device)) this.#seals.set(device, await sealOf(this.#needs, device));
    return this.#seals.get(device);
  }
}

/** What a record has of each device, as a record of its own; `undefined` when it does not open. */
function partsOf(sealed: SegmentSeal, org: Id<"org">, row: LogRow): Map<Id<"device">, Uint8Array> | undefined {
  const writers = new Map<Id<"device">, RecordWriter>();
  try {
    readRecord(sealed.open(org, row.pos, row.body), (device, name, time, value, received, from) => {
      let writer = writers.get(device);
      if (!writer) writers.set(device, (writer = new RecordWriter()));
      writer.reading(device, received, time, from, 1);
      writer.value(name, value);
    });
  } catch (error) {
    if (error instanceof Refusal && error.code === "seal.broken") return undefined;
    throw error;
  }
  return new Map([...writers].map(([device, writer]) => [device, writer.finish()]));
}

/** A row of the log that there is to be. */
export type Landed = {
  readonly org: Id<"org">;
  readonly position: number;
  readonly at: number;
  readonly body: Uint8Array;
};

/**
 * Puts parts that follow each other together to records again, sealed for a segment that is new. Parts of devices whose key was erased since are
 * left out; `erased` counts them.
 */
export class LogLander {
  readonly #needs: Needs;
  readonly #sealed: SegmentSeal;
  readonly #seals = new Map<Id<"device">, KeyObject | undefined>();
  erased = 0;
  points = 0;

  constructor(needs: Needs & { readonly segment: number; readonly key: Uint8Array }) {
    this.#needs = needs;
    this.#sealed = new SegmentSeal(needs.segment, needs.key, needs.random);
  }

  /** @throws Refusal `seal.broken` */
  async *land(carried: AsyncIterable<Carried>): AsyncGenerator<Landed> {
    let open: { org: Id<"org">; position: number; at: Instant; writer: RecordWriter } | undefined;
    for await (const part of carried) {
      if (open && (open.org !== part.org || open.position !== part.position)) {
        if (open.writer.points > 0) yield this.#landed(open);
        open = undefined;
      }
      open ??= { org: part.org, position: part.position, at: part.at as Instant, writer: new RecordWriter() };
      await this.#add(part, open.writer);
    }
    if (open && open.writer.points > 0) yield this.#landed(open);
  }

  async #add(part: Carried, writer: RecordWriter): Promise<void> {
    const { device } = part;
    if (!this.#seals.has(device)) this.#seals.set(device, await sealOf(this.#needs, device));
    const key = this.#seals.get(device);
    if (!key) {
      this.erased += 1;
      return;
    }
    readRecord(open(key, placeOf(part), part.body), (of, name, time, value, received, from) => {
      writer.reading(of, received, time, from, 1);
      writer.value(name, value);
      this.points += 1;
    });
  }

  #landed({ org, position, at, writer }: Omit<Landed, "body"> & { writer: RecordWriter }): Landed {
    return { org, position, at, body: this.#sealed.seal(org, position, writer.finish()) };
  }
}

const headLength = 48;

/** As a backup's frame of readings has it. */
export function bytesOfCarried({ org, device, position, at, body }: Carried): Uint8Array {
  const bytes = Buffer.alloc(headLength + body.length);
  bytes.set(bytesOf(org), 0);
  bytes.set(bytesOf(device), 16);
  bytes.writeBigUInt64BE(BigInt(position), 32);
  bytes.writeBigInt64BE(BigInt(at), 40);
  bytes.set(body, headLength);
  return bytes;
}

export function carriedIn(bytes: Uint8Array): Carried {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return {
    org: idFrom("org", bytes.subarray(0, 16)),
    device: idFrom("device", bytes.subarray(16, 32)),
    position: Number(view.getBigUint64(32)),
    at: Number(view.getBigInt64(40)),
    body: bytes.subarray(headLength),
  };
}
