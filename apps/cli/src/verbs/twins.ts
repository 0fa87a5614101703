import type { Reply } from "@holdfast/client";
import { routes } from "@holdfast/protocol";
import { Misuse } from "../failure.ts";
import { count, idOf, optional, required, type Reader } from "../parameter.ts";
import { jsonIn } from "../json.ts";
import type { Tools } from "../tools.ts";
import { verb } from "../verb.ts";

type Twin = Reply<typeof routes.readTwin>;
type Change = Reply<typeof routes.listTwinChanges>["items"][number];

const one = { device: required(idOf("device"), "which device") } as const;

const patch: Reader<Record<string, unknown>> = {
  hint: "JSON",
  read: (given) => {
    const value = jsonIn(given);
    if (typeof value !== "object" || value === null || Array.isArray(value))
      throw new Misuse(`'${given}' is no object of JSON such as '{"interval": 60, "old": null}'`);
    return { ...value };
  },
};

const show = (twin: Twin, { print }: Tools): void =>
  print.thing(twin, [
    ["version", String(twin.version)],
    ["desired", JSON.stringify(twin.desired)],
    ["since", twin.desiredAt ?? ""],
    ["reported", JSON.stringify(twin.reported)],
    ["since", twin.reportedAt ?? ""],
    ["differs", Object.keys(twin.difference).length > 0 ? JSON.stringify(twin.difference) : "nothing"],
  ]);

export const twinVerbs = [
  verb({
    name: "twin get",
    summary: "Show what is wanted of a device, what it says of itself, and what differs",
    arguments: one,
    run: async ({ device }, tools) =>
      show(await (await tools.client()).call(routes.readTwin, { params: { device } }), tools),
  }),
  verb({
    name: "twin set",
    summary: "Change what is wanted of a device: fields to set, and null for those to remove",
    arguments: { ...one, desired: required(patch, "a merge patch of what is desired") },
    flags: { "if-version": optional(count, "only if it is at this version still") },
    examples: ['twin set dev_… \'{"interval": 60, "display": {"on": true}}\''],
    async run({ device, desired, "if-version": ifVersion }, tools) {
      const client = await tools.client();
      const only = ifVersion === undefined ? {} : { ifVersion };
      show(await client.call(routes.updateTwin, { params: { device }, body: { desired }, ...only }), tools);
    },
  }),
  verb({
    name: "twin history",
    summary: "List the last changes of a twin: when, by whom, and what",
    arguments: one,
    async run({ device }, tools) {
      const page = await (await tools.client()).call(routes.listTwinChanges, { params: { device } });
      const columns = [
        { title: "AT", cell: ({ at }: Change) => at },
        { title: "SIDE", cell: ({ side, version }: Change) => `${side} ${version}` },
        { title: "BY", cell: ({ by }: Change) => by },
        { title: "CHANGE", cell: ({ patch: changed }: Change) => JSON.stringify(changed) },
      ];
      tools.print.list(page, columns, "Nothing was ever wanted of it, and it never said what it is like.");
    },
  }),
];
