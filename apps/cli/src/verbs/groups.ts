import type { Reply } from "@holdfast/client";
import { routes, taskStates } from "@holdfast/protocol";
import { json } from "../json.ts";
import { allPages, paging } from "../pages.ts";
import { duration, idOf, oneOf, onOff, optional, required, text } from "../parameter.ts";
import type { Tools } from "../tools.ts";
import { verb } from "../verb.ts";

type Group = Reply<typeof routes.readGroup>;
type Task = Reply<typeof routes.readTask>;

const application = required(idOf("application"), "of which application");
const group = required(idOf("group"), "which group");
const device = required(idOf("device"), "which device");
const task = required(idOf("task"), "which task");

const rightsOf = ({ read, write }: Group["members"][number]): string =>
  [read && "reads", write && "writes"].filter(Boolean).join(" and ");

const show = (one: Group, { print }: Tools): void =>
  print.thing(one, [
    ["id", one.id],
    ["name", one.name],
    ["application", one.application],
    ...one.members.map((member): [string, string] => [member.device, rightsOf(member)]),
  ]);

const showTask = (one: Task, { print }: Tools): void =>
  print.thing(one, [
    ["id", one.id],
    ["name", one.name],
    ["state", one.state],
    ["put by", one.by],
    ["had by", one.holder ?? ""],
    ["until", print.at(one.until)],
    ...("result" in one ? [["result", JSON.stringify(one.result)] as const] : []),
    ...("error" in one ? [["error", JSON.stringify(one.error)] as const] : []),
    ["expires", print.at(one.expiresAt)],
  ]);

export const groupVerbs = [
  verb({
    name: "group create",
    summary: "Make a group of devices that talk to each other",
    flags: { application, name: required(text("NAME"), "what devices call it in topics") },
    run: async ({ name, ...params }, tools) =>
      show(await (await tools.client()).call(routes.createGroup, { params, body: { name } }), tools),
  }),
  verb({
    name: "group list",
    summary: "List the groups of an application",
    flags: { application },
    async run(params, tools) {
      const { items } = await (await tools.client()).call(routes.listGroups, { params });
      const columns = [
        { title: "ID", cell: ({ id }: Group) => id },
        { title: "NAME", cell: ({ name }: Group) => name },
        { title: "DEVICES", cell: ({ members }: Group) => String(members.length) },
      ];
      tools.print.list({ items }, columns, "There is no group. holdfast group create makes one.");
    },
  }),
  verb({
    name: "group get",
    summary: "Show a group and who is in it",
    arguments: { group },
    flags: { application },
    run: async (params, tools) => show(await (await tools.client()).call(routes.readGroup, { params }), tools),
  }),
  verb({
    name: "group admit",
    summary: "Let a device of the application into a group",
    arguments: { group, device },
    flags: {
      application,
      "read-only": onOff("it says nothing there"),
      "write-only": onOff("it hears nothing there, and leases no task"),
    },
    run: async ({ "read-only": mute, "write-only": deaf, ...params }, tools) =>
      show(
        await (await tools.client()).call(routes.admitToGroup, { params, body: { read: !deaf, write: !mute } }),
        tools,
      ),
  }),
  verb({
    name: "group expel",
    summary: "Expel a device from a group, within a second",
    arguments: { group, device },
    flags: { application },
    async run(params, tools) {
      const client = await tools.client();
      await client.call(routes.expelFromGroup, { params });
      show(await client.call(routes.readGroup, { params }), tools);
    },
  }),
  verb({
    name: "group delete",
    summary: "End a group, with its tasks",
    arguments: { group },
    flags: { application },
    async run(params, tools) {
      await (await tools.client()).call(routes.deleteGroup, { params });
      tools.print.thing({ id: params.group, deleted: true }, [["deleted", params.group]]);
    },
  }),
  verb({
    name: "task put",
    summary: "Put a task on the board of a group",
    arguments: { group, name: required(text("NAME"), "what its devices call it") },
    flags: {
      application,
      body: optional(json, "what the device is given, as JSON"),
      expires: optional(duration, "until when somebody may get it: 1d if nobody says, 30d at most"),
    },
    async run({ name, body, expires, ...params }, tools) {
      const asked = { name, ...(body !== undefined && { body }), ...(expires !== undefined && { expiresIn: expires }) };
      showTask(await (await tools.client()).call(routes.putTask, { params, body: asked }), tools);
    },
  }),
  verb({
    name: "task list",
    summary: "List the tasks of a group, newest first",
    arguments: { group },
    flags: { application, state: optional(oneOf(...taskStates), "only those that are so"), ...paging },
    async run({ application: of, group: which, state, ...given }, tools) {
      const client = await tools.client();
      const params = { application: of, group: which };
      const page = await allPages(given, tools.print, (asked) =>
        client.call(routes.listTasks, { params, query: { ...asked, state } }),
      );
      const columns = [
        { title: "ID", cell: ({ id }: Task) => id },
        { title: "NAME", cell: ({ name }: Task) => name },
        { title: "STATE", cell: ({ state: now }: Task) => now },
        { title: "DEVICE", cell: ({ holder }: Task) => holder ?? "" },
      ];
      tools.print.list(page, columns, "There is no task. holdfast task put puts one.");
    },
  }),
  verb({
    name: "task get",
    summary: "Show a task: who has it, or what became of it",
    arguments: { group, task },
    flags: { application },
    run: async (params, tools) => showTask(await (await tools.client()).call(routes.readTask, { params }), tools),
  }),
  verb({
    name: "task cancel",
    summary: "Let nobody do a task any more",
    arguments: { group, task },
    flags: { application },
    run: async (params, tools) => showTask(await (await tools.client()).call(routes.cancelTask, { params }), tools),
  }),
];
