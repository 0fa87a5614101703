import type { Reply } from "@holdfast/client";
import { rfc3339 } from "@holdfast/kernel";
import { routes } from "@holdfast/protocol";
import { parseMoment } from "../moment.ts";
import { allPages, paging } from "../pages.ts";
import { optional, text } from "../parameter.ts";
import { clipped } from "../text.ts";
import { verb } from "../verb.ts";

type Entry = Reply<typeof routes.listAudit>["items"][number];

const moment = text("TIME");

export const auditVerbs = [
  verb({
    name: "audit list",
    summary: "List what happened in the organisation, newest first",
    flags: {
      about: optional(text("ID"), "only about this"),
      from: optional(moment, "from this time on: 2026-01-31T12:00:00Z, or -24h"),
      to: optional(moment, "up to, not including, this time"),
      ...paging,
    },
    async run({ about, from, to, ...given }, tools) {
      const now = tools.world.clock.now();
      const instant = (written: string | undefined) =>
        written === undefined ? undefined : rfc3339(parseMoment(written, now));
      const range = { about, from: instant(from), to: instant(to) };
      const client = await tools.client();
      const page = await allPages(given, tools.print, (asked) =>
        client.call(routes.listAudit, { query: { ...asked, ...range } }),
      );
      const columns = [
        { title: "WHEN", cell: ({ time }: Entry) => tools.print.ago(time) },
        { title: "WHAT", cell: ({ what }: Entry) => what },
        { title: "ABOUT", cell: (entry: Entry) => entry.about },
        { title: "BY", cell: ({ person, by }: Entry) => person ?? by },
        { title: "FACTS", cell: ({ facts }: Entry) => (facts === undefined ? "" : clipped(JSON.stringify(facts), 60)) },
      ];
      tools.print.list(page, columns, "Nothing like that happened.");
    },
  }),
];
