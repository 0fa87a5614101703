import type { Client, Reply } from "@holdfast/client";
import { isId, Refusal } from "@holdfast/kernel";
import { isBuiltIn, routes, type Role } from "@holdfast/protocol";
import { Misuse } from "../failure.ts";
import { readWhole } from "../own-files.ts";
import { any, file, optional, required, some, text, type Reader } from "../parameter.ts";
import { clipped } from "../text.ts";
import type { Tools } from "../tools.ts";
import { verb } from "../verb.ts";

type Shown = Reply<typeof routes.readRole>;
type Difference = Reply<typeof routes.applyRoles>;
type Written = Reply<typeof routes.exportRoles>["roles"];

const one = { role: required(text("ROLE"), "its name or its id") } as const;
const grant = text("ACTION[:RESOURCE]");

/** Also 0, which is the state before there ever was a role. */
const state: Reader<number> = {
  hint: "N",
  read: (given) => {
    if (!/^\d{1,9}$/.test(given)) throw new Misuse(`"${given}" is no number of a state`);
    return Number(given);
  },
};

/** One of the organisation's own may be called by its name. @throws Refusal `role.unknown` */
export async function roleCalled(client: Client, called: string): Promise<Role> {
  if (isBuiltIn(called) || isId("role", called)) return called;
  const { items } = await client.call(routes.listRoles);
  const found = items.find(({ name }) => name.toLowerCase() === called.trim().toLowerCase());
  if (!found) throw new Refusal("role.unknown");
  return found.id;
}

const show = (role: Shown, { print }: Tools): void =>
  print.thing(role, [
    ["id", role.id],
    ["name", role.name],
    ["description", role.description],
    ["members", String(role.members)],
    ...role.grants.map((each, at): [string, string] => [at === 0 ? "may" : "", each]),
  ]);

function showDifference(difference: Difference, { print }: Tools): void {
  if (print.isJson) return print.thing(difference, []);
  const { added, removed, changed, people } = difference;
  const lines = [
    ...added.flatMap(({ name, grants }) => [`+ ${name}`, ...grants.map((each) => `    + ${each}`)]),
    ...removed.flatMap(({ name, grants }) => [`- ${name}`, ...grants.map((each) => `    - ${each}`)]),
    ...changed.flatMap((each) => [
      `~ ${each.name}${each.described ? ", with another name or description" : ""}`,
      ...each.added.map((more) => `    + ${more}`),
      ...each.removed.map((less) => `    - ${less}`),
    ]),
    ...people.flatMap(({ person, role, gains, loses }) => [
      `${person}, who is ${role}`,
      ...gains.map((more) => `    gains ${more}`),
      ...loses.map((less) => `    loses ${less}`),
    ]),
  ];
  for (const line of lines) print.line(line, line);
  if (lines.length === 0) print.note("That is what there is: nothing would change.");
}

/** What `role export` wrote, perhaps changed by hand. The platform says what is wrong with a role in it. */
async function readRoles(name: string, { world }: Tools): Promise<Written> {
  const whole = await readWhole(name, "FILE", world.in);
  let read: unknown;
  try {
    read = JSON.parse(whole);
  } catch (error) {
    throw new Misuse(`${name} is not JSON, as holdfast role export writes it.`, { cause: error });
  }
  const parsed = routes.applyRoles.body.safeParse(read);
  if (parsed.success) return parsed.data.roles;
  const [issue] = parsed.error.issues;
  throw new Misuse(`${name}: ${issue?.path.join(".") ?? ""} ${issue?.message ?? ""}`.trim());
}

