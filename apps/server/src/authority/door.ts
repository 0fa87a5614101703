import { Refusal, type Id, type Instant } from "@holdfast/kernel";
import { socketModes, tlsVersions, type Action, type Door, type SocketMode, type Visitors } from "@holdfast/protocol";
import { readConditions } from "./conditions.ts";
import { heldUntil, holdAt, inWords } from "./hours.ts";
import { isAddressOf, networksOf } from "./network.ts";
import { called, type Visitor } from "./visitor.ts";

/** How somebody meets a door: as the device itself, to send in its name, or to read what it measured. */
type Way = "own" | "write" | "read";

/** What goes through a door. What is done with the record of a device, its door's own change included, does not. */
const throughDoors: Partial<Record<Action, Exclude<Way, "own">>> = {
  "telemetry.write": "write",
  "telemetry.read": "read",
};
/** Whoever asks something of a device comes as whoever reads: how the device itself has to come is not his to keep. */
export const wayOf = (action: Action): Exclude<Way, "own"> | undefined =>
  throughDoors[action] ?? (/^(twin|command)\./.test(action) ? "read" : undefined);

/** One demand. `undefined` is what nobody can say, because too little is known of how somebody came. */
type Clause = {
  readonly field: keyof Door;
  readonly ways: readonly Way[];
  readonly says: string;
  holds(visitor: Visitor, now: Instant): boolean | undefined;
  /** What the visitor is instead, after "and this". */
  instead(visitor: Visitor): string;
};

/** A door of one product or device, compiled when either changes. A device with both has both, and each has to hold. */
export type Level = {
  readonly of: Id<"product"> | Id<"device">;
  readonly door: Door;
  readonly clauses: readonly Clause[];
  /** The one of them that hangs on time. */
  readonly hours: Clause | undefined;
  readonly writable: ReadonlySet<string> | undefined;
  /** Two that say the same demand the same. */
  readonly text: string;
};

/** As a door is kept: in one spelling, and without what demands nothing. @throws Refusal `request.malformed` where it names nothing */
export function readDoor(asked: Door): Door {
  const { rate, hours, transports: ways } = readDoorConditions(asked);
  const { tls, proof, allow, deny, writable, readable, size, socket, dangerous } = asked;
  if (socket && ways && !ways.includes("socket")) {
    const message = "transports leaves socket out: name it there, or say nothing here";
    throw new Refusal("request.malformed", { faults: [{ path: "socket", message }] });
  }
  return {
    ...(ways && { transports: ways }),
    ...(socket && { socket }),
    ...(tls && { tls }),
    ...(proof && { proof }),
    ...(allow && hasAny(allow) && { allow: readSide(allow, "allow") }),
    ...(deny && hasAny(deny) && { deny: readSide(deny, "deny") }),
    ...(writable && { writable: [...new Set(writable)] }),
    ...(readable && {
      readable: readable.map(({ attributes, by }) => ({
        attributes: [...new Set(attributes)],
        ...(by && hasAny(by) && { by }),
      })),
    }),
    ...(dangerous && { dangerous: [...new Set(dangerous)] }),
    ...(rate && { rate }),
    ...(size !== undefined && { size }),
    ...(hours && { hours }),
  };
}

type Side = NonNullable<Door["allow"]>;

const hasAny = (one: object): boolean => Object.values(one).some((value) => value !== undefined);

const readDoorConditions = ({ rate, hours, transports: ways }: Door) =>
  within("", () => readConditions({ rate, hours, transports: ways })) ?? {};

const readSide = (side: Side, field: "allow" | "deny"): Side => ({
  ...side,
  ...(side.addresses && { addresses: within(field, () => readConditions({ addresses: side.addresses }))?.addresses }),
});

/** The faults of conditions, by their place in the door. */
function within<T>(field: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const faults = error.faults.map(({ path, message }) => ({
      path: [field, path.replace(/^conditions\./, "")].filter(Boolean).join("."),
      message,
    }));
    throw new Refusal(error.code, { faults, cause: error });
  }
}

export function levelOf(of: Level["of"], door: Door | undefined): Level | undefined {
  if (!door || Object.keys(door).length === 0) return undefined;
  const clauses = clausesOf(door);
  return {
    of,
    door,
    clauses,
    hours: clauses.find(({ field }) => field === "hours"),
    writable: door.writable && new Set(door.writable),
    text: JSON.stringify(door),
  };
}

const all: readonly Way[] = ["own", "write", "read"];
/** What the device itself has to do, and whoever speaks for it. */
const speaking: readonly Way[] = ["own", "write"];
const others: readonly Way[] = ["write", "read"];

/** The least that a door takes of a direct socket; `undefined` where it says nothing of any. */
export const leastOf = ({ transports: ways, socket }: Door): SocketMode | undefined =>
  socket ?? (ways?.includes("socket") ? "sealed" : undefined);

const isAtLeast = (mode: SocketMode, least: SocketMode): boolean =>
  socketModes.indexOf(mode) >= socketModes.indexOf(least);

