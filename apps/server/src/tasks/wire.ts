import { Refusal, rfc3339, type Id, type Instant } from "@holdfast/kernel";
import { ownTasks } from "@holdfast/protocol";
import type { Space } from "../authority/index.ts";
import type { Board } from "./board.ts";
import type { Leased } from "./task.ts";

type Member = { readonly space: Space; readonly device: Id<"device">; readonly group: Id<"group"> };

const second = 1_000;

/** What a member is told of a lease: seconds are to be counted, not its clock's time. */
export const leasedReply = ({ id, name, body, lease, until }: Leased, now: Instant) => ({
  id,
  name,
  ...(body !== undefined && { body }),
  lease,
  until: rfc3339(until),
  seconds: Math.max(0, Math.floor((until - now) / second)),
});

/**
 * What a member says to `groups/{group}/tasks/{verb}`. `undefined` for another verb. The work answers what the member is told.
 * @throws Refusal `task.malformed`
 */
export function doByWire(
  board: Board,
  member: Member,
  verb: string,
  payload: Uint8Array,
): ((now: () => Instant) => Promise<object | undefined>) | undefined {
  switch (verb) {
    case "put": {
      const { key, ...task } = read(ownTasks.put, payload);
      return async () => ({ put: (await board.putBy(member, task, key)).id, ...(key !== undefined && { key }) });
    }
    case "lease": {
      const { count, seconds } = read(ownTasks.lease, payload);
      return async (now) => {
        const leased = await board.lease(member, count, seconds * second);
        return { leased: leased.map((task) => leasedReply(task, now())) };
      };
    }
    case "renew": {
      const { task, lease, seconds } = read(ownTasks.renewOne, payload);
      return async (now) => ({ renewed: leasedReply(await board.renew(member, task, lease, seconds * second), now()) });
    }
    case "answer": {
      const { task, lease, ...outcome } = read(ownTasks.answerOne, payload);
      return async () => void (await board.answer(member, task, lease, outcome as { result: unknown }));
    }
    case "release": {
      const { task, lease } = read(ownTasks.releaseOne, payload);
      return async () => void (await board.release(member, task, lease));
    }
    default:
      return undefined;
  }
}

function read<T>(shape: { safeParse(value: unknown): { success: boolean; data?: T } }, payload: Uint8Array): T {
  let sent: unknown;
  try {
    sent = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(payload));
  } catch {
    throw new Refusal("task.malformed"); // without the cause: it quotes the body
  }
  const { success, data } = shape.safeParse(sent);
  if (!success || data === undefined) throw new Refusal("task.malformed");
  return data;
}
