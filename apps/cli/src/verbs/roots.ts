import type { Reply } from "@holdfast/client";
import { rootTrust, routes } from "@holdfast/protocol";
import { allPages, paging } from "../pages.ts";
import { count, oneOf, optional } from "../parameter.ts";
import { verb } from "../verb.ts";

type Left = Reply<typeof routes.listDeviceRoots>["items"][number];
type Counts = Reply<typeof routes.readRoots>["devices"]["coming"];

const to = { to: optional(oneOf("coming", "spare"), "to which root; the coming one without saying") } as const;

const countsOf = ({ ready, behind, unknown }: Counts): string =>
  `${ready} trust it, ${behind} do not, ${unknown} have not said`;

/** The roots that devices trust: how they are staged, who would be cut off by the next, and going over to it. */
export const rootVerbs = [
  verb({
    name: "roots show",
    summary: "Show the platform's roots (current, coming, spare), and how many devices would reach it after a switch",
    async run(_, tools) {
      const { print } = tools;
      const stages = await (await tools.client()).call(routes.readRoots);
      const { roots, devices, organisations, switchesAt, spareHere, version } = stages;
      print.thing(stages, [
        ...roots.map(
          ({ state, name, sha256, notAfter }) =>
            [state, `${name}, ends ${print.ago(notAfter)}, SHA-256 ${sha256}`] as const,
        ),
        ["version", String(version)],
        ["switches by itself", print.at(switchesAt)],
        ["spare's key", spareHere ? "in the keyring: take it out with holdfast keys take-spare" : "kept elsewhere"],
        ["to the coming one", countsOf(devices.coming)],
        ["to the spare", countsOf(devices.spare)],
        ...organisations.map(
          ({ id, behind, unknown }) => [id, `${behind} do not trust the coming one, ${unknown} have not said`] as const,
        ),
      ]);
    },
  }),
  verb({
    name: "roots devices",
    summary: "List the devices that would, or may, be cut off when the platform goes over to another root",
    flags: {
      ...to,
      trust: optional(oneOf(...rootTrust), "only those that do not trust it, or have not said"),
      ...paging,
    },
    async run({ to = "coming", trust, ...given }, tools) {
      const { print } = tools;
      const client = await tools.client();
      const page = await allPages(given, print, (query) =>
        client.call(routes.listDeviceRoots, { query: { ...query, to, ...(trust && { trust }) } }),
      );
      const columns = [
        { title: "ID", cell: ({ device }: Left) => device },
        { title: "NAME", cell: ({ name }: Left) => name },
        { title: "TRUSTS IT", cell: ({ trust }: Left) => (trust === "behind" ? "no" : "has not said") },
        { title: "SAID", cell: ({ saidAt }: Left) => (saidAt === undefined ? "" : print.ago(saidAt)) },
      ];
      print.list(page, columns, "Every device that has to trusts it.");
    },
  }),
  verb({
    name: "roots switch",
    summary: "Go over to the coming root, or to the spare, for good; whoever trusts only the old one is cut off",
    flags: {
      ...to,
      "cut-off": optional(count, "how many devices may be cut off: those that do not trust it or have not said"),
    },
    examples: ["roots switch", "roots switch --cut-off 12"],
    async run({ to = "coming", "cut-off": cutOff = 0 }, tools) {
      const switched = await (await tools.client()).call(routes.switchRoots, { body: { to, cutOff } });
      const { current, version } = switched;
      tools.print.thing(switched, [
        ["current", `${current.name}, SHA-256 ${current.sha256}`],
        ["version", String(version)],
      ]);
      tools.print.note("An older copy of the keys has the old root: make a new one (holdfast keys backup).");
    },
  }),
];
