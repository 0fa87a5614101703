import type { Reply } from "@holdfast/client";
import { isId } from "@holdfast/kernel";
import { listed, listNames, routes, type Listed, type ListName } from "@holdfast/protocol";
import { allPages, paging } from "../pages.ts";
import { duration, idOf, oneOf, optional, required, text } from "../parameter.ts";
import { verb } from "../verb.ts";

type Entry = Reply<typeof routes.readListEntry>;

/** A device, a person, a filter of topics; else an address, of which the platform says what is wrong with it. */
export function whatIs(value: string): Listed {
  if (isId("device", value)) return "device";
  if (isId("person", value)) return "person";
  return /^(?:devices|[+#])(?:\/|$)/.test(value) ? "topic" : "address";
}

const putOn = (list: ListName, summary: string) =>
  verb({
    name: `list ${list}`,
    summary,
    arguments: { value: required(text("WHAT"), "an address or network, a device, a person, or a filter of topics") },
    flags: {
      comment: optional(text("TEXT"), "why, for whoever reads it later"),
      expires: optional(duration, "how long it holds; without it until it is removed"),
    },
    examples: [`list ${list} 192.0.2.0/24 --comment "the office" --expires 30d`],
    async run({ value, comment, expires }, tools) {
      const body = { list, what: whatIs(value), value, comment, expiresIn: expires };
      const entry = await (await tools.client()).call(routes.createListEntry, { body });
      tools.print.thing(entry, [
        ["id", entry.id],
        ["list", entry.list],
        [entry.what, entry.value],
        ["until", tools.print.at(entry.expiresAt)],
      ]);
      for (const warning of entry.warnings) tools.print.note(warning);
    },
  });

export const listVerbs = [
  verb({
    name: "list show",
    summary: "List the entries of the allow list and the deny list, and how often each decided",
    flags: {
      list: optional(oneOf(...listNames), "only this list"),
      what: optional(oneOf(...listed), "only entries about this"),
      ...paging,
    },
    async run({ list, what, ...given }, tools) {
      const client = await tools.client();
      const page = await allPages(given, tools.print, (asked) =>
        client.call(routes.listEntries, { query: { ...asked, list, what } }),
      );
      const columns = [
        { title: "ID", cell: ({ id }: Entry) => id },
        { title: "LIST", cell: (entry: Entry) => entry.list },
        { title: "WHAT", cell: (entry: Entry) => entry.what },
        { title: "VALUE", cell: ({ value }: Entry) => value },
        { title: "COMMENT", cell: ({ comment }: Entry) => comment },
        { title: "BY", cell: ({ author }: Entry) => author },
        { title: "EXPIRES", cell: ({ expiresAt }: Entry) => tools.print.ago(expiresAt) },
        { title: "HITS", cell: ({ hits }: Entry) => String(hits) },
        { title: "LAST", cell: ({ lastHitAt }: Entry) => tools.print.ago(lastHitAt) },
      ];
      tools.print.list(page, columns, "Nothing is on either list.");
    },
  }),
  putOn("allow", "Let in only this of its kind, and what else is on the allow list"),
  putOn("deny", "Let this in no more, whatever is allowed; what is open is closed at once"),
  verb({
    name: "list remove",
    summary: "Take an entry from its list",
    arguments: { entry: required(idOf("listEntry"), "which entry") },
    async run(params, tools) {
      await (await tools.client()).call(routes.removeListEntry, { params });
      tools.print.thing({ id: params.entry, removed: true }, [["removed", params.entry]]);
    },
  }),
];
