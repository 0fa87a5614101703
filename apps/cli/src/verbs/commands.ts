import type { Reply } from "@holdfast/client";
import { commandStates, routes, type CancelReason } from "@holdfast/protocol";
import { Misuse } from "../failure.ts";
import { json } from "../json.ts";
import { allPages, paging } from "../pages.ts";
import { duration, idOf, oneOf, optional, pair, required, text } from "../parameter.ts";
import type { Tools } from "../tools.ts";
import { verb } from "../verb.ts";

type Command = Reply<typeof routes.readCommand>;
type Batch = Reply<typeof routes.readBatch>;

const device = required(idOf("device"), "which device");
const one = { device, command: required(idOf("command"), "which command") } as const;
const name = required(text("NAME"), "what the device calls it");
const asked = {
  body: optional(json, "what the device is given, as JSON"),
  expires: optional(duration, "until when it may reach the device: 1h if nobody says, 30d at most"),
} as const;
const state = optional(oneOf(...commandStates), "only those that are so");

const bodyOf = (given: { name: string; body: unknown; expires: string | undefined }) => ({
  name: given.name,
  ...(given.body !== undefined && { body: given.body }),
  ...(given.expires !== undefined && { expiresIn: given.expires }),
});

const reasons: Record<CancelReason, string> = { "device.retired": "its device was retired" };
const stateOf = ({ state: now, reason }: Command): string => (reason ? `${now}: ${reasons[reason]}` : now);

function show(command: Command, { print }: Tools): void {
  print.thing(command, [
    ["id", command.id],
    ["name", command.name],
    ["state", `${stateOf(command)}${command.late ? ", late" : ""}`],
    ...("result" in command ? [["result", JSON.stringify(command.result)] as const] : []),
    ...("error" in command ? [["error", JSON.stringify(command.error)] as const] : []),
    ["sent by", command.by],
    ...(command.approvedBy ? [["approved by", command.approvedBy] as const] : []),
    ["expires", command.expiresAt],
  ]);
  if (command.state === "proposed")
    print.note(
      "The door calls it dangerous: it waits for a person who signed in. holdfast command approve, or the console.",
    );
}

const showBatch = (batch: Batch, { print }: Tools): void =>
  print.thing(batch, [
    ["id", batch.id],
    ["name", batch.name],
    ["devices", String(batch.total)],
    ...commandStates
      .filter((one_) => batch.counts[one_] > 0)
      .map((one_): [string, string] => [one_, String(batch.counts[one_])]),
    ["expires", batch.expiresAt],
  ]);

const columns = [
  { title: "CREATED", cell: ({ createdAt }: Command) => createdAt },
  { title: "NAME", cell: (command: Command) => command.name },
  { title: "STATE", cell: stateOf },
  { title: "REPLY", cell: (command: Command) => JSON.stringify(command.result ?? command.error) ?? "" },
  { title: "ID", cell: ({ id }: Command) => id },
];

export const commandVerbs = [
  verb({
    name: "command send",
    summary: "Send a command to a device: it waits for the device until it expires",
    arguments: { device, name },
    flags: asked,
    examples: ["command send dev_… reboot --body '{\"delay\": 5}' --expires 10m"],
    async run({ device: to, ...given }, tools) {
      const client = await tools.client();
      show(await client.call(routes.sendCommand, { params: { device: to }, body: bodyOf(given) }), tools);
    },
  }),
  verb({
    name: "command send-many",
    summary: "Send a command to all devices with a tag, or of a product: one batch",
    arguments: { name },
    flags: {
      tag: optional(pair, "to all with this tag"),
      product: optional(idOf("product"), "to all of this product"),
      ...asked,
    },
    examples: ["command send-many update --tag floor=3 --expires 24h"],
    async run({ tag, product, ...given }, tools) {
      if ((tag === undefined) === (product === undefined))
        throw new Misuse("Say to whom: --tag NAME=VALUE or --product.");
      const to = tag ? { tag: { key: tag[0], value: tag[1] } } : product && { product };
      if (!to) throw new Misuse("Say to whom: --tag NAME=VALUE or --product.");
      const client = await tools.client();
      showBatch(await client.call(routes.sendCommands, { body: { to, ...bodyOf(given) } }), tools);
    },
  }),
  verb({
    name: "command list",
    summary: "List the commands of a device, newest first: how far each is, and its reply",
    arguments: { device },
    flags: { state, ...paging },
    async run({ device: of, state: wanted, ...given }, tools) {
      const client = await tools.client();
      const page = await allPages(given, tools.print, (query) =>
        client.call(routes.listCommands, {
          params: { device: of },
          query: { ...query, ...(wanted && { state: wanted }) },
        }),
      );
      tools.print.list(page, columns, "No command was sent to it.");
    },
  }),
  verb({
    name: "command get",
    summary: "Show a command: how far it is, since when, and its reply",
    arguments: one,
    run: async (params, tools) => show(await (await tools.client()).call(routes.readCommand, { params }), tools),
  }),
  verb({
    name: "command batch",
    summary: "Show how far a batch of commands is, or with --state its commands that are so far",
    arguments: { batch: required(idOf("commandBatch"), "which batch") },
    flags: { state, ...paging },
    async run({ batch, state: wanted, ...given }, tools) {
      const client = await tools.client();
      const params = { batch };
      if (!wanted) return showBatch(await client.call(routes.readBatch, { params }), tools);
      const page = await allPages(given, tools.print, (query) =>
        client.call(routes.listBatchCommands, { params, query: { ...query, state: wanted } }),
      );
      const of = { title: "DEVICE", cell: (command: Command) => command.device };
      return tools.print.list(page, [of, ...columns], "None of them is so far.");
    },
  }),
  verb({
    name: "command cancel",
    summary: "Cancel a command: what has left already may be done all the same",
    arguments: one,
    run: async (params, tools) => show(await (await tools.client()).call(routes.cancelCommand, { params }), tools),
  }),
  verb({
    name: "command approve",
    summary: "Let a dangerous command go out: as a person who signed in within the last ten minutes",
    arguments: one,
    run: async (params, tools) => show(await (await tools.client()).call(routes.approveCommand, { params }), tools),
  }),
];
