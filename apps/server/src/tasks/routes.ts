import { isId, Refusal, rfc3339, type Clock, type Id } from "@holdfast/kernel";
import { routes } from "@holdfast/protocol";
import { on, type Caller, type Handler } from "../authority/index.ts";
import { soundReply } from "../storage/index.ts";
import type { Telemetry } from "../telemetry/index.ts";
import type { Board } from "./board.ts";
import type { Task } from "./task.ts";
import { leasedReply } from "./wire.ts";

type Needs = { readonly board: Board; readonly telemetry: Telemetry; readonly clock: Clock };
const second = 1_000;

export const taskRoutes = ({ board, telemetry, clock }: Needs): Handler[] => {
  /** Who says something to the board, through its own door, as over MQTT. It may call its group by name. */
  const memberBy = async ({ space }: Caller, device: Id<"device">, { group: name = "" }: Params, said: unknown) => {
    await telemetry.admitBeside(space, device, new TextEncoder().encode(JSON.stringify(said)));
    const group = space.groups.namesOf(device).get(name);
    if (!group) throw new Refusal("group.unknown");
    return { space, device, group };
  };
  return [
    on(routes.putTask, async ({ permit, params, body }) => taskReply(await board.put(permit, groupIn(params), body))),
    on(routes.listTasks, async ({ permit, params, query }) => {
      return soundReply(await board.list(permit, groupIn(params), query), taskReply);
    }),
    on(routes.readTask, async ({ permit, params }) =>
      taskReply(await board.read(permit, groupIn(params), taskIn(params))),
    ),
    on(routes.cancelTask, async ({ permit, params }) =>
      taskReply(await board.cancel(permit, groupIn(params), taskIn(params))),
    ),
    on(routes.putOwnTask, async ({ permit, caller, params, body }) =>
      taskReply(await board.putBy(await memberBy(caller, permit.on, params, body), body)),
    ),
    on(routes.leaseTasks, async ({ permit, caller, params, body }) => {
      const member = await memberBy(caller, permit.on, params, body);
      const leased = await board.lease(member, body.count, body.seconds * second);
      return { items: leased.map((task) => leasedReply(task, clock.now())) };
    }),
    on(routes.renewTask, async ({ permit, caller, params, body }) => {
      const member = await memberBy(caller, permit.on, params, body);
      const leased = await board.renew(member, taskIn(params), body.lease, body.seconds * second);
      return leasedReply(leased, clock.now());
    }),
    on(routes.answerTask, async ({ permit, caller, params, body }) => {
      const member = await memberBy(caller, permit.on, params, body);
      const outcome = "error" in body ? { error: body.error } : { result: body.result };
      await board.answer(member, taskIn(params), body.lease, outcome);
      return {};
    }),
    on(routes.releaseTask, async ({ permit, caller, params, body }) => {
      await board.release(await memberBy(caller, permit.on, params, body), taskIn(params), body.lease);
      return {};
    }),
  ];
};

type Params = Readonly<Record<string, string>>;

function groupIn({ group = "" }: Params): Id<"group"> {
  if (!isId("group", group)) throw new Refusal("group.unknown");
  return group;
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
