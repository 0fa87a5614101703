import { isId, Refusal, rfc3339, type Id, type Instant } from "@holdfast/kernel";
import { replyTopic, routes } from "@holdfast/protocol";
import { on, type Handler, type Placement } from "../authority/index.ts";
import type { ToDevice } from "../messages/index.ts";
import { soundReply } from "../storage/index.ts";
import type { Telemetry } from "../telemetry/index.ts";
import type { Command } from "./command.ts";
import { totalOf, type BatchState, type Commands } from "./commands.ts";
import { parseReply } from "./envelope.ts";

type Needs = { readonly commands: Commands; readonly telemetry: Telemetry; readonly toDevice: ToDevice };

export const commandRoutes = ({ commands, telemetry, toDevice }: Needs): Handler[] => [
  on(routes.sendCommand, async ({ permit, body }) => commandReply(await commands.send(permit, body))),
  on(routes.listCommands, async ({ permit, query }) => soundReply(await commands.list(permit, query), commandReply)),
  on(routes.readCommand, async ({ permit, params }) => commandReply(await commands.read(permit, commandIn(params)))),
  on(routes.cancelCommand, async ({ permit, params }) =>
    commandReply(await commands.cancel(permit, commandIn(params))),
  ),
  on(routes.approveCommand, async ({ permit, params }) =>
    commandReply(await commands.approve(permit, commandIn(params))),
  ),
  on(routes.sendCommands, async ({ reach, caller, body: { to, ...asked } }) => {
    const isWanted = ({ tags, product }: Placement): boolean =>
      "tag" in to ? tags[to.tag.key] === to.tag.value : product === to.product;
    return batchReply(await commands.sendToMany(reach, caller, isWanted, asked));
  }),
  on(routes.readBatch, async ({ reach, params }) => batchReply(await commands.batch(reach, batchIn(params)))),
  on(routes.listBatchCommands, async ({ reach, params, query }) =>
    soundReply(await commands.ofBatch(reach, batchIn(params), query), commandReply),
  ),

  on(routes.listOwnCommands, async ({ permit, caller, query }) => ({
    items: [...(await commands.fetch(permit, caller.space, query.wait * 1_000))],
  })),
  on(routes.acknowledgeCommand, async ({ permit, caller, params }) => {
    await commands.acknowledge(caller.space, permit.on, commandIn(params));
    return {};
  }),
  on(routes.replyToCommand, async ({ permit, caller, params, body }) => {
    const id = commandIn(params);
    await telemetry.admitBeside(caller.space, permit.on, body.bytes);
    await commands.reply(caller.space, permit.on, id, parseReply(body.bytes));
    // Whoever listens over MQTT hears it, however it came.
    toDevice.send(caller.space, permit.on, { topic: replyTopic(permit.on, id), payload: new Uint8Array(body.bytes) });
    return {};
  }),
];

type Params = Readonly<Record<string, string>>;

function commandIn({ command = "" }: Params): Id<"command"> {
  if (!isId("command", command)) throw new Refusal("command.unknown");
  return command;
}

function batchIn({ batch = "" }: Params): Id<"commandBatch"> {
  if (!isId("commandBatch", batch)) throw new Refusal("command.unknown");
  return batch;
}

const commandReply = (command: Command) => ({
  id: command.id,
  device: command.device,
  name: command.name,
  ...(command.body !== undefined && { body: command.body }),
  state: command.state,
  ...(command.batch && { batch: command.batch }),
  by: command.by,
  ...(command.approvedBy && { approvedBy: command.approvedBy }),
  createdAt: rfc3339(command.createdAt),
  expiresAt: rfc3339(command.expiresAt),
  ...("sentAt" in command && timed("sentAt", command.sentAt)),
  ...("acknowledgedAt" in command && timed("acknowledgedAt", command.acknowledgedAt)),
  ...("endedAt" in command && timed("endedAt", command.endedAt)),
  ...(command.state === "cancelled" && command.reason && { reason: command.reason }),
  ...("reply" in command && { ...command.reply, ...(command.late && { late: true as const }) }),
});

const timed = (field: "sentAt" | "acknowledgedAt" | "endedAt", at: Instant | undefined) =>
  at === undefined ? {} : { [field]: rfc3339(at) };

const batchReply = ({ batch: { id, name, by, createdAt, expiresAt }, counts }: BatchState) => ({
  id,
  name,
  by,
  createdAt: rfc3339(createdAt),
  expiresAt: rfc3339(expiresAt),
  total: totalOf(counts),
  counts: { ...counts },
  isDone: counts.proposed + counts.waiting + counts.sent + counts.acknowledged === 0,
});
