import type { Reply } from "@holdfast/client";
import { routes } from "@holdfast/protocol";
import { allPages, paging } from "../pages.ts";
import { idOf, oneOf, required, text } from "../parameter.ts";
import type { Tools } from "../tools.ts";
import { verb } from "../verb.ts";

type Application = Reply<typeof routes.readApplication>;

const one = { application: required(idOf("application"), "which application") } as const;

const show = (application: Application, { print }: Tools): void =>
  print.thing(application, [
    ["id", application.id],
    ["name", application.name],
    ["sign-up", application.signUp],
    ["made", print.at(application.createdAt)],
  ]);

export const applicationVerbs = [
  verb({
    name: "application create",
    summary: "Make an application",
    flags: { name: required(text("NAME"), "what it is called") },
    run: async ({ name }, tools) =>
      show(await (await tools.client()).call(routes.createApplication, { body: { name } }), tools),
  }),
  verb({
    name: "application list",
    summary: "List the applications that you may read",
    flags: paging,
    async run(given, tools) {
      const client = await tools.client();
      const page = await allPages(given, tools.print, (query) => client.call(routes.listApplications, { query }));
      const columns = [
        { title: "ID", cell: ({ id }: Application) => id },
        { title: "NAME", cell: ({ name }: Application) => name },
        { title: "MADE", cell: ({ createdAt }: Application) => tools.print.ago(createdAt) },
      ];
      tools.print.list(page, columns, "There is no application yet.");
    },
  }),
  verb({
    name: "application get",
    summary: "Show one application",
    arguments: one,
    run: async (params, tools) => show(await (await tools.client()).call(routes.readApplication, { params }), tools),
  }),
  verb({
    name: "application rename",
    summary: "Give an application another name",
    arguments: one,
    flags: { name: required(text("NAME"), "what it is called from now on") },
    run: async ({ name, ...params }, tools) =>
      show(await (await tools.client()).call(routes.updateApplication, { params, body: { name } }), tools),
  }),
  verb({
    name: "application sign-up",
    summary: "Say who may become a user of an application without being invited",
    arguments: {
      ...one,
      signUp: required(oneOf("closed", "confirmed", "open"), "nobody, whoever is confirmed, anybody"),
    },
    run: async ({ signUp, ...params }, tools) =>
      show(await (await tools.client()).call(routes.updateApplication, { params, body: { signUp } }), tools),
  }),
  verb({
    name: "application delete",
    summary: "End an application that has no devices left",
    arguments: one,
    async run(params, tools) {
      await (await tools.client()).call(routes.deleteApplication, { params });
      tools.print.thing({ id: params.application, deleted: true }, [["deleted", params.application]]);
    },
  }),
];
