// Hot path: what arrives while one commit is in flight is the next one.
import { Refusal, type Clock, type Id, type Instant } from "@holdfast/kernel";
import { AppendFailed, insertInto, type Storage } from "../storage/index.ts";
import type { Value } from "./reading.ts";
import { RecordWriter } from "./record.ts";
import type { SegmentSeal } from "./sealing.ts";
import type { Segments } from "./segments.ts";
import type { Series } from "./series.ts";

/** Whoever waits for a message to be durable. 0 is durable; else an MQTT 5 reason code says why it was not kept. */
export interface Waiting {
  settle(code: number, reasonString?: string): void;
}

export const serverUnavailable = 0x88;
export const quotaExceeded = 0x97;

/** Bytes of one organisation's record in one commit; what is more waits for the next, so that nobody's flood delays the others. */
const share = 1024 * 1024;
/** Milliseconds that a batch is tried again while the database is away. */
const patience = 10_000;
/** Bytes that may wait in all; then whoever comes is told to come later. */
const mostWaiting = 128 * 1024 * 1024;

/** What one organisation has in one commit. The points stand by until it is durable. */
class OrgBatch {
  readonly org: Id<"org">;
  readonly writer = new RecordWriter(4_096);
  readonly series: Series[] = [];
  readonly times: number[] = [];
  readonly values: Value[] = [];
  readonly waiting: Waiting[] = [];
  readonly after: (() => void)[] = [];

  constructor(org: Id<"org">) {
    this.org = org;
  }
}

type Needs = {
  readonly storage: Storage;
  readonly segments: Segments;
  readonly clock: Clock;
  /** The points of a commit are in their buffers. */
  readonly committed: (series: readonly Series[]) => void;
  readonly report: (message: string) => void;
};

const insert = `${insertInto("log", ["segment", "pos", "at", "body"])} on conflict do nothing`;

/** Makes messages durable, many organisations' and many devices' in one commit, and tells whoever waits. */
export class Committer {
  readonly #needs: Needs;
  #queues = new Map<Id<"org">, OrgBatch[]>();
  #queued = 0;
  #running: Promise<void> | undefined;
  #position: number;
  #down: Refusal | undefined;
  readonly statistics = { commits: 0, points: 0, bytes: 0, messages: 0 };

  constructor(needs: Needs, position: number) {
    this.#needs = needs;
    this.#position = position;
  }

  /** Why nothing can be kept at the moment. */
  get down(): Refusal | undefined {
    return this.#down;
  }

  get waitingBytes(): number {
    return this.#queued;
  }

