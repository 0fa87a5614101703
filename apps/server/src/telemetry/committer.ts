// Hot path: what arrives while one commit is in flight is the next one.
import { because, isRefusal, Refusal, type Id, type Instant } from "@holdfast/kernel";
import { AppendFailed, insertInto, type Append, type OrgScope } from "../storage/index.ts";
import { OrgBatch, quotaExceeded, serverUnavailable, type Waiting } from "./batch.ts";
import { faultOf } from "./fault.ts";
import { insertMarks, sealMarks } from "./marks.ts";
import { insertMessages, sealMessages } from "./message-log.ts";
import type { CommitterNeeds } from "./needs.ts";

/** Bytes of one organisation's record in one commit; what is more waits for the next, so that nobody's flood delays the others. */
const share = 1024 * 1024;
/** Bytes of all records in one commit. Who finds no place has the first in the next. */
const mostTogether = 8 * share;
/** Bytes that may wait in all, and of one organisation; then whoever comes is told to come later. */
const mostWaiting = 128 * 1024 * 1024;
const mostOfOne = mostWaiting / 2;
/** Seconds that a commit is tried while the database is away, and while the platform stops. */
const patience = 10;
const patienceAtEnd = 3;
/** Milliseconds between two attempts. */
const pause = 50;

type Appended = { readonly kept: readonly OrgBatch[]; readonly unknown: readonly OrgBatch[] };

/** A commit that was given up without an answer, as it was sent. */
type Doubtful = {
  readonly appends: Map<OrgBatch, readonly Append[]>;
  readonly position: number;
  readonly at: Instant;
};

type Queue = { readonly batches: OrgBatch[]; cost: number };

/** Every attempt of a commit is the same statement: again after an unknown outcome it changes nothing. */
const insert = `${insertInto("log", ["segment", "pos", "at", "body"])} on conflict do nothing`;

/** Makes messages durable, many organisations' and many devices' in one commit, and tells whoever waits. */
export class Committer {
  readonly #needs: CommitterNeeds;
  /** Who waits, in the order in which the organisations have their turn. */
  readonly #queues = new Map<Id<"org">, Queue>();
  /** Bytes that wait, those of the commit in flight included. */
  #waiting = 0;
  #running: Promise<void> | undefined;
  #turnWanted = false;
  #position: number;
  #doubtful: Doubtful | undefined;
  #down: Refusal | undefined;
  #isClosing = false;
  #seconds = 0;
  #giveUp: () => void = () => undefined;
  #watch: { cancel(): void } | undefined;
  readonly statistics = { commits: 0, points: 0, bytes: 0, messages: 0 };

  constructor(needs: CommitterNeeds, position: number) {
    this.#needs = needs;
    this.#position = position;
  }

  /** Of the commit that was begun last. */
  get position(): number {
    return this.#position;
  }

  /** Positions up to here were given away already, by what is written down elsewhere: a stop may have lost the commits. */
  skip(position: number): void {
    this.#position = Math.max(this.#position, position);
  }

  get waitingBytes(): number {
    return this.#waiting;
  }

  /** @throws Refusal `storage.unavailable` or `storage.full` when it is known already that this would not be kept */
  admit(org?: Id<"org">): void {
    this.#bear(org);
    this.#needs.storage.admit();
  }

  #bear(org: Id<"org"> | undefined): void {
    if (this.#down) throw this.#down;
    if (this.#waiting > mostWaiting || (org && (this.#queues.get(org)?.cost ?? 0) > mostOfOne))
      throw new Refusal("storage.unavailable", { retryAfterSeconds: 1, detail: "Too much is waiting for it." });
  }

  /** Begins a message of one organisation; readings follow, then `end`, in the same turn of the event loop. */
  begin(scope: OrgScope): OrgBatch {
    let queue = this.#queues.get(scope.org);
    if (!queue) this.#queues.set(scope.org, (queue = { batches: [], cost: 0 }));
    const last = queue.batches.at(-1);
    if (last && last.byteLength < share) return last;
    const batch = new OrgBatch(scope);
    queue.batches.push(batch);
    return batch;
  }

  end(batch: OrgBatch, waiting: Waiting): void {
    batch.messages += 1;
    this.#wait(batch, waiting);
  }

  /**
   * A record of the broker's without a message, behind all that were given before; without a record it only waits for those. `done`
   * hears 0 and the position, or why it was not kept. What ends something is taken on a full disk, too.
   * @throws Refusal `storage.unavailable`
   */
  append(scope: OrgScope, record: Uint8Array | undefined, done: (code: number, position: number) => void): void {
    this.#bear(scope.org);
    const batch = this.begin(scope);
    this.#wait(batch, { record, settle: (code) => done(code, batch.position) });
  }

  #wait(batch: OrgBatch, waiting: Waiting): void {
    const cost = batch.wait(waiting);
    this.#waiting += cost;
    const queue = this.#queues.get(batch.org);
    if (queue) queue.cost += cost;
    this.#start();
  }

