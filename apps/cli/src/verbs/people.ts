import type { Reply } from "@holdfast/client";
import { routes } from "@holdfast/protocol";
import { idOf, required, text } from "../parameter.ts";
import type { Tools } from "../tools.ts";
import { verb } from "../verb.ts";

type Seen = Reply<typeof routes.findPerson>;

const one = { person: required(idOf("person"), "who") } as const;

const shownBeside = ({ factors: { totp, passkey } }: Seen): string =>
  [totp ? "codes of an app" : "", passkey ? "passkeys" : ""].filter((what) => what !== "").join(", ") || "nothing";

const when = ({ reset }: Seen, { print }: Tools): string =>
  reset ? `from ${print.at(reset.dueAt)} until ${print.at(reset.until)}` : "";

const show = (seen: Seen, tools: Tools): void =>
  tools.print.thing(seen, [
    ["person", seen.person],
    ["e-mail", seen.email],
    ["shows beside her password", shownBeside(seen)],
    ["that goes when she signs in", when(seen, tools)],
  ]);

export const peopleVerbs = [
  verb({
    name: "person find",
    summary: "Show who has an e-mail, and what she shows beside her password, as the administrator of the instance",
    flags: { email: required(text("E-MAIL"), "whose account it is") },
    run: async (query, tools) => show(await (await tools.client()).call(routes.findPerson, { query }), tools),
  }),
  verb({
    name: "person reset-factors",
    summary:
      "Begin the wait after which the second factors of somebody who lost them go, as the administrator of the instance",
    arguments: one,
    examples: ["person reset-factors per_…"],
    run: async (params, tools) => show(await (await tools.client()).call(routes.beginFactorReset, { params }), tools),
  }),
  verb({
    name: "person keep-factors",
    summary: "Call that off, as the administrator of the instance",
    arguments: one,
    async run(params, tools) {
      await (await tools.client()).call(routes.callOffFactorReset, { params });
      tools.print.thing({ person: params.person, reset: false }, [["keeps her second factors", params.person]]);
    },
  }),
  verb({
    name: "person resets",
    summary: "List whose second factors are to go, as the administrator of the instance",
    async run(_, tools) {
      const page = await (await tools.client()).call(routes.listFactorResets);
      const columns = [
        { title: "PERSON", cell: ({ person }: Seen) => person },
        { title: "E-MAIL", cell: ({ email }: Seen) => email },
        { title: "WHEN SHE SIGNS IN", cell: (seen: Seen) => when(seen, tools) },
      ];
      tools.print.list(page, columns, "Nobody's second factors are to go.");
    },
  }),
];
