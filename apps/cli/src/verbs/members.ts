import type { Reply } from "@holdfast/client";
import { routes } from "@holdfast/protocol";
import { allPages, paging } from "../pages.ts";
import { duration, idOf, optional, required, text } from "../parameter.ts";
import { verb } from "../verb.ts";
import type { Tools } from "../tools.ts";
import { roleCalled } from "./roles.ts";

type Member = Reply<typeof routes.updateMember>;

const one = { person: required(idOf("person"), "which member") } as const;
const role = text("ROLE");

/** What she has to show who she is, beside her password. */
const factorsOf = ({ factors }: Member): string =>
  [factors?.passkey ? "passkey" : "", factors?.totp ? "app" : ""].filter((one) => one !== "").join(", ");

const show = (member: Member, { print }: Tools): void =>
  print.thing(member, [
    ["person", member.person],
    ["e-mail", member.email],
    ["role", member.roleName ?? member.role],
    ["state", member.isSuspended ? "suspended" : "active"],
    ["factors", factorsOf(member)],
  ]);

export const memberVerbs = [
  verb({
    name: "member list",
    summary: "List the people of your organisation",
    flags: paging,
    async run(given, tools) {
      const client = await tools.client();
      const page = await allPages(given, tools.print, (query) => client.call(routes.listMembers, { query }));
      const columns = [
        { title: "PERSON", cell: ({ person }: Member) => person },
        { title: "E-MAIL", cell: ({ email }: Member) => email },
        { title: "ROLE", cell: (member: Member) => member.roleName ?? member.role },
        { title: "STATE", cell: ({ isSuspended }: Member) => (isSuspended ? "suspended" : "active") },
        { title: "FACTORS", cell: factorsOf },
        { title: "INSTANCE", cell: ({ administrator }: Member) => (administrator ? "administrator" : "") },
      ];
      tools.print.list(page, columns, "There is no member.");
    },
  }),
  verb({
    name: "member invite",
    summary: "Invite somebody into your organisation, with a link that works once",
    flags: {
      email: required(text("E-MAIL"), "who is invited"),
      role: required(role, "what she will be: its name or its id"),
      expires: optional(duration, "how long the link works, from 1h to 30d; seven days if you do not say"),
    },
    examples: ["member invite --email bob@example.com --role viewer"],
    async run({ email, role: called, expires: expiresIn }, tools) {
      const { print } = tools;
      const client = await tools.client();
      const body = { email, role: await roleCalled(client, called), ...(expiresIn !== undefined && { expiresIn }) };
      const invitation = await client.call(routes.invite, { body });
      print.thing(invitation, [
        ["id", invitation.id],
        ["e-mail", invitation.email],
        ["role", invitation.roleName ?? invitation.role],
        ["link", invitation.link ?? ""],
        ["until", print.at(invitation.expiresAt)],
      ]);
      if (invitation.link !== undefined) print.secretNote("link");
    },
  }),
  verb({
    name: "member role",
    summary: "Give a member another role",
    arguments: one,
    flags: { role: required(role, "what she is from now on") },
    async run({ role: next, ...params }, tools) {
      const client = await tools.client();
      const body = { role: await roleCalled(client, next) };
      show(await client.call(routes.updateMember, { params, body }), tools);
    },
  }),
  verb({
    name: "member suspend",
    summary: "Suspend a member: she keeps her role, and all that she and her programs hold ends",
    arguments: one,
    run: async (params, tools) => show(await (await tools.client()).call(routes.suspendMember, { params }), tools),
  }),
  verb({
    name: "member resume",
    summary: "Let a suspended member in again, who signs in anew",
    arguments: one,
    run: async (params, tools) => show(await (await tools.client()).call(routes.resumeMember, { params }), tools),
  }),
  verb({
    name: "member remove",
    summary: "End a membership, with all that she and her programs hold",
    arguments: one,
    async run(params, tools) {
      await (await tools.client()).call(routes.removeMember, { params });
      tools.print.thing({ person: params.person, removed: true }, [["removed", params.person]]);
    },
  }),
];
