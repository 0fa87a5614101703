import { createSecretKey, type KeyObject } from "node:crypto";
import { associated, derive, open, seal } from "@holdfast/crypto";
import { Refusal, systemRandom, type Id, type Random } from "@holdfast/kernel";
import type { Keyring } from "../storage/index.ts";
import { keyNameOf } from "./periods.ts";

const day = 86_400_000;

/** Which chunk: all of it is bound into the seal, so a chunk that was moved, renamed or stretched does not open. */
export type ChunkPlace = {
  readonly series: number;
  readonly first: number;
  readonly last: number;
  readonly count: number;
  readonly position: number;
};

export type ChunkPart = "points" | "rollup";

/** Seals the chunks of a device's series, under the key of that device and period, the series and the day. */
export class ChunkSeal {
  readonly #org: Id<"org">;
  readonly #device: Uint8Array;
  readonly #random: Random;
  /** The key used last: points and rollup have the same, and chunks come in the order of days. */
  #key: KeyObject | undefined;
  #purpose = "";

  private constructor(org: Id<"org">, device: Uint8Array, random: Random) {
    this.#org = org;
    this.#device = device;
    this.#random = random;
  }

  /** @throws Refusal `device.erased` when its key is gone for ever, `keyring.incomplete` when it is only not in this keyring */
  static async of(
    needs: { keys: Keyring; random: Random },
    org: Id<"org">,
    device: Id<"device">,
    period: number,
  ): Promise<ChunkSeal> {
    const name = keyNameOf(device, period);
    const key = needs.keys.cached("device", name) ?? (await needs.keys.find("device", name));
    if (!key) throw await withoutKey(needs.keys, device, period);
    return new ChunkSeal(org, key, needs.random);
  }

  /** To open with a key that somebody has found already. */
  static withKey(org: Id<"org">, key: Uint8Array): ChunkSeal {
    return new ChunkSeal(org, key, systemRandom);
  }

  /** The device's, for a thread that opens in our place. */
  get key(): Uint8Array {
    return this.#device;
  }

  seal(part: ChunkPart, place: ChunkPlace, plain: Uint8Array): Uint8Array {
    return seal(this.#keyOf(place), this.#placeOf(part, place), plain, this.#random);
  }

  /** @throws Refusal `seal.broken` */
  open(part: ChunkPart, place: ChunkPlace, sealed: Uint8Array): Uint8Array {
    return open(this.#keyOf(place), this.#placeOf(part, place), sealed);
  }

  #keyOf({ series, first }: ChunkPlace): KeyObject {
    const purpose = `telemetry/${series}/${Math.floor(first / day)}`;
    if (!this.#key || purpose !== this.#purpose) this.#key = createSecretKey(derive(this.#device, purpose));
    this.#purpose = purpose;
    return this.#key;
  }

  #placeOf(part: ChunkPart, { series, first, last, count, position }: ChunkPlace): Uint8Array {
    return associated({
      org: this.#org,
      kind: `chunk/${part}`,
      row: [series, first, last, count].join("|"),
      version: position,
    });
  }
}

/** Organisations whose keys of one segment are kept. */
const mostKept = 10_000;

/** Why a device has no key: what that means for its readings differs. */
export async function withoutKey(keys: Keyring, device: Id<"device">, period: number): Promise<Refusal> {
  const [erased] = await keys.erased("device", [keyNameOf(device, period)]);
  return new Refusal(erased ? "device.erased" : "keyring.incomplete", { detail: `It is ${device}.` });
}

/** Seals the log's records of one segment: each organisation under a key of its own, all of them gone with the segment's. */
export class SegmentSeal {
  readonly number: number;
  readonly #key: Uint8Array;
  readonly #random: Random;
  readonly #keys = new Map<Id<"org">, KeyObject>();

  constructor(number: number, key: Uint8Array, random: Random) {
    this.number = number;
    this.#key = key;
    this.#random = random;
  }

  seal(org: Id<"org">, position: number, record: Uint8Array): Uint8Array {
    return seal(this.#keyOf(org), this.#placeOf(org, position), record, this.#random);
  }

  /** @throws Refusal `seal.broken` */
  open(org: Id<"org">, position: number, sealed: Uint8Array): Uint8Array {
    return open(this.#keyOf(org), this.#placeOf(org, position), sealed);
  }

  #keyOf(org: Id<"org">): KeyObject {
    let key = this.#keys.get(org);
    if (!key) {
      if (this.#keys.size >= mostKept) this.#keys.clear();
      this.#keys.set(org, (key = createSecretKey(derive(this.#key, `log/${org}`))));
    }
    return key;
  }

  #placeOf(org: Id<"org">, position: number): Uint8Array {
    return associated({ org, kind: "log", row: String(this.number), version: position });
  }
}
