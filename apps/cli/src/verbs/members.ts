import type { Reply } from "@holdfast/client";
import { roleNames, routes } from "@holdfast/protocol";
import { allPages, paging } from "../pages.ts";
import { idOf, oneOf, required, text } from "../parameter.ts";
import { verb } from "../verb.ts";
import type { Tools } from "../tools.ts";

type Member = Reply<typeof routes.updateMember>;

const one = { person: required(idOf("person"), "which member") } as const;
const role = oneOf(...roleNames);

const show = (member: Member, { print }: Tools): void =>
  print.thing(member, [
    ["person", member.person],
    ["e-mail", member.email],
    ["role", member.role],
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
        { title: "ROLE", cell: (member: Member) => member.role },
        { title: "INSTANCE", cell: ({ administrator }: Member) => (administrator ? "administrator" : "") },
      ];
      tools.print.list(page, columns, "There is no member.");
    },
  }),
  verb({
    name: "member invite",
    summary: "Invite somebody into your organisation, with a link that works once",
    flags: { email: required(text("E-MAIL"), "who is invited"), role: required(role, "what she will be") },
    examples: ["member invite --email bob@example.com --role viewer"],
    async run(body, tools) {
      const { print } = tools;
      const invitation = await (await tools.client()).call(routes.invite, { body });
      print.thing(invitation, [
        ["id", invitation.id],
        ["e-mail", invitation.email],
        ["role", invitation.role],
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
      show(await (await tools.client()).call(routes.updateMember, { params, body: { role: next } }), tools);
    },
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
