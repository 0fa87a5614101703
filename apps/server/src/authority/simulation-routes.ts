import { newId, rfc3339, type Clock, type Random } from "@holdfast/kernel";
import { routes } from "@holdfast/protocol";
import type { z } from "zod";
import type { Caller } from "./caller.ts";
import { readDoor } from "./door.ts";
import { readValue } from "./lists.ts";
import { on, type Handler } from "./on.ts";
import { readGrants } from "./role.ts";
import type { Simulated, Simulating } from "./simulating.ts";
import type { Change } from "./supposed.ts";
import { firstOf, isDevice, sentenceOf, type Parties, type Touched } from "./tally.ts";

type Needs = { readonly simulating: Simulating; readonly clock: Clock; readonly random: Random };
type Asked = z.infer<typeof routes.simulateChange.body>["change"];

export const simulationRoutes = ({ simulating, ...needs }: Needs): Handler[] => [
  on(routes.simulateChange, async ({ permit, caller, body: { change, days } }) => {
    const simulated = await simulating.simulate(permit, read(caller, change, needs), days);
    return reply(caller, simulated, days);
  }),
];

/** Whoever may not see what there is may not feel for it by changes. @throws Refusal as of reading it, and of what says nothing */
function read(caller: Caller, asked: Asked, { clock, random }: Pick<Needs, "clock" | "random">): Change {
  switch (asked.kind) {
    case "door": {
      const { of } = asked;
      if (isDevice(of)) caller.permit("device.read", of);
      else caller.permit("product.read", of);
      return { kind: "door", of, door: readDoor(asked.door) };
    }
    case "entryAdded": {
      caller.permit("list.read", caller.org);
      const { list, what } = asked;
      const entry = { id: newId("listEntry", random), list, what, value: readValue(what, asked.value) };
      const rest = { comment: "the one that is tried", author: "", createdAt: clock.now(), expiresAt: undefined };
      return { kind: "entryAdded", entry: { ...entry, ...rest } };
    }
    case "entryRemoved":
      caller.permit("list.read", caller.org);
      return asked;
    case "role":
      caller.permit("role.read", caller.org);
      return { ...asked, grants: readGrants(asked.grants) };
  }
}

const mostNamed = 100;

function reply(caller: Caller, { tally, from, to }: Simulated, days: number) {
  const { decisions, refused, allowed, unknown, unchanged, notCovered, altered } = tally;
  return {
    sentence: sentenceOf(tally, days),
    from: rfc3339(from),
    to: rfc3339(to),
    decisions,
    newlyRefused: outcomeFor(caller, refused),
    newlyAllowed: outcomeFor(caller, allowed),
    unknown: outcomeFor(caller, unknown),
    unchanged,
    notCovered,
    altered,
  };
}

/** How many is for whoever may ask; who, for whoever may read them. */
function outcomeFor(caller: Caller, { decisions, devices, people, credentials }: Parties) {
  const [readsCredentials, readsMembers] = (["credential.read", "member.read"] as const).map((action) =>
    caller.mayAnywhere(action),
  );
  const seesDevice = (id: Touched["about"]) => !isDevice(id) || caller.mayDevice("device.read", id);
  const shown = ({ because, about, ...one }: Touched) => ({
    ...one,
    ...(about !== undefined && seesDevice(about) && { about }),
    ...(readsCredentials && { because }),
  });
  const named = (all: ReadonlyMap<string, Touched>, sees: (id: string) => boolean) => ({
    count: all.size,
    items: firstOf(all, mostNamed, sees).map(shown),
  });
  return {
    decisions,
    devices: named(devices, (id) => seesDevice(id as Touched["about"])), // a device's: only a map is asked
    people: named(people, () => readsMembers === true),
    credentials: named(credentials, () => readsCredentials === true),
  };
}
