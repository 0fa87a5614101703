import assert from "node:assert/strict";

/** What somebody was given, until when as far as it knows, and whether it gave that up before. */
type Grant = { readonly holder: string; readonly gotAt: number; until: number; latest: number; hasEnded: boolean };
type Answer = { readonly by: string; readonly lease: number };

/** Milliseconds within which a lease that is over is somebody else's: the declared second, and the machine's own. */
const mostWait = 10_000;

/** What workers were told about tasks, checked as it comes: who may have which, and whose answer counts. */
export class TaskLedger {
  readonly #grants = new Map<string, Map<number, Grant>>();
  readonly #taken = new Map<string, Answer>();
  readonly #downtimes: { readonly from: number; to: number }[] = [];
  passedOn = 0;
  longestWait = 0;
  refused = 0;

  /** Whoever had the lease before had it no more when this one was got. */
  granted(task: string, lease: number, holder: string, until: number): void {
    const gotAt = Date.now();
    const all = this.#grants.get(task) ?? new Map<number, Grant>();
    this.#grants.set(task, all);
    const known = all.get(lease);
    assert.ok(
      !known || known.holder === holder,
      `lease ${lease} of ${task} was given to ${known?.holder} and ${holder}`,
    );
    if (known) return;
    assert.ok(!this.#taken.has(task), `${task} is done, and was given to ${holder}`);
    for (const [number, { until: before, hasEnded, holder: who }] of all) {
      if (number < lease && !hasEnded) assert.ok(before <= gotAt, `${who} and ${holder} have ${task} at once`);
      assert.ok(number < lease || gotAt <= before + mostWait, "numbers grow");
    }
    const last = all.get(lease - 1);
    if (last && !last.hasEnded) this.#passed(last, gotAt);
    all.set(lease, { holder, gotAt, until, latest: until, hasEnded: false });
  }

  #passed({ latest }: Grant, gotAt: number): void {
    const away = this.#downtimes.reduce(
      (sum, { from, to }) => sum + Math.max(0, Math.min(to, gotAt) - Math.max(from, latest)),
      0,
    );
    const waited = gotAt - latest - away;
    assert.ok(waited <= mostWait, `a lease that was over waited ${waited} ms for somebody else`);
    this.passedOn += 1;
    this.longestWait = Math.max(this.longestWait, waited);
  }

  /** `until` where the platform said so; else nobody knows whether it did, and it may be that late. */
  renewed(task: string, lease: number, until: { readonly known: number } | { readonly atMost: number }): void {
    const grant = this.#of(task, lease);
    if ("known" in until) grant.until = Math.max(grant.until, until.known);
    grant.latest = Math.max(grant.latest, "known" in until ? until.known : until.atMost);
  }

  /** It is given back, or answered, perhaps: from now on others may have it. */
  gaveUp(task: string, lease: number): void {
    this.#of(task, lease).hasEnded = true;
  }

  took(task: string, lease: number, by: string): void {
    const before = this.#taken.get(task);
    assert.ok(!before || (before.by === by && before.lease === lease), `${task} was done by two`);
    const { holder } = this.#of(task, lease);
    assert.equal(holder, by);
    this.#taken.set(task, { by, lease });
  }

  /** Only whoever has it no more is refused. */
  refusedTo(task: string, lease: number, sentAt: number): void {
    const { until } = this.#of(task, lease);
    this.refused += 1;
    assert.ok(Date.now() >= until, `${task} was refused ${until - sentAt} ms before its lease was over`);
  }

  wentAway(): void {
    this.#downtimes.push({ from: Date.now(), to: Number.POSITIVE_INFINITY });
  }

  cameBack(): void {
    const last = this.#downtimes.at(-1);
    if (last) last.to = Date.now();
  }

  answerOf(task: string): Answer | undefined {
    return this.#taken.get(task);
  }

  get done(): number {
    return this.#taken.size;
  }

  get granteds(): number {
    return [...this.#grants.values()].reduce((sum, { size }) => sum + size, 0);
  }

  #of(task: string, lease: number): Grant {
    return this.#grants.get(task)?.get(lease) ?? assert.fail(`lease ${lease} of ${task} was given to nobody`);
  }
}
