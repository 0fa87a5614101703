import type { Reply } from "@holdfast/client";
import { routes } from "@holdfast/protocol";
import { verb } from "../verb.ts";

type Certificate = Reply<typeof routes.certificates>["certificates"][number];

export const certificateVerbs = [
  verb({
    name: "certificates",
    summary: "List every certificate of the platform to trust, current, coming and spare",
    async run(_, tools) {
      const { print } = tools;
      const reply = await tools.stranger().call(routes.certificates);
      if (print.isJson) return print.thing(reply, []);
      const columns = [
        { title: "NAME", cell: ({ name }: Certificate) => name },
        { title: "PURPOSE", cell: ({ purpose }: Certificate) => purpose },
        { title: "STATE", cell: ({ state }: Certificate) => state },
        { title: "ENDS", cell: ({ notAfter }: Certificate) => print.ago(notAfter) },
        { title: "SHA-256", cell: ({ sha256 }: Certificate) => sha256 },
      ];
      print.list({ items: reply.certificates }, columns, "There is none.");
    },
  }),
];
