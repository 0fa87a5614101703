import { isId, Refusal, rfc3339, type Clock, type Id } from "@holdfast/kernel";
import { routes } from "@holdfast/protocol";
import { on, type Caller, type Handler } from "../authority/index.ts";
import type { Board } from "./board.ts";
import type { Task } from "./task.ts";
import { leasedReply } from "./wire.ts";

type Needs = { readonly board: Board; readonly clock: Clock };
const second = 1_000;

export const taskRoutes = ({ board, clock }: Needs): Handler[] => [
  on(routes.putTask, async ({ permit, params, body }) => taskReply(await board.put(permit, groupIn(params), body))),
  on(routes.listTasks, async ({ permit, params, query }) => {
    const { items, nextCursor } = await board.list(permit, groupIn(params), query);
    return { items: items.map(taskReply), ...(nextCursor !== undefined && { nextCursor }) };
  }),
  on(routes.readTask, async ({ permit, params }) =>
    taskReply(await board.read(permit, groupIn(params), taskIn(params))),
  ),
  on(routes.cancelTask, async ({ permit, params }) =>
    taskReply(await board.cancel(permit, groupIn(params), taskIn(params))),
  ),
  on(routes.putOwnTask, async ({ permit, caller, params, body }) =>
    taskReply(await board.putBy(memberIn(caller, permit.on, params), body)),
  ),
  on(routes.leaseTasks, async ({ permit, caller, params, body }) => {
    const leased = await board.lease(memberIn(caller, permit.on, params), body.count, body.seconds * second);
    return { items: leased.map((task) => leasedReply(task, clock.now())) };
  }),
  on(routes.renewTask, async ({ permit, caller, params, body }) => {
    const member = memberIn(caller, permit.on, params);
    const leased = await board.renew(member, taskIn(params), body.lease, body.seconds * second);
    return leasedReply(leased, clock.now());
  }),
  on(routes.answerTask, async ({ permit, caller, params, body: { lease, ...outcome } }) => {
    await board.answer(
      memberIn(caller, permit.on, params),
      taskIn(params),
      lease,
      "error" in outcome ? { error: outcome.error } : { result: outcome.result },
    );
    return {};
  }),
  on(routes.releaseTask, async ({ permit, caller, params, body }) => {
    await board.release(memberIn(caller, permit.on, params), taskIn(params), body.lease);
    return {};
  }),
];

type Params = Readonly<Record<string, string>>;

function groupIn({ group = "" }: Params): Id<"group"> {
  if (!isId("group", group)) throw new Refusal("group.unknown");
  return group;
}

/** A device may call its group by name. */
function memberIn({ space }: Caller, device: Id<"device">, { group: name = "" }: Params) {
  const group = space.groups.namesOf(device).get(name);
  if (!group) throw new Refusal("group.unknown");
  return { space, device, group };
}

function taskIn({ task = "" }: Params): Id<"task"> {
  if (!isId("task", task)) throw new Refusal("task.unknown");
  return task;
}

const taskReply = (task: Task) => ({
  id: task.id,
  group: task.group,
  name: task.name,
  ...(task.body !== undefined && { body: task.body }),
  state: task.state,
  by: task.by,
  leases: task.lease,
  createdAt: rfc3339(task.createdAt),
  expiresAt: rfc3339(task.expiresAt),
  ...("holder" in task && { holder: task.holder }),
  ...("until" in task && { until: rfc3339(task.until) }),
  ...("endedAt" in task && { endedAt: rfc3339(task.endedAt) }),
  ...("result" in task && { result: task.result }),
  ...("error" in task && { error: task.error }),
});