export const roleVerbs = [
  verb({
    name: "role list",
    summary: "List the roles that somebody may have here, and how many have each",
    async run(_, tools) {
      const { items } = await (await tools.client()).call(routes.listRoles);
      const columns = [
        { title: "ROLE", cell: ({ name }: Shown) => name },
        { title: "MEMBERS", cell: ({ members }: Shown) => String(members) },
        { title: "MAY", cell: ({ grants }: Shown) => clipped(grants.join(" "), 60) },
        { title: "ID", cell: ({ id, name }: Shown) => (id === name ? "" : id) },
      ];
      tools.print.list({ items }, columns, "There is no role.");
    },
  }),
  verb({
    name: "role show",
    summary: "Show one role, and all that it holds",
    arguments: one,
    async run({ role }, tools) {
      const client = await tools.client();
      show(await client.call(routes.readRole, { params: { role: await roleCalled(client, role) } }), tools);
    },
  }),
  verb({
    name: "role create",
    summary: "Make a role of your organisation's own",
    flags: {
      name: required(text("NAME"), "what it is called"),
      description: optional(text("TEXT"), "what it is for"),
      grant: some(grant, "what whoever has it may do, and where"),
    },
    examples: ["role create --name 'Night shift' --grant device.read --grant device.suspend:tag:site=north"],
    async run({ name, description, grant: grants }, tools) {
      const body = { name, ...(description !== undefined && { description }), grants: [...grants] };
      show(await (await tools.client()).call(routes.createRole, { body }), tools);
    },
  }),
  verb({
    name: "role update",
    summary: "Change a role: what whoever has it may do changes at once",
    arguments: one,
    flags: {
      name: optional(text("NAME"), "what it is called from now on"),
      description: optional(text("TEXT"), "what it is for"),
      grant: any(grant, "one more thing that it lets do"),
      without: any(grant, "one thing less, as role show writes it"),
    },
    async run({ role: called, name, description, grant: more, without: less }, tools) {
      if (name === undefined && description === undefined && more.length + less.length === 0)
        throw new Misuse("Say what to change: holdfast help role update");
      const client = await tools.client();
      const params = { role: await roleCalled(client, called) };
      // Grants are replaced as a whole, so the others are read before; and nobody may change them in between.
      const before = await client.call(routes.readRole, { params });
      const missing = less.find((each) => !before.grants.includes(each));
      if (missing !== undefined) throw new Misuse(`It does not hold ${missing}: holdfast role show ${called}`);
      const grants = [...before.grants.filter((each) => !less.includes(each)), ...more];
      const body = { name, description, grants: more.length + less.length > 0 ? grants : undefined };
      show(await client.call(routes.updateRole, { params, body, ifVersion: before.version }), tools);
    },
  }),
  verb({
    name: "role delete",
    summary: "End a role; whoever has it gets another one",
    arguments: one,
    flags: { replacement: optional(text("ROLE"), "what whoever has it is from now on") },
    async run({ role: called, replacement }, tools) {
      const client = await tools.client();
      const role = await roleCalled(client, called);
      const query = { replacement: replacement === undefined ? undefined : await roleCalled(client, replacement) };
      await client.call(routes.deleteRole, { params: { role }, query });
      tools.print.thing({ id: role, deleted: true }, [["deleted", role]]);
    },
  }),
  verb({
    name: "role export",
    summary: "Write your organisation's own roles as a file, to keep and to review",
    examples: ["role export > roles.json"],
    async run(_, tools) {
      const { roles } = await (await tools.client()).call(routes.exportRoles);
      // In both forms: the file is for programs.
      tools.print.page(JSON.stringify({ roles }, null, 2));
    },
  }),
  verb({
    name: "role diff",
    summary: "Show what a file of roles would change, and for whom; nothing changes",
    arguments: { file: required(file, "as role export writes it; - reads stdin") },
    async run({ file: name }, tools) {
      const body = { roles: await readRoles(name, tools) };
      const client = await tools.client();
      const difference = await client.call(routes.applyRoles, { query: { dryRun: "true" }, body });
      showDifference(difference, tools);
      tools.print.note(`To apply exactly this: holdfast role apply ${name} --state ${difference.version}`);
    },
  }),
  verb({
    name: "role apply",
    summary: "Make your organisation's own roles what a file says, all of it or nothing",
    arguments: { file: required(file, "as role export writes it; - reads stdin") },
    flags: { state: optional(state, "only to the one that role diff told") },
    async run({ file: name, state: seen }, tools) {
      const body = { roles: await readRoles(name, tools) };
      const client = await tools.client();
      const ifVersion = seen ?? (await client.call(routes.exportRoles)).version;
      const applied = await client.call(routes.applyRoles, { body, ifVersion });
      showDifference(applied, tools);
    },
  }),
];
