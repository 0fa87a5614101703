import type { Reply } from "@holdfast/client";
import { routes, usualDays, type ListName, type SimulatedChange } from "@holdfast/protocol";
import { count, idOf, optional, required, some, text } from "../parameter.ts";
import type { Tools } from "../tools.ts";
import { verb } from "../verb.ts";
import { doorFlags, doorOf, doorOwner } from "./doors.ts";
import { whatIs } from "./lists.ts";

type Simulated = Reply<typeof routes.simulateChange>;
type Outcome = Simulated["newlyRefused"];

const flags = { days: optional(count, `so many of the last days, 30 at most; without it ${usualDays}`) } as const;
/** Of each: with --json there are all that the platform names. */
const mostShown = 12;

async function simulate(change: SimulatedChange, days: number | undefined, tools: Tools): Promise<void> {
  const simulated = await (await tools.client()).call(routes.simulateChange, { body: { change, days } });
  const { sentence, decisions, newlyRefused, newlyAllowed, unknown } = simulated;
  tools.print.thing(simulated, [
    ["it says", sentence],
    ...linesOf("newly refused", newlyRefused),
    ...linesOf("newly allowed", newlyAllowed),
    ...linesOf("unknown", unknown),
    ["tried on", `${decisions} decisions`],
  ]);
}

/** Devices and people by their own names, and then the credentials that are neither's. */
function linesOf(title: string, { devices, people, credentials }: Outcome): readonly (readonly [string, string])[] {
  const others = devices.count + people.count > 0 ? [] : credentials.items;
  const all = [...devices.items, ...people.items, ...others];
  return all.slice(0, mostShown).map(({ id, action, about, because }, at) => {
    const what = about === undefined || about === id ? action : `${action} on ${about}`;
    return [at === 0 ? title : "", `${id} ${what}${because === undefined ? "" : `: ${because}`}`];
  });
}

const putOn = (list: ListName, summary: string) =>
  verb({
    name: `simulate ${list}`,
    summary,
    arguments: { value: required(text("WHAT"), "an address or network, a device, a person, or a filter of topics") },
    flags,
    run: ({ value, days }, tools) => simulate({ kind: "entryAdded", list, what: whatIs(value), value }, days, tools),
  });

/** A change is tried on what was really asked lately: nothing changes. */
export const simulatingVerbs = [
  verb({
    name: "simulate door",
    summary: "Say whom another door of a product or a device would newly refuse, and whom it would let in",
    arguments: { of: required(doorOwner, "whose door") },
    flags: { ...doorFlags, ...flags },
    examples: ["simulate door prd_… --transport mqtts --tls TLSv1.3 --days 30"],
    run: ({ of, days, ...given }, tools) =>
      simulate({ kind: "door", of: "product" in of ? of.product : of.device, door: doorOf(given) }, days, tools),
  }),
  putOn("deny", "Say whom an entry of the deny list would newly refuse"),
  putOn("allow", "Say whom an entry of the allow list would newly refuse, and whom it would let in"),
  verb({
    name: "simulate remove",
    summary: "Say whom it would let in, or refuse, to take an entry from its list",
    arguments: { entry: required(idOf("listEntry"), "which entry") },
    flags,
    run: ({ entry, days }, tools) => simulate({ kind: "entryRemoved", entry }, days, tools),
  }),
  verb({
    name: "simulate role",
    summary: "Say whom a role would newly refuse, or let do more, if it held this",
    arguments: { role: required(text("ROLE"), "its name or its id") },
    flags: { grant: some(text("ACTION[:RESOURCE]"), "all that it would let do, and where"), ...flags },
    examples: ["simulate role 'Night shift' --grant device.read --grant device.suspend:tag:site=north"],
    run: ({ role, grant, days }, tools) => simulate({ kind: "role", role, grants: [...grant] }, days, tools),
  }),
];
