import type { Reply } from "@holdfast/client";
import { isId, type Id } from "@holdfast/kernel";
import {
  door,
  proofs,
  routes,
  socketModes,
  tlsVersions,
  transports,
  visitorKinds,
  type Door,
  type Hours,
  type Transport,
  type Visitors,
} from "@holdfast/protocol";
import { Misuse } from "../failure.ts";
import { any, count, onOff, oneOf, optional, required, text, type Reader } from "../parameter.ts";
import type { Tools } from "../tools.ts";
import { verb } from "../verb.ts";
import { hours, rate } from "./held.ts";

type Of = { readonly product: Id<"product"> } | { readonly device: Id<"device"> };
type Shown = Reply<typeof routes.readProductDoor> & Pick<Reply<typeof routes.readDeviceDoor>, "inherited">;

export const doorOwner: Reader<Of> = {
  hint: "PRODUCT|DEVICE",
  read: (given) => {
    if (isId("product", given)) return { product: given };
    if (isId("device", given)) return { device: given };
    throw new Misuse(`"${given}" is no identifier of a product or a device: prd_ or dev_ and 32 hex digits`);
  },
};

const whose = { of: required(doorOwner, "whose door") } as const;
const who = "a network, a person, a credential, or a kind of credential";

/** One or several of what a door names, with commas between. */
const visitors: Reader<NonNullable<Door["allow"]>> = {
  hint: "WHO",
  read: (given) => {
    const named: Record<string, string[]> = {};
    for (const one of given.split(",")) (named[fieldOf(one)] ??= []).push(one);
    const read = door.shape.allow.safeParse(named);
    if (!read.success || !read.data) throw new Misuse(`"${given}" is not ${who}: ${visitorKinds.join(", ")}`);
    return read.data;
  },
};

function fieldOf(text: string): keyof NonNullable<Door["allow"]> {
  if (text.startsWith("per_")) return "people";
  if (/^(?:key|tok|ses)_/.test(text)) return "credentials";
  return /[.:]/.test(text) ? "addresses" : "kinds";
}

const shownTo: Reader<{ attributes: string[]; by?: Visitors }> = {
  hint: "NAME[=WHO]",
  read: (given) => {
    const at = given.indexOf("=");
    if (at < 0) return { attributes: [given] };
    const { addresses, ...by } = visitors.read(given.slice(at + 1));
    if (at === 0 || addresses) throw new Misuse(`"${given}" is not NAME or NAME=WHO, and WHO is no address here`);
    return { attributes: [given.slice(0, at)], by };
  },
};

/** What a door demands, as it is said on the command line. */
export const doorFlags = {
  transport: any(oneOf(...transports), "only over this: of the device, and of whoever sends in its name"),
  socket: optional(
    oneOf(...socketModes),
    "the least that a frame of a direct socket needs, with --transport socket: sealed otherwise",
  ),
  tls: optional(oneOf(...tlsVersions), "the least version of TLS"),
  proof: optional(oneOf(...proofs), "the least proof: key asks for a credential that is bound to one"),
  allow: any(visitors, `only these: ${who}`),
  deny: any(visitors, `not these, whatever is allowed: ${who}`),
  writable: any(text("NAME"), "only this attribute is taken"),
  readable: any(shownTo, "only this attribute is shown, to everybody or to these"),
  dangerous: any(text("COMMAND"), "this command goes out only once a person who signed in has approved it"),
  rate: optional(rate, "at most so many messages of a device a minute, and at once"),
  size: optional(count, "bytes of the largest message"),
  hours: any(hours, "open only then, by the clocks of a place: 'mon-fri 08:00-18:00 Europe/Berlin'"),
} as const;