  /** Lets the log go on to its next segment between two commits, also when none comes. */
  turn(): void {
    this.#turnWanted = true;
    this.#start();
  }

  /** From now on every commit stands behind this position. */
  passPosition(position: number): void {
    this.#position = Math.max(this.#position, position);
  }

  /** An organisation is erased: what of it may have been kept is not sent again. */
  forget(org: Id<"org">): void {
    for (const batch of this.#doubtful?.appends.keys() ?? []) {
      if (batch.org !== org) continue;
      this.#doubtful?.appends.delete(batch);
      batch.isDoubtful = false;
      this.#refuse(batch);
    }
  }

  /** Everything that was taken so far is durable, or refused. */
  async drain(): Promise<void> {
    while (this.#running) await this.#running;
  }

  /** The same, with less patience for a database that is away; and nobody asks for it any more. */
  async close(): Promise<void> {
    this.#isClosing = true;
    await this.drain();
    this.#watch?.cancel();
  }

  #start(): void {
    if (this.#running) return;
    this.#running = this.#run();
    this.#look();
  }

  async #run(): Promise<void> {
    await Promise.resolve(); // let the rest of this turn's messages come along
    while (this.#queues.size > 0 || this.#turnWanted) {
      this.#turnWanted = false;
      const taken = this.#take();
      const cost = taken.reduce((sum, batch) => sum + batch.cost, 0);
      try {
        await this.#commit(taken);
      } catch (fault) {
        this.#blame(fault);
        for (const batch of taken) this.#refuse(batch);
      }
      this.#waiting -= cost;
    }
    this.#running = undefined;
    this.#giveUp = () => undefined; // or the connections of the last commit stay in memory until the next
  }

