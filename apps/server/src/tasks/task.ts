import { Refusal, type Id, type Instant } from "@holdfast/kernel";

type Described = {
  readonly id: Id<"task">;
  readonly group: Id<"group">;
  readonly name: string;
  readonly body: unknown;
  /** The person, credential or device that put it there. */
  readonly by: string;
  readonly createdAt: Instant;
  /** Nobody gets it after that. */
  readonly expiresAt: Instant;
  /** How often it was leased. An answer carries the number of its lease, and that of an earlier one is worth nothing. */
  readonly lease: number;
  /** Grows with each change; what is sealed under an older one does not open in a newer row. */
  readonly version: number;
};
type Ended = { readonly endedAt: Instant };

export type Waiting = Described & { readonly state: "waiting" };
export type Leased = Described & { readonly state: "leased"; readonly holder: Id<"device">; readonly until: Instant };
export type Done = Described &
  Ended & { readonly state: "done"; readonly holder: Id<"device">; readonly result: unknown };
export type Failed = Described &
  Ended & { readonly state: "failed"; readonly holder: Id<"device">; readonly error: unknown };
export type Over = Described & Ended & { readonly state: "expired" | "cancelled" };
export type Task = Waiting | Leased | Done | Failed | Over;

/** A lease, as whoever has it says which one it is. */
export type Lease = { readonly holder: Id<"device">; readonly lease: number };
export type Outcome = { readonly result: unknown } | { readonly error: unknown };

const described = ({ id, group, name, body, by, createdAt, expiresAt, lease, version }: Task): Described => ({
  id,
  group,
  name,
  body,
  by,
  createdAt,
  expiresAt,
  lease,
  version: version + 1,
});

/** What it is by now: a lease that is over is none. */
export function asOf(task: Task, now: Instant): Task {
  const free: Task = task.state === "leased" && task.until <= now ? { ...described(task), state: "waiting" } : task;
  return free.state === "waiting" && free.expiresAt <= now
    ? { ...described(free), state: "expired", endedAt: free.expiresAt }
    : free;
}

/** @throws Refusal `task.taken` */
export function lease(task: Task, holder: Id<"device">, now: Instant, length: number): Leased {
  const free = asOf(task, now);
  if (free.state !== "waiting") throw new Refusal("task.taken");
  return { ...described(free), state: "leased", holder, lease: free.lease + 1, until: later(now, length) };
}

/** @throws Refusal `task.leaseOver` */
export function renew(task: Task, by: Lease, now: Instant, length: number): Leased {
  const held = heldBy(task, by, now);
  return { ...described(held), state: "leased", holder: held.holder, until: later(now, length) };
}

/** Said again it is as it was. @throws Refusal `task.leaseOver` */
export function answer(task: Task, by: Lease, outcome: Outcome, now: Instant): Done | Failed {
  const isAgain =
    (task.state === "done" || task.state === "failed") && task.holder === by.holder && task.lease === by.lease;
  if (isAgain) return task;
  const { holder } = heldBy(task, by, now);
  const ended = { ...described(task), holder, endedAt: now };
  return "result" in outcome
    ? { ...ended, state: "done", result: outcome.result }
    : { ...ended, state: "failed", error: outcome.error };
}

/** Given back. @throws Refusal `task.leaseOver` */
export const release = (task: Task, by: Lease, now: Instant): Waiting => ({
  ...described(heldBy(task, by, now)),
  state: "waiting",
});

/** Its holder is not there any more: what it does not renew is soon anybody's. */
export const depart = (task: Leased, now: Instant, within: number): Leased => ({
  ...described(task),
  state: "leased",
  holder: task.holder,
  until: Math.min(task.until, later(now, within)) as Instant, // one of two
});

/** Its holder may have it no longer. */
export const takeBack = (task: Leased): Waiting => ({ ...described(task), state: "waiting" });

/** @throws Refusal `task.over` */
export function cancel(task: Task, now: Instant): Over {
  const current = asOf(task, now);
  if (current.state !== "waiting" && current.state !== "leased") throw new Refusal("task.over");
  return { ...described(current), state: "cancelled", endedAt: now };
}

function heldBy(task: Task, { holder, lease: number }: Lease, now: Instant): Leased {
  const current = asOf(task, now);
  if (current.state === "leased" && current.holder === holder && current.lease === number) return current;
  throw new Refusal("task.leaseOver");
}

const later = (now: Instant, milliseconds: number): Instant => (now + milliseconds) as Instant; // milliseconds both
