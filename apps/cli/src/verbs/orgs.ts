import { routes } from "@holdfast/protocol";
import { required, text } from "../parameter.ts";
import { verb } from "../verb.ts";
import type { Tools } from "../tools.ts";

type Org = { readonly id: string; readonly name: string; readonly createdAt: string; readonly isSimulated: boolean };

const show = (org: Org, { print }: Tools): void =>
  print.thing(org, [
    ["id", org.id],
    ["name", org.name],
    ["made", print.at(org.createdAt)],
    ["simulated", org.isSimulated ? "everything in it" : ""],
  ]);

export const orgVerbs = [
  verb({
    name: "org create",
    summary: "Make a further organisation, as the administrator of the instance",
    flags: { name: required(text("NAME"), "what it is called") },
    async run({ name }, tools) {
      const made = await (await tools.client()).call(routes.createOrg, { body: { name } });
      tools.print.thing(made, [
        ["organisation", made.org],
        ["token", made.token],
        ["expires", tools.print.at(made.expiresAt)],
      ]);
      tools.print.secretNote("token");
    },
  }),
  verb({
    name: "org show",
    summary: "Show your organisation",
    run: async (_, tools) => show(await (await tools.client()).call(routes.readOrg), tools),
  }),
  verb({
    name: "org rename",
    summary: "Give your organisation another name",
    flags: { name: required(text("NAME"), "what it is called from now on") },
    run: async ({ name }, tools) =>
      show(await (await tools.client()).call(routes.updateOrg, { body: { name } }), tools),
  }),
];
