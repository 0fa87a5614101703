import { setImmediate } from "node:timers/promises";
import {
  Refusal,
  type Clock,
  type CredentialId,
  type Id,
  type Instant,
  type RefusalCode,
  type Report,
} from "@holdfast/kernel";
import type { Storage } from "../storage/index.ts";
import type { Authentication } from "./authentication.ts";
import { refusedBy } from "./caller.ts";
import { decisionsIn, type Behind, type Opened } from "./decision-rows.ts";
import { firstHourOf, type Question } from "./decisions.ts";
import { wayOf } from "./door.ts";
import { Gathered, type Kept } from "./gathered.ts";
import type { Permit } from "./permit.ts";
import { Replay, type Verdict } from "./replay.ts";
import type { Space } from "./space.ts";
import type { Spaces } from "./spaces.ts";
import { supposed, type Change } from "./supposed.ts";
import { Tally } from "./tally.ts";

type Needs = {
  readonly storage: Storage;
  readonly spaces: Spaces;
  readonly authentication: Authentication;
  readonly clock: Clock;
  /** Whoever writes decisions down: nothing that was asked until now is left out. */
  readonly settles: { settle(space: Space): Promise<unknown> };
  readonly report: Report;
};

export type Simulated = { readonly tally: Tally; readonly from: Instant; readonly to: Instant };

const hour = 3_600_000; // milliseconds, as instants are
const day = 24 * hour;
const stint = 10; // milliseconds that others wait at most, and as long again for what was begun

/** So many of one organisation wait for each other. */
const mostWaiting = 16;

const ignore = (): void => undefined;

/** Rows that are read at a time, and in all before no further day is begun. */
const page = 300;
const mostRows = 300_000;
/** So many devices the database is told by name; of more it gives all that there is. */
const mostNamed = 100;

/** What a change would do, tried on what was asked in the last days. It changes nothing and is no attempt. */
export class Simulating {
  readonly #needs: Needs;
  readonly #queues = new Map<Id<"org">, { waiting: number; last: Promise<void> }>();
  /** The one that runs, and whoever waits behind it: the first of each organisation. */
  #turns: Promise<void> = Promise.resolve();

  constructor(needs: Needs) {
    this.#needs = needs;
  }

  /**
   * One at a time, whosever it is, because each has much in memory; organisations take turns.
   * @throws Refusal `rate.exceeded` when too many wait; `list.unknown`, `role.unknown`, `role.builtIn`, `list.full`
   */
  async simulate(permit: Permit<"authority.explain">, change: Change, days: number): Promise<Simulated> {
    const { org } = permit.scope;
    const queue = this.#queues.get(org) ?? { waiting: 0, last: Promise.resolve() };
    if (queue.waiting >= mostWaiting) {
      const detail = "Other changes of this organisation are being tried: wait until they are answered.";
      throw new Refusal("rate.exceeded", { detail, retryAfterSeconds: 5 });
    }
    queue.waiting += 1;
    this.#queues.set(org, queue);
    const simulated = queue.last.then(() => this.#inTurn(() => this.#simulate(permit, change, days)));
    // Whoever asked hears of it; the next one is another question.
    queue.last = simulated.then(ignore, ignore);
    try {
      return await simulated;
    } finally {
      queue.waiting -= 1;
      if (queue.waiting === 0) this.#queues.delete(org);
    }
  }

  #inTurn(run: () => Promise<Simulated>): Promise<Simulated> {
    const simulated = this.#turns.then(run);
    this.#turns = simulated.then(ignore, ignore); // likewise
    return simulated;
  }