/** A direct socket is closed wherever nobody opened it, what else a door says. */
const opensSockets = (levels: readonly Level[]): boolean =>
  levels.some(({ door: { transports: ways } }) => ways?.includes("socket"));

/** Why a device that comes by a direct socket is not let in, where no door says so itself. */
export const unopened = (levels: readonly Level[], visitor: Visitor): string | undefined =>
  visitor.circumstances?.transport !== "socket" || opensSockets(levels)
    ? undefined
    : `no door of ${visitor.device ?? visitor.id} opens direct sockets, and this came over one`;

/** Whether anybody can send in the name of the device, and read along. */
export const takesPlain = (levels: readonly Level[]): boolean =>
  opensSockets(levels) &&
  levels.every(({ door }) => {
    if (door.tls !== undefined || door.proof === "key" || door.transports?.includes("socket") === false) return false;
    const least = leastOf(door);
    return least === undefined || least === "plain";
  });

function clausesOf(door: Door): readonly Clause[] {
  const { transports: ways, tls, proof, allow, deny, hours } = door;
  const clauses: Clause[] = [];
  if (deny?.addresses) {
    const from = placesOf(deny.addresses);
    clauses.push({
      field: "deny",
      ways: all,
      says: `takes nobody from ${deny.addresses.join(" or ")}`,
      holds: (visitor) => not(from(visitor)),
      instead: cameFrom,
    });
  }
  if (deny && namesAnybody(deny)) {
    clauses.push({
      field: "deny",
      ways: all,
      says: `does not take ${inWordsOf(deny)}`,
      holds: (visitor) => !isDenied(deny, visitor),
      instead: (visitor) => `is ${called(visitor)}`,
    });
  }
  if (allow?.addresses) {
    clauses.push({
      field: "allow",
      ways: all,
      says: `takes ${allow.addresses.join(" or ")} only`,
      holds: placesOf(allow.addresses),
      instead: cameFrom,
    });
  }
  if (allow && namesAnybody(allow)) {
    clauses.push({
      field: "allow",
      ways: others,
      says: `takes only ${inWordsOf(allow)}`,
      holds: (visitor) => isMeant(allow, visitor),
      instead: (visitor) => `is ${called(visitor)}`,
    });
  }
  if (ways) {
    clauses.push({
      field: "transports",
      ways: speaking,
      says: `takes ${ways.join(" or ")} only`,
      holds: ({ circumstances }) => circumstances?.transport && ways.includes(circumstances.transport),
      instead: ({ circumstances }) => `came over ${circumstances?.transport}`,
    });
  }
  const least = leastOf(door);
  if (least) {
    clauses.push({
      field: "socket",
      ways: speaking,
      says: `takes ${least === "plain" ? "anything, plain text too," : `only what is ${least}${least === "sealed" ? "" : " or better"}`} over a direct socket`,
      holds: ({ circumstances }) => {
        if (!circumstances?.transport) return undefined;
        return circumstances.transport !== "socket" || (circumstances.socket && isAtLeast(circumstances.socket, least));
      },
      instead: ({ circumstances }) => `was ${circumstances?.socket}`,
    });
  }
  if (tls) {
    clauses.push({
      field: "tls",
      ways: all,
      says: `takes ${tls} or newer only`,
      holds: ({ circumstances }) =>
        circumstances?.transport === "socket"
          ? false
          : circumstances?.tls && tlsVersions.indexOf(circumstances.tls) >= tlsVersions.indexOf(tls),
      instead: ({ circumstances }) => `came over ${circumstances?.tls ?? "no TLS"}`,
    });
  }
  if (proof === "key") {
    clauses.push({
      field: "proof",
      ways: speaking,
      says: "takes only who proves a key",
      holds: ({ circumstances }) => circumstances?.proof && circumstances.proof === "key",
      instead: ({ circumstances }) => `showed ${circumstances?.proof === "session" ? "a session" : "a secret alone"}`,
    });
  }
  if (hours) {
    const at = byMinute((now) => holdAt(hours, now));
    clauses.push({
      field: "hours",
      ways: all,
      says: `is open ${inWords(hours)} only`,
      // Of a session that is kept for whoever comes back, and then is asked.
      holds: ({ circumstances }, now) => (circumstances ? at(now) : undefined),
      instead: () => "is another time",
    });
  }
  return clauses;
}

const not = (holds: boolean | undefined): boolean | undefined => (holds === undefined ? undefined : !holds);

const cameFrom = ({ circumstances }: Visitor): string => `came from ${circumstances?.address}`;

function placesOf(texts: readonly string[]): (visitor: Visitor) => boolean | undefined {
  const networks = networksOf(texts);
  return ({ circumstances }) => {
    const address = circumstances?.address;
    return address === undefined ? undefined : networks.some((one) => isAddressOf(one, address));
  };
}

/** Hours begin and end with a minute, and so do changes of a zone's clocks. */
function byMinute(holds: (now: Instant) => boolean): (now: Instant) => boolean {
  let known: { minute: number; holds: boolean } | undefined;
  return (now) => {
    const minute = Math.floor(now / 60_000);
    if (known?.minute !== minute) known = { minute, holds: holds(now) };
    return known.holds;
  };
}