  /** @throws Refusal when it is known already that this would not be kept */
  admit(): void {
    if (this.#down) throw this.#down;
    if (this.#queued > mostWaiting) throw new Refusal("storage.unavailable", { retryAfterSeconds: 1 });
    this.#needs.storage.admit();
  }

  /** Begins a message of one organisation; readings follow, then `end`. Not interleaved with another message's. */
  begin(org: Id<"org">): OrgBatch {
    let queue = this.#queues.get(org);
    if (!queue) this.#queues.set(org, (queue = []));
    let batch = queue.at(-1);
    if (!batch || batch.writer.byteLength >= share) queue.push((batch = new OrgBatch(org)));
    return batch;
  }

  end(batch: OrgBatch, bytesBefore: number, waiting: Waiting, after: (() => void) | undefined): void {
    batch.waiting.push(waiting);
    if (after) batch.after.push(after);
    this.#queued += batch.writer.byteLength - bytesBefore;
    this.#running ??= this.#run();
  }

  /** Everything that was taken so far is durable, or refused. */
  async drain(): Promise<void> {
    while (this.#running) await this.#running;
  }

  async #run(): Promise<void> {
    await undefined; // let the rest of this turn's messages come along
    try {
      while (this.#queues.size > 0) await this.#commit(this.#take());
    } finally {
      this.#running = undefined;
    }
  }

  /** The next batch of each organisation. */
  #take(): OrgBatch[] {
    const batches: OrgBatch[] = [];
    for (const [org, queue] of this.#queues) {
      const batch = queue.shift();
      if (batch) batches.push(batch);
      if (queue.length === 0) this.#queues.delete(org);
    }
    return batches;
  }

  async #commit(taken: OrgBatch[]): Promise<void> {
    const { segments, clock } = this.#needs;
    const position = (this.#position += 1);
    const size = taken.reduce((sum, { writer }) => sum + writer.byteLength, 0);
    try {
      const segment = await segments.current();
      const kept = await this.#append(taken, segment, position, clock.now());
      for (const batch of kept) this.#keep(batch, position);
    } finally {
      this.#queued -= size;
    }
  }

  /** Answers the batches that are durable now; the others were told. */
  async #append(taken: OrgBatch[], segment: SegmentSeal, position: number, at: Instant): Promise<readonly OrgBatch[]> {
    let batches = taken;
    let bytes = 0;
    const appends = new Map(
      taken.map((batch) => {
        const body = segment.seal(batch.org, position, batch.writer.finish());
        bytes += body.length;
        return [batch, { org: batch.org, text: insert, values: [segment.number, position, at, body] }] as const;
      }),
    );
    const began = performance.now();
    while (batches.length > 0) {
      try {
        await this.#needs.storage.ingest.append(batches.flatMap((batch) => appends.get(batch) ?? []));
        this.#recovered();
        this.#needs.segments.wrote(bytes, position);
        this.statistics.commits += 1;
        this.statistics.bytes += bytes;
        return batches;
      } catch (error) {
        if (error instanceof AppendFailed) {
          // One organisation's record was refused: alone, not with everybody else's.
          const refused = batches[error.index];
          this.#needs.report(`the database refused a record of ${refused?.org}`);
          if (refused) refuse(refused, new Refusal("storage.unavailable"), serverUnavailable);
          batches = batches.filter((batch) => batch !== refused);
        } else if (
          error instanceof Refusal &&
          error.code === "storage.unavailable" &&
          performance.now() - began < patience
        ) {
          // Perhaps it was kept and only the answer is missing: the same position again changes nothing then.
          await new Promise((resolve) => setTimeout(resolve, 50));
        } else {
          this.#failed(error, batches);
          return [];
        }
      }
    }
    return [];
  }

  #keep(batch: OrgBatch, position: number): void {
    const { series, times, values } = batch;
    for (let at = 0; at < series.length; at++) {
      series[at]?.add(times[at] ?? 0, values[at] ?? 0, position); // the three columns are equally long
    }
    this.statistics.points += series.length;
    this.statistics.messages += batch.waiting.length;
    for (const then of batch.after) then();
    for (const waiting of batch.waiting) waiting.settle(0);
    this.#needs.committed(series);
  }

  /** Nobody's message is forgotten: each is told that it was not kept, those that queue as well. */
  #failed(error: unknown, batches: readonly OrgBatch[]): void {
    const isFull = error instanceof Refusal && error.code === "storage.full";
    const refusal = error instanceof Refusal ? error : new Refusal("storage.unavailable", { cause: error });
    if (!(error instanceof Refusal)) this.#needs.report("a commit failed by our own fault");
    const queued = [...this.#queues.values()].flat();
    this.#queues.clear();
    this.#queued = batches.reduce((sum, { writer }) => sum + writer.byteLength, 0); // `#commit` subtracts these
    for (const batch of [...batches, ...queued]) refuse(batch, refusal, isFull ? quotaExceeded : serverUnavailable);
    if (isFull || this.#down) return;
    this.#down = new Refusal("storage.unavailable", { retryAfterSeconds: 2 });
    this.#needs.report("The database does not answer: readings are refused until it does.");
    void this.#probe();
  }

  /** Asks until it answers again. */
  async #probe(): Promise<void> {
    while (this.#down) {
      try {
        await this.#needs.storage.maintain.call("log_orgs", []);
        this.#recovered();
      } catch {
        // Still away. `call` itself waits for seconds.
        await new Promise((resolve) => setTimeout(resolve, 200).unref());
      }
    }
  }

  #recovered(): void {
    if (!this.#down) return;
    this.#down = undefined;
    this.#needs.report("The database answers again.");
  }
}

export type { OrgBatch };

function refuse(batch: OrgBatch, refusal: Refusal, code: number): void {
  for (const waiting of batch.waiting) waiting.settle(code, refusal.message);
}