  async #simulate(permit: Permit<"authority.explain">, change: Change, days: number): Promise<Simulated> {
    const { spaces, settles, clock } = this.#needs;
    const space = await spaces.of(permit.scope.org);
    const now = clock.now();
    const before = space.supposing({}, now);
    const refuse = (about: string, code: RefusalCode) =>
      refusedBy(permit, "authority.explain", about, new Refusal(code));
    const after = supposed(before, change, now, refuse);
    await settles.settle(space);
    const wanted = (now - (now % hour) - days * day) as Instant; // milliseconds since the epoch
    const devices = touchedBy(space, change);
    const { gathered, from, altered } = await this.#read(permit, { from: wanted, now }, devices);
    if (altered > 0) this.#tell(space.org, altered);
    const find = (id: CredentialId) => space.credentials.get(id);
    const replay = new Replay({ before, after }, find);
    const tally = new Tally();
    tally.notCovered = gathered.notCovered;
    tally.altered = gathered.altered;
    let since = performance.now();
    for (const some of inPages(gathered.questions())) {
      await this.#know(space, some);
      for (const one of some) {
        const credential = find(one.question.credential);
        // What is over by itself the change does not end.
        const isOver = credential?.expiresAt !== undefined && credential.expiresAt <= now;
        const verdicts = new Map<Instant, Verdict>();
        for (const next of isOver ? [undefined] : replay.verdictsOf(one)) {
          if (next) verdicts.set(...next);
          if (performance.now() - since <= stint) continue;
          await setImmediate();
          since = performance.now();
        }
        tally.add(one, credential, verdicts);
      }
    }
    permit.askAgain(); // it took a while
    return { tally, from, to: now };
  }

  #tell(org: Id<"org">, rows: number): void {
    const what = `${rows} rows of what authority was asked of ${org} do not open, because they were altered.`;
    const rest = "They are left out of what changes are tried on, and go when they are 30 days old.";
    this.#needs.report(`${what} ${rest}`, { level: "error", code: "seal.broken" });
  }

  async #know(space: Space, kept: readonly Kept[]): Promise<void> {
    await this.#needs.authentication.know(space, new Set(kept.map(({ question }) => question.credential)));
  }

  /** What was asked since then, or since the first day of which there is room for all. */
  async #read(
    permit: Permit<"authority.explain">,
    { from, now }: { readonly from: Instant; readonly now: Instant },
    devices: ReadonlySet<Id<"device">> | undefined,
  ): Promise<{ gathered: Gathered; from: Instant; altered: number }> {
    const gathered = new Gathered(from);
    const few = devices && devices.size <= mostNamed ? [...devices] : undefined;
    const known = new Map<string, Opened>();
    let rows = 0;
    let altered = 0;
    for (let of = firstHourOf(now); of >= firstHourOf(from); of = (of - day) as Instant) {
      let behind: Behind | undefined;
      do {
        const asked = { day: of, devices: few, limit: page };
        const read = await this.#needs.storage.read(permit, (unit) => decisionsIn(unit).page(asked, behind, known));
        for (const cell of read.cells) if (isAskedAt(devices, cell.question)) gathered.add(cell);
        altered += read.cells.filter((cell) => "isAltered" in cell).length;
        behind = read.behind;
        rows += read.cells.length;
      } while (behind);
      if (rows >= mostRows) return { gathered, from: Math.max(of, from) as Instant, altered }; // one of the two
    }
    return { gathered, from, altered };
  }
}

function* inPages(all: Iterable<Kept>): Generator<readonly Kept[], void> {
  let some: Kept[] = [];
  for (const one of all) {
    some.push(one);
    if (some.length < page) continue;
    yield some;
    some = [];
  }
  yield some;
}

/** Whether it is asked at the door of one of these; what is not known may be. */
const isAskedAt = (devices: ReadonlySet<Id<"device">> | undefined, question: Question | undefined): boolean =>
  !devices ||
  !question ||
  (question.device !== undefined &&
    devices.has(question.device) &&
    (question.action === "connect" || wayOf(question.action) !== undefined));

/** Which devices' decisions a change can touch; `undefined` is everybody's. */
function touchedBy(space: Space, change: Change): ReadonlySet<Id<"device">> | undefined {
  if (change.kind !== "door") return undefined;
  const { of } = change;
  return new Set([...space.devices].flatMap(([id, { product }]) => (id === of || product === of ? [id] : [])));
}