export const namesAnybody = ({ credentials, people, kinds }: Visitors): boolean =>
  credentials !== undefined || people !== undefined || kinds !== undefined;

export const inWordsOf = ({ credentials = [], people = [], kinds = [] }: Visitors): string =>
  [...credentials, ...people, ...kinds.map((kind) => `credentials of kind ${kind}`)].join(" or ");

/** What it made is within it, and a person's are hers. */
const isMeant = ({ credentials = [], people = [], kinds = [] }: Visitors, visitor: Visitor): boolean =>
  visitor.chain.some((id) => credentials.includes(id)) ||
  (visitor.person !== undefined && people.includes(visitor.person)) ||
  kinds.some((kind) => kind === visitor.kind);

const isDenied = ({ credentials = [], people = [], kinds = [] }: Visitors, visitor: Visitor): boolean =>
  credentials.some((id) => visitor.behind.has(id)) ||
  people.some((id) => visitor.behind.has(id)) ||
  kinds.some((kind) => visitor.kinds.includes(kind));

/** What the levels say to one visitor. */
export type Answer = {
  readonly against: string | undefined;
  readonly open: readonly string[];
  /** It is the hours that are against it, and nothing else. */
  readonly isOfHours?: boolean;
  /** Which clause that is, in a few words. */
  readonly clause?: string;
};

export const isOpenTo = (
  levels: readonly Level[],
  visitor: Visitor,
  way: Way,
  now: Instant,
  passed: Passed = new Map(),
): boolean => levels.every((level) => isPassed(level, visitor, way, now, passed) && isOpenAt(level, way, now, visitor));

/** What the levels said to one visitor but for the hours: nothing else of it changes while he is there. */
export type Passed = Map<Level, Partial<Record<Way, boolean>>>;

function isPassed(level: Level, visitor: Visitor, way: Way, now: Instant, passed: Passed): boolean {
  let known = passed.get(level);
  if (!known) passed.set(level, (known = {}));
  return (known[way] ??= level.clauses.every(
    (clause) => clause.field === "hours" || !clause.ways.includes(way) || clause.holds(visitor, now) !== false,
  ));
}

const isOpenAt = ({ hours }: Level, way: Way, now: Instant, visitor: Visitor): boolean =>
  !hours || !hours.ways.includes(way) || hours.holds(visitor, now) !== false;

/** The same in words. */
export function answerOf(levels: readonly Level[], visitor: Visitor, way: Way, now: Instant): Answer {
  const open: string[] = [];
  for (const { of, clauses } of levels) {
    for (const clause of clauses) {
      if (!clause.ways.includes(way)) continue;
      const holds = clause.holds(visitor, now);
      if (holds === false) {
        const against = `the door of ${of} ${clause.says}, and this ${clause.instead(visitor)}`;
        // Hours are asked last.
        return { against, open, isOfHours: clause.field === "hours", clause: `door ${of} ${clause.field}` };
      }
      if (holds === undefined && visitor.circumstances) open.push(`the door of ${of} ${clause.says}`);
    }
  }
  return { against: undefined, open };
}

/** Until when the hours of a level hold without a break, where they hold now. */
export function closingOf({ of, door: { hours } }: Level, now: Instant): { at: Instant; because: string } | undefined {
  if (!hours || !holdAt(hours, now)) return undefined;
  return { at: heldUntil(hours, now), because: `the door of ${of} is open ${inWords(hours)} only` };
}

/** Which attributes somebody else than the device may read: by name, or `undefined` for all. */
export function readableBy(levels: readonly Level[], visitor: Visitor): ((name: string) => boolean) | undefined {
  const rules = levels.flatMap(({ door: { readable } }) => (readable ? [readable] : []));
  if (rules.length === 0) return undefined;
  const sets = rules.map(
    (rule) => new Set(rule.filter(({ by }) => !by || isMeant(by, visitor)).flatMap(({ attributes }) => attributes)),
  );
  return (name) => sets.every((set) => set.has(name));
}

/** All that a level demands, in words. */
export function saidBy({ of, door, clauses }: Level): readonly { field: string; from: string; says: string }[] {
  const { writable, readable, rate, size, dangerous } = door;
  const message: [keyof Door, string | undefined][] = [
    ["writable", writable && `takes ${listOf(writable)} only`],
    [
      "readable",
      readable &&
        `shows ${readable.map(({ attributes, by }) => `${listOf(attributes)}${by ? ` to ${inWordsOf(by)}` : ""}`).join(", ")} only`,
    ],
    ["dangerous", dangerous && `runs ${listOf(dangerous)} only once a person has approved it`],
    ["rate", rate && `takes ${rate.perMinute} messages a minute, ${rate.burst ?? rate.perMinute} at once`],
    ["size", size === undefined ? undefined : `takes messages of ${size} bytes at most`],
  ];
  return [
    ...clauses.map(({ field, says }) => ({ field, from: of, says })),
    ...message.flatMap(([field, says]) => (says === undefined ? [] : [{ field, from: of, says }])),
  ];
}

export const listOf = (names: readonly string[]): string => names.join(" and ");
