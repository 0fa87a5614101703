import type { Reply } from "@holdfast/client";
import { routes } from "@holdfast/protocol";
import { allPages, paging } from "../pages.ts";
import { Misuse } from "../failure.ts";
import { idOf, onOff, optional, required, text } from "../parameter.ts";
import { verb } from "../verb.ts";

type Organisation = Reply<typeof routes.listOrganisations>["items"][number];
type Person = Reply<typeof routes.listPeople>["items"][number];

const one = { org: required(idOf("org"), "which organisation") } as const;
const domain = required(text("DOMAIN"), "which of its domains");
const whom = { person: required(idOf("person"), "who") } as const;

/** What whoever administers the instance does, in the organisation in which she does that. */
export const instanceVerbs = [
  verb({
    name: "instance organisations",
    summary: "List the organisations of this platform: how large and in what state, and not what they are called",
    flags: paging,
    async run(given, tools) {
      const { print } = tools;
      const client = await tools.client();
      const page = await allPages(given, print, (query) => client.call(routes.listOrganisations, { query }));
      const columns = [
        { title: "ID", cell: ({ id }: Organisation) => id },
        { title: "MADE", cell: ({ createdAt }: Organisation) => print.ago(createdAt) },
        { title: "STATE", cell: ({ state }: Organisation) => state },
        { title: "ENDS", cell: ({ endsAt }: Organisation) => (endsAt === undefined ? "" : print.ago(endsAt)) },
        { title: "PLAN", cell: ({ plan }: Organisation) => plan ?? "" },
        { title: "PEOPLE", cell: ({ people }: Organisation) => String(people) },
        { title: "DEVICES", cell: ({ devices }: Organisation) => String(devices) },
      ];
      print.list(page, columns, "There is no organisation.");
    },
  }),
  verb({
    name: "instance people",
    summary: "List everybody who has an account on this platform",
    flags: paging,
    async run(given, tools) {
      const { print } = tools;
      const client = await tools.client();
      const page = await allPages(given, print, (query) => client.call(routes.listPeople, { query }));
      const columns = [
        { title: "ID", cell: ({ id }: Person) => id },
        { title: "E-MAIL", cell: ({ email }: Person) => email },
        { title: "SINCE", cell: ({ createdAt }: Person) => print.ago(createdAt) },
        { title: "ORGANISATIONS", cell: ({ organisations }: Person) => String(organisations) },
        { title: "INSTANCE", cell: ({ administrator }: Person) => (administrator ? "administrator" : "") },
      ];
      print.list(page, columns, "There is nobody.");
    },
  }),
  verb({
    name: "instance confirm",
    summary:
      "Let a restored organisation go on, or all of them, where you know that nothing was revoked since the backup",
    flags: {
      org: optional(idOf("org"), "which organisation"),
      all: onOff("all that wait for it"),
    },
    examples: ["instance confirm --all"],
    async run({ org, all }, tools) {
      if ((org === undefined) !== all) throw new Misuse("Say --org ORG, or --all.");
      const client = await tools.client();
      if (org !== undefined) await client.call(routes.confirmOrganisation, { params: { org } });
      const confirmed = org === undefined ? (await client.call(routes.confirmOrganisations)).confirmed : [org];
      tools.print.thing({ confirmed }, [["confirmed", confirmed.join(" ") || "none was waiting"]]);
    },
  }),
  verb({
    name: "instance suspend",
    summary: "Stop an organisation at once, devices included; what it holds is kept",
    arguments: one,
    async run({ org }, tools) {
      await (await tools.client()).call(routes.suspendOrganisation, { params: { org } });
      tools.print.thing({ org, state: "suspended" }, [["suspended", org]]);
    },
  }),
  verb({
    name: "instance resume",
    summary: "Let a suspended organisation go on",
    arguments: one,
    async run({ org }, tools) {
      await (await tools.client()).call(routes.resumeOrganisation, { params: { org } });
      tools.print.thing({ org, state: "active" }, [["resumed", org]]);
    },
  }),
  verb({
    name: "instance delete",
    summary: "Delete an organisation: it is erased after seven days, until when its owners can call it off",
    arguments: one,
    async run({ org }, tools) {
      const { endsAt } = await (await tools.client()).call(routes.deleteOrganisation, { params: { org } });
      tools.print.thing({ org, endsAt }, [
        ["organisation", org],
        ["erased", tools.print.at(endsAt)],
      ]);
    },
  }),
  verb({
    name: "instance restore",
    summary: "Call the deletion of an organisation off",
    arguments: one,
    async run({ org }, tools) {
      await (await tools.client()).call(routes.keepOrganisation, { params: { org } });
      tools.print.thing({ org, state: "active" }, [["kept", org]]);
    },
  }),
  verb({
    name: "instance add-administrator",
    summary: "Make a member of your organisation an administrator of the instance",
    arguments: whom,
    async run({ person }, tools) {
      await (await tools.client()).call(routes.makeAdministrator, { params: { person } });
      tools.print.thing({ person, administrator: true }, [["administrator", person]]);
    },
  }),
  verb({
    name: "instance remove-administrator",
    summary: "End that somebody administers the instance; one stays",
    arguments: whom,
    async run({ person }, tools) {
      await (await tools.client()).call(routes.unmakeAdministrator, { params: { person } });
      tools.print.thing({ person, administrator: false }, [["no administrator any more", person]]);
    },
  }),
  verb({
    name: "instance approve-domain",
    summary: "Say that a domain of addresses, which an organisation entered, is its own",
    arguments: { ...one, domain },
    async run(params, tools) {
      await (await tools.client()).call(routes.approveDomain, { params });
      tools.print.thing({ ...params, proof: "administrator" }, [["approved", params.domain]]);
    },
  }),
  verb({
    name: "instance withdraw-domain",
    summary: "Say that a domain is not an organisation's, however it was proved",
    arguments: { ...one, domain },
    async run(params, tools) {
      await (await tools.client()).call(routes.withdrawDomain, { params });
      tools.print.thing({ ...params, proof: "none" }, [["withdrawn", params.domain]]);
    },
  }),
];
