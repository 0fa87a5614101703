import { isDeepStrictEqual } from "node:util";
import { Refusal, type Id, type Instant } from "@holdfast/kernel";
import type { CancelReason } from "@holdfast/protocol";

/** What a device says became of a command. */
export type Reply = { readonly result: unknown } | { readonly error: unknown };

type Asked = {
  readonly id: Id<"command">;
  readonly device: Id<"device">;
  readonly name: string;
  readonly body: unknown;
  readonly batch: Id<"commandBatch"> | undefined;
  /** A person, or else a credential. */
  readonly by: string;
  readonly approvedBy?: Id<"person"> | undefined;
  readonly createdAt: Instant;
  /** By the platform's clock, which a device's own is never compared with. */
  readonly expiresAt: Instant;
  readonly version: number;
};
type WasSent = { readonly sentAt: Instant };
type WasAcknowledged = WasSent & { readonly acknowledgedAt: Instant };
type WasAnswered = WasAcknowledged & {
  readonly endedAt: Instant;
  readonly reply: Reply;
  /** When it had expired or been cancelled. */
  readonly late?: true | undefined;
};
/** Ended without an answer, perhaps after it was sent. */
type WasEnded = { readonly endedAt: Instant } & Partial<WasAcknowledged>;
/** By somebody, or for a reason by the platform itself. */
type WasCancelled = WasEnded & { readonly reason?: CancelReason | undefined };

export type Command = Asked &
  (
    | { readonly state: "proposed" }
    | { readonly state: "waiting" }
    | ({ readonly state: "sent" } & WasSent)
    | ({ readonly state: "acknowledged" } & WasAcknowledged)
    | ({ readonly state: "answered" } & WasAnswered)
    | ({ readonly state: "failed" } & WasAnswered)
    | ({ readonly state: "expired" } & WasEnded)
    | ({ readonly state: "cancelled" } & WasCancelled)
  );

/** Not over yet. */
export type Open = Extract<Command, { state: "proposed" | "waiting" | "sent" | "acknowledged" }>;
/** It may go out to the device. */
export type Deliverable = Extract<Command, { state: "waiting" | "sent" }>;
export type Sent = Extract<Command, { state: "sent" }>;

export function isOpen(command: Command): command is Open {
  const { state } = command;
  return state === "proposed" || state === "waiting" || state === "sent" || state === "acknowledged";
}

/** How it stands at that moment: what has expired is so, whether that is written down yet or not. */
export function asOf(command: Command, now: Instant): Command {
  if (!isOpen(command) || now < command.expiresAt) return command;
  return { ...command, state: "expired", endedAt: command.expiresAt, version: command.version + 1 };
}

/** @throws Refusal `command.over` */
export function approve(command: Command, person: Id<"person">): Command {
  if (!isOpen(command)) throw new Refusal("command.over");
  if (command.state !== "proposed") throw new Refusal("command.over");
  return { ...command, state: "waiting", approvedBy: person, version: command.version + 1 };
}

/** @throws Refusal `command.over` */
export function cancel(command: Command, now: Instant, reason?: CancelReason): Command {
  if (!isOpen(command)) throw new Refusal("command.over");
  return { ...command, state: "cancelled", endedAt: now, reason, version: command.version + 1 };
}

export const isDeliverable = (command: Command): command is Deliverable =>
  command.state === "waiting" || command.state === "sent";

/** It leaves, for the first time or again. */
export const send = (command: Deliverable, now: Instant): Sent =>
  command.state === "sent" ? command : { ...command, state: "sent", sentAt: now, version: command.version + 1 };

/** The device has it. One that is further already stays as it is. @throws Refusal `command.notSent` */
export function acknowledge(command: Command, now: Instant): Command {
  switch (command.state) {
    case "proposed":
    case "waiting":
      throw new Refusal("command.notSent");
    case "sent":
      return { ...command, state: "acknowledged", acknowledgedAt: now, version: command.version + 1 };
    case "acknowledged":
    case "answered":
    case "failed":
    case "expired":
    case "cancelled":
      return command;
  }
}

/**
 * What the device says became of it, once; the same said again changes nothing. Of one that it was sent and that has expired or been cancelled since
 * the answer is taken, too: what was done was done. @throws Refusal `command.notSent`, `command.answered`
 */
export function answer(command: Command, reply: Reply, now: Instant): Command {
  switch (command.state) {
    case "proposed":
    case "waiting":
      throw new Refusal("command.notSent");
    case "answered":
    case "failed":
      if (isDeepStrictEqual(command.reply, reply)) return command;
      throw new Refusal("command.answered");
    case "sent":
    case "acknowledged":
      return answered(command, reply, now, undefined);
    case "expired":
    case "cancelled": {
      const { sentAt } = command;
      if (sentAt === undefined) throw new Refusal("command.notSent");
      return answered({ ...command, sentAt }, reply, now, true);
    }
  }
}

function answered(
  command: Command & WasSent & Partial<WasAcknowledged>,
  reply: Reply,
  now: Instant,
  late: true | undefined,
): Command {
  const state = "error" in reply ? "failed" : "answered";
  const acknowledgedAt = command.acknowledgedAt ?? now;
  return { ...command, state, acknowledgedAt, endedAt: now, reply, late, version: command.version + 1 };
}
