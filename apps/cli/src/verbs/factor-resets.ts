import type { Reply } from "@holdfast/client";
import { routes } from "@holdfast/protocol";
import { idOf, required } from "../parameter.ts";
import type { Tools } from "../tools.ts";
import { verb } from "../verb.ts";

type Seen = Reply<typeof routes.beginFactorReset>;

const one = { person: required(idOf("person"), "who") } as const;

const when = ({ reset }: Seen, { print }: Tools): string =>
  reset ? `from ${print.at(reset.dueAt)} until ${print.at(reset.until)}` : "";

/** What whoever administers the instance does for somebody who lost all that she shows beside her password. */
export const factorResetVerbs = [
  verb({
    name: "instance reset-factors",
    summary: "Begin the wait after which the second factors of somebody who lost them go",
    arguments: one,
    async run(params, tools) {
      const seen = await (await tools.client()).call(routes.beginFactorReset, { params });
      tools.print.thing(seen, [
        ["person", seen.person],
        ["e-mail", seen.email],
        ["go when she signs in", when(seen, tools)],
      ]);
    },
  }),
  verb({
    name: "instance keep-factors",
    summary: "Call off that somebody loses her second factors",
    arguments: one,
    async run(params, tools) {
      await (await tools.client()).call(routes.callOffFactorReset, { params });
      tools.print.thing({ person: params.person, reset: false }, [["keeps her second factors", params.person]]);
    },
  }),
  verb({
    name: "instance factor-resets",
    summary: "List whose second factors are to go",
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