  /** The next batch of each organisation, as many as fit in a commit. */
  #take(): OrgBatch[] {
    const batches: OrgBatch[] = [];
    const again: [Id<"org">, Queue][] = [];
    let bytes = 0;
    for (const [org, queue] of this.#queues) {
      if (bytes >= mostTogether) break;
      this.#queues.delete(org);
      const batch = queue.batches.shift();
      if (!batch) continue;
      bytes += batch.byteLength;
      queue.cost -= batch.cost;
      batches.push(batch);
      if (queue.batches.length > 0) again.push([org, queue]);
    }
    for (const [org, queue] of again) this.#queues.set(org, queue);
    return batches;
  }

  async #commit(taken: readonly OrgBatch[]): Promise<void> {
    const { segments, messageSeals, clock } = this.#needs;
    await this.#resolve();
    if (this.#doubtful) {
      for (const batch of taken) this.#refuse(batch);
      return;
    }
    const seal = segments.current();
    if (taken.length === 0) return;
    const position = (this.#position += 1);
    const at = clock.now();
    const appends = new Map<OrgBatch, readonly Append[]>();
    for (const batch of taken) {
      const { org, scope, records, marks } = batch;
      try {
        const rows: Append[] = [];
        if (batch.points > 0) {
          const body = seal.seal(org, position, batch.writer.finish());
          rows.push({ org, text: insert, values: [seal.number, position, at, body] });
          batch.sealedBytes = body.length;
        }
        if (records.length > 0) {
          const messageSeal = messageSeals.of(org);
          const body = sealMessages(messageSeal, position, records);
          rows.push({ org, text: insertMessages, values: [position, at, body, messageSeal.generation] });
          batch.sealedRecordBytes = body.length;
        }
        if (marks.length > 0)
          rows.push({ org, text: insertMarks, values: [position, at, sealMarks(scope, position, marks)] });
        appends.set(batch, rows);
      } catch (fault) {
        // One organisation's record cannot be made: alone, not with everybody else's.
        this.#blame(fault);
        this.#refuse(batch);
      }
    }
    const { kept, unknown } = await this.#append(appends);
    if (unknown.length > 0) {
      const sent = new Map(unknown.map((batch) => [batch, appends.get(batch) ?? []]));
      this.#doubtful = { appends: sent, position, at };
    }
    this.#keep(kept, position, at);
  }

  /**
   * A commit that was given up may have been kept, and what was marked or recorded with it is then known by the mark when it comes again: its readings
   * must not be in the log alone, which is let go. Before anything else is written it is sent once more, which changes nothing where it is there.
   */
  async #resolve(): Promise<void> {
    const doubtful = this.#doubtful;
    if (!doubtful) return;
    this.#doubtful = undefined;
    const { appends, position, at } = doubtful;
    for (const batch of appends.keys()) batch.isDoubtful = false;
    const { kept, unknown } = await this.#append(appends, true);
    if (unknown.length > 0) this.#doubtful = doubtful;
    this.#keep(kept, position, at);
  }

  #keep(kept: readonly OrgBatch[], position: number, at: Instant): void {
    if (kept.length === 0) return;
    const { segments, committed } = this.#needs;
    const bytes = kept.reduce((sum, batch) => sum + batch.sealedBytes, 0);
    if (bytes > 0) segments.wrote({ bytes, position, at });
    if (kept.some((batch) => batch.sealedBytes + batch.sealedRecordBytes > 0)) this.statistics.commits += 1;
    this.statistics.bytes += bytes;
    // In this order: whoever is told that it is durable can read it, and no segment goes before its points are known to the flusher.
    for (const batch of kept) committed(batch.keep(position));
    for (const batch of kept) {
      if (batch.sealedRecordBytes > 0) this.#needs.recorded(batch.org, batch.sealedRecordBytes);
      this.statistics.points += batch.points;
      this.statistics.messages += batch.messages;
      for (const fault of batch.settle()) this.#blame(fault);
    }
  }

  /** Answers the batches that are durable now; the others were told, and of some of them it is `unknown` whether they are. */
  async #append(appends: ReadonlyMap<OrgBatch, readonly Append[]>, isUnknown = false): Promise<Appended> {
    const { ingest } = this.#needs.storage;
    let batches = [...appends.keys()];
    this.#seconds = 0;
    const { promise: over, reject } = Promise.withResolvers<never>();
    this.#giveUp = () => reject(new Refusal("storage.unavailable", { retryAfterSeconds: 2 }));
    let isOver = false;
    over.catch(() => (isOver = true));
    while (batches.length > 0) {
      const rows = batches.flatMap((batch) => (appends.get(batch) ?? []).map((append) => ({ batch, append })));
      try {
        await Promise.race([ingest.append(rows.map(({ append }) => append)), over]);
        this.#recovered();
        return { kept: batches, unknown: [] };
      } catch (error) {
        if (error instanceof AppendFailed) {
          // The database refused one organisation's record: alone, too.
          const refused = rows[error.index]?.batch;
          this.#needs.report(`The database refused a record of ${refused?.org}.`, because(error));
          if (refused) this.#refuse(refused);
          batches = batches.filter((batch) => batch !== refused);
          continue;
        }
        // Perhaps it was kept and only the answer is missing.
        isUnknown ||= isRefusal(error, "storage.unavailable");
        if (isRefusal(error, "storage.unavailable") && !isOver) {
          await Promise.race([this.#pause(pause), over]).catch(() => undefined); // the next attempt ends it
        } else {
          const unknown = isUnknown ? batches.filter(({ isKnownAgain }) => isKnownAgain) : [];
          for (const batch of unknown) batch.isDoubtful = true;
          this.#failed(error, batches);
          // What the broker gave may have been kept: it has to read what it was left with.
          for (const { org, records } of unknown) if (records.length > 0) this.#needs.doubtful(org);
          return { kept: [], unknown };
        }
      }
    }
    return { kept: [], unknown: [] };
  }

  #pause(milliseconds: number): Promise<void> {
    return new Promise((resolve) => this.#needs.timers.after(milliseconds, resolve));
  }

  /** Nobody's message is forgotten: each is told that it was not kept, those that queue as well. */
  #failed(error: unknown, batches: readonly OrgBatch[]): void {
    if (!(error instanceof Refusal)) throw error;
    const isFull = error.code === "storage.full";
    const queued = [...this.#queues.values()].flatMap((queue) => queue.batches);
    this.#queues.clear();
    for (const batch of queued) this.#waiting -= batch.cost; // those in flight are subtracted where they were taken
    for (const batch of [...batches, ...queued]) this.#refuse(batch, error, isFull ? quotaExceeded : serverUnavailable);
    if (isFull || this.#down || this.#isClosing) return;
    this.#down = new Refusal("storage.unavailable", { retryAfterSeconds: 2 });
    this.#needs.report("The database does not answer: readings are refused until it does.", because(this.#down));
    this.#probe();
  }

  #refuse(batch: OrgBatch, refusal = new Refusal("storage.unavailable"), code = serverUnavailable): void {
    for (const fault of batch.refuse(code, refusal.message)) this.#blame(fault);
  }

  /** Asks until it answers again. */
  #probe(): void {
    if (!this.#down || this.#isClosing) return;
    this.#needs.storage.directory.call("high_water", []).then(
      () => this.#recovered(),
      () => this.#needs.timers.after(4 * pause, () => this.#probe()), // `call` itself has waited for seconds
    );
  }

  #recovered(): void {
    if (!this.#down) return;
    this.#down = undefined;
    this.#needs.report("The database answers again.");
    if (this.#doubtful) this.turn();
  }

  /** One timer for all commits: counts the seconds of the one in flight. */
  #look(): void {
    if (this.#watch) return;
    this.#watch = this.#needs.timers.after(1_000, () => {
      this.#watch = undefined;
      if (!this.#running) return;
      this.#seconds += 1;
      if (this.#seconds >= (this.#isClosing ? patienceAtEnd : patience)) this.#giveUp();
      this.#look();
    });
  }

  #blame(fault: unknown): void {
    this.#needs.report(`A commit met a fault of our own: ${faultOf(fault)}.`, because(fault));
  }
}
