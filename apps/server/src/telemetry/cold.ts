import { Refusal } from "@holdfast/kernel";
import { asPlatform } from "../authority/index.ts";
import { Unreachable } from "../outbound/index.ts";
import type { OrgScope, Storage } from "../storage/index.ts";
import { coldIn } from "./cold-rows.ts";
import type { ObjectStore } from "./folder-store.ts";
import type { Stored } from "./postgres.ts";
import type { Cold } from "./reader.ts";

/** Sealed bytes that are kept for whoever asks next. */
const mostKept = 32 * 1024 * 1024;
/** Chunks that lie no further apart are brought together. */
const gap = 64 * 1024;
/** Bytes that are brought with one question. */
const mostAtOnce = 4 * 1024 * 1024;

type Needs = {
  readonly storage: Storage;
  readonly store: ObjectStore;
  /** Tests keep fewer bytes. */
  readonly most?: number;
};

type Wanted = Stored & { readonly index: number };

/** Reads chunks that were moved to the object store: neighbours together, and none twice in a short time. */
export class ColdChunks implements Cold {
  readonly #needs: Needs;
  /** The one used last is the last. */
  readonly #kept = new Map<string, Uint8Array>();
  #bytes = 0;

  constructor(needs: Needs) {
    this.#needs = needs;
  }

  async read(scope: OrgScope, places: readonly Stored[]): Promise<readonly Uint8Array[]> {
    const { storage } = this.#needs;
    const found: (Uint8Array | undefined)[] = places.map((place) => this.#recall(nameOf(place)));
    const wanted = places.flatMap((place, index) => (found[index] ? [] : [{ ...place, index }]));
    const objects = [...new Set(wanted.map(({ object }) => object))];
    const names =
      objects.length === 0
        ? new Map<number, string>()
        : await storage.read(asPlatform(scope), (unit) => coldIn(unit).namesOf(objects));
    for (const run of runsOf(wanted)) {
      const [begin, end] = [run[0]?.at ?? 0, Math.max(...run.map(({ at, length }) => at + length))];
      const bytes = await this.#bring(names.get(run[0]?.object ?? 0), begin, end - begin);
      for (const { index, ...place } of run) {
        const part = bytes.slice(place.at - begin, place.at - begin + place.length);
        found[index] = part;
        this.#keep(nameOf(place), part);
      }
    }
    return found.map((bytes) => bytes ?? new Uint8Array()); // each was recalled or brought
  }

  /** What was brought was not what was moved: a store that gives the right bytes again is believed again. */
  forget(places: readonly Stored[]): void {
    for (const place of places) this.#drop(nameOf(place));
  }

  async #bring(name: string | undefined, from: number, length: number): Promise<Uint8Array> {
    if (name === undefined) throw new Refusal("cold.lost");
    let bytes: Uint8Array | undefined;
    try {
      bytes = await this.#needs.store.read(name, from, length);
    } catch (cause) {
      throw unreachable(cause);
    }
    if (!bytes) throw new Refusal("cold.lost");
    return bytes;
  }

  #recall(name: string): Uint8Array | undefined {
    const bytes = this.#kept.get(name);
    if (!bytes) return undefined;
    this.#keep(name, bytes);
    return bytes;
  }

  /** Two may have brought the same at the same time. */
  #keep(name: string, bytes: Uint8Array): void {
    this.#drop(name);
    this.#kept.set(name, bytes);
    this.#bytes += bytes.length;
    for (const oldest of this.#kept.keys()) {
      if (this.#bytes <= (this.#needs.most ?? mostKept)) return;
      this.#drop(oldest);
    }
  }

  #drop(name: string): void {
    this.#bytes -= this.#kept.get(name)?.length ?? 0;
    this.#kept.delete(name);
  }
}

/** Only what its owner may do something about: no name of an object, no address. */
export function unreachable(cause: unknown): Refusal {
  if (cause instanceof Unreachable) return new Refusal("cold.unreachable", { cause, retryAfterSeconds: 30 });
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : undefined;
  return new Refusal("cold.unreachable", { cause, retryAfterSeconds: 30, ...(code && { detail: `It says ${code}.` }) });
}

const nameOf = ({ object, at }: Stored): string => `${object} ${at}`;

function runsOf(wanted: readonly Wanted[]): readonly (readonly Wanted[])[] {
  const runs: Wanted[][] = [];
  for (const one of wanted.toSorted((a, b) => a.object - b.object || a.at - b.at)) {
    const run = runs.at(-1);
    const last = run?.at(-1);
    const isNear =
      last?.object === one.object &&
      one.at - (last.at + last.length) <= gap &&
      one.at + one.length - (run?.[0]?.at ?? 0) <= mostAtOnce;
    if (run && isNear) run.push(one);
    else runs.push([one]);
  }
  return runs;
}
