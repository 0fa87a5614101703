import type { CredentialId, Id, Instant } from "@holdfast/kernel";
import { allActions, type Grant } from "@holdfast/protocol";
import { Caller } from "../apps/server/src/authority/caller.ts";
import { levelOf, readDoor, type Level } from "../apps/server/src/authority/door.ts";
import { readValue, type ListEntry } from "../apps/server/src/authority/lists.ts";
import { credentialOf, spaceOf } from "../apps/server/src/authority/space.fixture.ts";
import { denied, door } from "./authority/demanding.ts";
import { rate } from "./rate.ts";
import type { Result } from "./result.ts";

const goal = 1;
const hex = (at: number): string => at.toString(16).padStart(32, "0");
const org = `org_${hex(0)}` as Id<"org">; // all of these are identifiers by their form
const product = `prd_${hex(0)}` as Id<"product">;
const application = `app_${hex(0)}` as Id<"application">;
const devices = Array.from({ length: 1_000 }, (_, at) => `dev_${hex(at + 5_000)}` as Id<"device">);

type Setting = { readonly hasDoors: boolean; readonly hasLists: boolean; readonly links: number };

/** How many questions a gate asks in a second of one core where it has no answer from before: whether this credential may do this with this device. */
export async function run(): Promise<Result> {
  const rows = (
    [
      ["grants alone", { hasDoors: false, hasLists: false, links: 1 }],
      ["three tokens in a chain", { hasDoors: false, hasLists: false, links: 3 }],
      ["doors of product and device", { hasDoors: true, hasLists: false, links: 1 }],
      ["a list of 1,000 entries", { hasDoors: false, hasLists: true, links: 1 }],
      ["all of these", { hasDoors: true, hasLists: true, links: 3 }],
    ] as const
  ).map(([name, setting]) => {
    const caller = callerIn(setting);
    const ask = (action: "telemetry.write" | "telemetry.read") =>
      rate(devices.length, () => {
        for (const id of devices) if (!caller.mayDevice(action, id)) throw new Error(`${name} refuses ${action}.`);
      });
    const [write, read] = [ask("telemetry.write"), ask("telemetry.read")];
    return {
      case: name,
      "write M/s": write,
      "read M/s": read,
      goal: `≥ ${goal}`,
      "": Math.min(write, read) >= goal ? "met" : "missed",
    };
  });
  return {
    name: "authority-decisions",
    rows,
    notes: [`Questions about ${devices.length.toLocaleString("en")} devices in turn, each allowed.`],
  };
}

function callerIn({ hasDoors, hasLists, links }: Setting): Caller {
  const level = (of: Level["of"]): { readonly door?: Level | undefined } =>
    hasDoors ? { door: levelOf(of, readDoor(door)) } : {};
  const placed = { application, product, state: "active", tags: {}, alias: undefined, version: 1 } as const;
  const space = spaceOf(org, {
    devices: new Map(devices.map((id) => [id, { ...placed, ...level(id) }])),
    applications: new Set([application]),
    products: new Map([[product, { strict: false, types: new Map(), ...level(product) }]]),
    entries: hasLists ? denied.map(entryOf) : [],
  });
  const now = Date.now() as Instant; // milliseconds, as both are
  const grants = allActions.map((action): Grant => ({ action, where: { all: true } }));
  const ids = Array.from({ length: links }, (_, at) => `tok_${hex(at + 1)}` as CredentialId);
  for (const [at, id] of ids.entries()) {
    const makers = ids.slice(0, at).toReversed();
    space.credentials.set(id, credentialOf({ id, parent: makers[0], makers, grants, createdAt: now }));
  }
  const credential = space.credentials.get(ids.at(-1)!); // at least one was made
  if (!credential) throw new Error("There is no credential.");
  const circumstances = { address: "127.0.0.1", transport: "mqtts", tls: "TLSv1.3", origin: undefined } as const;
  return new Caller({
    credential,
    space,
    circumstances: { ...circumstances, proof: "secret" },
    clock: { now: () => now, elapsed: () => 0 },
    onRefusal: () => undefined,
  });
}

function entryOf({ what, value }: (typeof denied)[number], at: number): ListEntry {
  const about = { list: "deny", what, value: readValue(what, value), comment: "", author: "" } as const;
  return { id: `lst_${hex(at)}` as Id<"listEntry">, ...about, createdAt: 0 as Instant, expiresAt: undefined };
}
