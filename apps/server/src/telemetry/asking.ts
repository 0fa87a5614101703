import type { Clock, Random } from "@holdfast/kernel";
import type { Spaces } from "../authority/index.ts";
import type { Keyring, Storage } from "../storage/index.ts";
import { Decoding } from "./decoding.ts";
import { Exports } from "./exports.ts";
import { ParquetFiles } from "./parquet.ts";
import { TelemetryQueries } from "./query.ts";
import { Questions } from "./questions.ts";
import type { Telemetry } from "./telemetry.ts";

type Needs = {
  readonly telemetry: Telemetry;
  readonly storage: Storage;
  readonly keys: Keyring;
  readonly spaces: Spaces;
  readonly random: Random;
  readonly clock: Clock;
};

/** All ways to ask what was measured, and the threads that they share. */
export class Asking {
  readonly #decoding = new Decoding();
  readonly #parquet = new ParquetFiles();
  readonly queries: TelemetryQueries;
  readonly questions: Questions;
  readonly exports: Exports;

  constructor(needs: Needs) {
    const all = { ...needs, decoding: this.#decoding };
    this.queries = new TelemetryQueries(all);
    this.questions = new Questions(all);
    this.exports = new Exports({ ...all, parquet: this.#parquet, questions: this.questions });
  }

  /** Begins the threads now. */
  async load(): Promise<void> {
    await Promise.all([this.#decoding.load(), this.#parquet.load()]);
  }

  async close(): Promise<void> {
    await Promise.all([this.#decoding.close(), this.#parquet.close()]);
  }
}
