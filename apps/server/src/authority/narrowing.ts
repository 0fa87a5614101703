import { parseInstant } from "@holdfast/kernel";
import { leastTransports, tlsVersions, type Demands, type Door } from "@holdfast/protocol";
import { namesAnybody } from "./door.ts";
import { limitsOf } from "./session.ts";
import { widens } from "./widening.ts";

type Denied = NonNullable<Door["deny"]>;

/** What can be compared by itself: each field, and of `allow` the places and the names, which both have to hold. */
const parts: readonly ((door: Door) => Door)[] = [
  ({ transports }) => (transports ? { transports } : {}),
  ({ socket }) => (socket ? { socket } : {}),
  ({ tls }) => (tls ? { tls } : {}),
  ({ proof }) => (proof ? { proof } : {}),
  ({ writable }) => (writable ? { writable } : {}),
  ({ readable }) => (readable ? { readable } : {}),
  ({ rate }) => (rate ? { rate } : {}),
  ({ size }) => (size === undefined ? {} : { size }),
  ({ hours }) => (hours ? { hours } : {}),
  ({ allow: { addresses } = {} }) => (addresses ? { allow: { addresses } } : {}),
  ({ allow: { addresses: _addresses, ...names } = {} }) => (namesAnybody(names) ? { allow: names } : {}),
];

/** Whatever either door demands; of two demands that were changed the later one, unless the earlier lets in less. */
export function narrowestDoor(earlier: Door, later: Door): Door {
  const chosen = parts.map((part) => {
    const [before, after] = [part(earlier), part(later)];
    const isWithin = Object.keys(after).length > 0 && widens(after, before, nobodys).length === 0;
    return Object.keys(after).length === 0 || (isWithin && Object.keys(before).length > 0) ? before : after;
  });
  const allow = Object.assign({}, ...chosen.map((part) => part.allow)) as NonNullable<Door["allow"]>; // parts of it
  const deny = either(earlier.deny, later.deny);
  return {
    ...(Object.assign({}, ...chosen) as Door), // parts of one
    ...(Object.keys(allow).length > 0 && { allow }),
    ...(deny && { deny }),
  };
}

/** Whose a credential is that a door names is not known here: it is within what names itself alone. */
const nobodys = () => undefined;

const either = (one: Denied | undefined, other: Denied | undefined): Denied | undefined =>
  one && other
    ? {
        ...one,
        ...other,
        ...both("addresses", one, other),
        ...both("credentials", one, other),
        ...both("people", one, other),
        ...both("kinds", one, other),
      }
    : (one ?? other);

const both = (field: keyof Denied, one: Denied, other: Denied): Denied =>
  one[field] && other[field] ? { [field]: [...new Set([...one[field], ...other[field]])] } : {};

/** Whatever either of them demands, and the more of two. */
export function strictest(one: Demands, other: Demands): Demands {
  const demands: Demands = {};
  for (const party of ["people", "programs", "devices"] as const) {
    const [a, b] = [one[party], other[party]];
    if (a && b) demands[party] = stricter(a, b);
    else if (a ?? b) demands[party] = a ?? b;
  }
  const least = leastTransports.findLast((way) => [one, other].some((all) => all.devices?.leastTransport === way));
  if (least) demands.devices = { ...demands.devices, leastTransport: least };
  if (one.people && other.people) demands.people = { ...demands.people, ...sooner(one.people, other.people) };
  if (one.sessions ?? other.sessions) demands.sessions = shorter(one, other);
  return demands;
}

type OfPeople = NonNullable<Demands["people"]>;

/** The stronger of two factors, from the earlier day on. */
function sooner(a: OfPeople, b: OfPeople): Pick<OfPeople, "factor" | "factorFrom"> {
  const both = [a, b].filter(({ factor }) => factor !== undefined);
  const { factor } = both.find((one) => one.factor === "passkey") ?? both[0] ?? {};
  const [first] = both.toSorted((x, y) => beginOf(x) - beginOf(y));
  return { ...(factor && { factor }), factorFrom: first?.factorFrom };
}

const beginOf = ({ factorFrom }: OfPeople): number => (factorFrom && parseInstant(factorFrom)) || 0;

/** Where one of them says nothing, the usual limits are what it says. */
function shorter(one: Demands, other: Demands): NonNullable<Demands["sessions"]> {
  const [a, b] = [limitsOf(one), limitsOf(other)];
  const said = { ...one.sessions, ...other.sessions };
  return {
    ...(said.absoluteMinutes !== undefined && { absoluteMinutes: Math.min(a.absolute, b.absolute) / 60_000 }),
    ...(said.idleMinutes !== undefined && { idleMinutes: Math.min(a.idle, b.idle) / 60_000 }),
  };
}

type OfParty = NonNullable<Demands["people"]>;
type ByProvider = NonNullable<OfParty["provider"]>;

/** Whose domain either names; whom either lets come otherwise only if the other does, too. */
function byBoth(a: ByProvider, b: ByProvider): ByProvider {
  const exceptOwners = a.exceptOwners?.filter((person) => b.exceptOwners?.includes(person)) ?? [];
  return {
    domains: [...new Set([...a.domains, ...b.domains])],
    ...(exceptOwners.length > 0 && { exceptOwners }),
  };
}

function stricter(a: OfParty, b: OfParty): OfParty {
  const ages = [a, b].flatMap(({ greatestAgeDays }) => greatestAgeDays ?? []);
  const leastTls = tlsVersions.findLast((version) => a.leastTls === version || b.leastTls === version);
  return {
    ...a,
    ...b,
    ...((a.bound || b.bound) && { bound: true }),
    ...(ages.length > 0 && { greatestAgeDays: Math.min(...ages) }),
    ...(leastTls && { leastTls }),
    ...(a.provider && b.provider && { provider: byBoth(a.provider, b.provider) }),
  };
}
