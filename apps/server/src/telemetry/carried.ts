import { createSecretKey, type KeyObject } from "node:crypto";
import { associated, derive, open, seal } from "@holdfast/crypto";
import { bytesOf, idFrom, isRefusal, type Id, type Instant, type Random } from "@holdfast/kernel";
import type { Keyring } from "../storage/index.ts";
import { keyNameOf, Periods } from "./periods.ts";
import { readRecord, RecordWriter } from "./record.ts";
import { SegmentSeal } from "./sealing.ts";

/**
 * What the log holds, as a backup carries it. The key of a segment is destroyed when its readings are in chunks, a few hours later, and a backup
 * of its rows would be noise from then on; a key that were kept for backups would open what was erased since. So each record is taken apart by
 * device, and each part sealed under the key of its device and period: it opens as long as the chunks of those do.
 */
export type Carried = {
  readonly org: Id<"org">;
  readonly device: Id<"device">;
  readonly period: number;
  readonly position: number;
  /** Of the commit. */
  readonly at: number;
  readonly body: Uint8Array;
};

type LogRow = { readonly org: string; readonly pos: number; readonly at: number; readonly body: Uint8Array };
type Needs = { readonly keys: Keyring; readonly random: Random };

/** One for all parts of a device and period: at most 2^32 commits (see `seal`). None where the key was erased. */
class Seals {
  readonly #keys: Keyring;
  readonly #found = new Map<string, KeyObject | undefined>();

  constructor({ keys }: Needs) {
    this.#keys = keys;
  }

  async of({ device, period }: Pick<Carried, "device" | "period">): Promise<KeyObject | undefined> {
    const name = keyNameOf(device, period);
    if (!this.#found.has(name)) {
      const key = await this.#keys.find("device", name);
      this.#found.set(name, key && createSecretKey(derive(key, "backup/log")));
    }
    return this.#found.get(name);
  }
}

const placeOf = ({ org, device, period, position, at }: Omit<Carried, "body">): Uint8Array =>
  associated({ org, kind: "backup/log", row: `${device}|${period}|${at}`, version: position });

/** Of devices of an organisation that have more than one: where each period begins. */
type PeriodRows = (
  org: string,
) => Promise<readonly { readonly device: string; readonly number: number; readonly from: number }[]>;

/** Takes records apart. What belongs to a device or period whose key was erased is left out. */
export class LogCarrier {
  readonly #needs: Needs & { readonly periods: PeriodRows };
  readonly #seals: Seals;
  /** Records come by organisation: of the last one. */
  #periods: { readonly org: string; readonly byDevice: ReadonlyMap<Id<"device">, Periods> } | undefined;
  /** Records that did not open. */
  unreadable = 0;

  constructor(needs: Needs & { readonly periods: PeriodRows }) {
    this.#needs = needs;
    this.#seals = new Seals(needs);
  }

  async *carry(segment: number, rows: AsyncIterable<LogRow>): AsyncGenerator<Carried> {
    const key = await this.#needs.keys.find("segment", String(segment));
    const sealed = key && new SegmentSeal(segment, key, this.#needs.random);
    for await (const row of rows) {
      const org = idFrom("org", row.org);
      const parts = sealed && partsOf(sealed, org, row);
      if (!parts) this.unreadable += 1;
      for (const [device, record] of parts ?? []) {
        const period = (await this.#periodsOf(row.org)).get(device)?.at(row.pos).number ?? 0;
        const place = { org, device, period, position: row.pos, at: row.at };
        const key = await this.#seals.of(place);
        if (!key) continue;
        yield { ...place, body: seal(key, placeOf(place), record, this.#needs.random) };
      }
    }
  }

  async #periodsOf(org: string): Promise<ReadonlyMap<Id<"device">, Periods>> {
    if (this.#periods?.org !== org) {
      const rows = Map.groupBy(await this.#needs.periods(org), ({ device }) => idFrom("device", device));
      const byDevice = new Map([...rows].map(([device, all]) => [device, Periods.beginning(all)]));
      this.#periods = { org, byDevice };
    }
    return this.#periods.byDevice;
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
    if (isRefusal(error, "seal.broken")) return undefined;
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
 * Puts parts that follow each other together to records again, sealed for a segment that is new. Parts of devices and periods whose key was erased
 * since are left out; `erased` counts them.
 */
export class LogLander {
  readonly #sealed: SegmentSeal;
  readonly #seals: Seals;
  erased = 0;
  points = 0;

  constructor(needs: Needs & { readonly segment: number; readonly key: Uint8Array }) {
    this.#seals = new Seals(needs);
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
    const key = await this.#seals.of(part);
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

const headLength = 52;

/** As a backup's frame of readings has it. */
export function bytesOfCarried({ org, device, period, position, at, body }: Carried): Uint8Array {
  const bytes = Buffer.alloc(headLength + body.length);
  bytes.set(bytesOf(org), 0);
  bytes.set(bytesOf(device), 16);
  bytes.writeUInt32BE(period, 32);
  bytes.writeBigUInt64BE(BigInt(position), 36);
  bytes.writeBigInt64BE(BigInt(at), 44);
  bytes.set(body, headLength);
  return bytes;
}

export function carriedIn(bytes: Uint8Array): Carried {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return {
    org: idFrom("org", bytes.subarray(0, 16)),
    device: idFrom("device", bytes.subarray(16, 32)),
    period: view.getUint32(32),
    position: Number(view.getBigUint64(36)),
    at: Number(view.getBigInt64(44)),
    body: bytes.subarray(headLength),
  };
}