export const doorVerbs = [
  verb({
    name: "door show",
    summary: "Show what a product or a device demands of whoever comes to it, and which of the two says what",
    arguments: whose,
    run: async ({ of: thing }, tools) => show(await read(thing, tools), tools),
  }),
  verb({
    name: "door set",
    summary: "Change what a product or a device demands of whoever comes to it, as far as the flags name it",
    arguments: whose,
    flags: {
      ...doorFlags,
      replace: onOff("set the door as a whole: what no flag names is demanded no more"),
    },
    examples: [
      "door set prd_… --transport mqtts --tls TLSv1.3 --proof key --rate 60/10",
      "door set dev_… --deny 192.0.2.0/24,accessKey --readable temperature --readable position=per_…",
      "door set dev_… --transport https --replace",
    ],
    async run({ of: thing, replace, ...given }, tools) {
      const named = doorOf(given);
      if (Object.keys(named).length === 0)
        throw new Misuse("Say what it demands: holdfast help door set. holdfast door remove takes it away.");
      const client = await tools.client();
      const old = replace ? undefined : await read(thing, tools);
      const [body, ifVersion] = [{ ...old?.door, ...named }, old?.version];
      const shown: Shown = await ("product" in thing
        ? client.call(routes.setProductDoor, { params: thing, body, ifVersion })
        : client.call(routes.setDeviceDoor, { params: thing, body, ifVersion }));
      show(shown, tools);
    },
  }),
  verb({
    name: "door remove",
    summary: "Take the door of a product or a device away: of a device its product's stays",
    arguments: whose,
    async run({ of: thing }, tools) {
      const client = await tools.client();
      if ("product" in thing) await client.call(routes.removeProductDoor, { params: thing });
      else await client.call(routes.removeDeviceDoor, { params: thing });
      const [id = ""] = Object.values(thing);
      tools.print.thing({ id, removed: true }, [["removed", `the door of ${id}`]]);
    },
  }),
];

async function read(thing: Of, tools: Tools): Promise<Shown> {
  const client = await tools.client();
  return "product" in thing
    ? client.call(routes.readProductDoor, { params: thing })
    : client.call(routes.readDeviceDoor, { params: thing });
}

function show(shown: Shown, { print }: Tools): void {
  const lines = shown.clauses.map(({ from, says }) => [from, says] as const);
  print.thing(shown, lines.length > 0 ? lines : [["demands", "nothing beyond a good credential"]]);
}

type Side = NonNullable<Door["allow"]>;
type Given = {
  readonly transport: readonly Transport[];
  readonly socket: Door["socket"];
  readonly tls: Door["tls"];
  readonly proof: Door["proof"];
  readonly allow: readonly Side[];
  readonly deny: readonly Side[];
  readonly writable: readonly string[];
  readonly readable: readonly { attributes: string[]; by?: Visitors }[];
  readonly dangerous: readonly string[];
  readonly rate: Door["rate"];
  readonly size: number | undefined;
  readonly hours: readonly Hours[];
};

/** The same as a request says it. */
export const doorOf = (given: Given): Door => ({
  ...(given.transport.length > 0 && { transports: [...given.transport] }),
  ...(given.socket && { socket: given.socket }),
  ...(given.tls && { tls: given.tls }),
  ...(given.proof && { proof: given.proof }),
  ...(given.allow.length > 0 && { allow: together(given.allow) }),
  ...(given.deny.length > 0 && { deny: together(given.deny) }),
  ...(given.writable.length > 0 && { writable: [...given.writable] }),
  ...(given.readable.length > 0 && { readable: [...given.readable] }),
  ...(given.dangerous.length > 0 && { dangerous: [...given.dangerous] }),
  ...(given.rate && { rate: given.rate }),
  ...(given.size !== undefined && { size: given.size }),
  ...(given.hours.length > 0 && { hours: [...given.hours] }),
});

function together(all: readonly Side[]): Side {
  const [credentials, people, kinds, addresses] = [
    all.flatMap((one) => one.credentials ?? []),
    all.flatMap((one) => one.people ?? []),
    all.flatMap((one) => one.kinds ?? []),
    all.flatMap((one) => one.addresses ?? []),
  ];
  return {
    ...(credentials.length > 0 && { credentials }),
    ...(people.length > 0 && { people }),
    ...(kinds.length > 0 && { kinds }),
    ...(addresses.length > 0 && { addresses }),
  };
}
