import { Refusal, type Fault, type Instant } from "@holdfast/kernel";
import { transports, type Conditions } from "@holdfast/protocol";
import type { Circumstances } from "./circumstances.ts";
import { heldUntil, holdAt, holdWithin, inWords, readHours } from "./hours.ts";
import { formatNetwork, includes, isAddressOf, networksOf, parseNetwork, type Network } from "./network.ts";

/** As they are kept: in one spelling, so that two that say the same are the same. @throws Refusal `request.malformed` where one names nothing */
export function readConditions(asked: Conditions | undefined): Conditions | undefined {
  if (!asked) return undefined;
  const { addresses, hours, rate, origins, transports: ways } = asked;
  const faults: Fault[] = [];
  const told = <T>(value: T | string, path: string): T[] => {
    if (typeof value !== "string") return [value];
    faults.push({ path: `conditions.${path}`, message: value });
    return [];
  };
  const read = {
    ...(addresses && {
      addresses: addresses
        .flatMap((text, at) => told<Network>(parseNetwork(text), `addresses.${at}`))
        .map(formatNetwork),
    }),
    ...(hours && { hours: hours.flatMap((one, at) => told(readHours(one), `hours.${at}`)) }),
    ...(rate && { rate: { perMinute: rate.perMinute, burst: rate.burst ?? rate.perMinute } }),
    ...(origins && { origins: [...new Set(origins)] }),
    ...(ways && { transports: transports.filter((way) => ways.includes(way)) }),
  };
  if (faults.length > 0) throw new Refusal("request.malformed", { faults });
  return Object.keys(read).length > 0 ? read : undefined;
}

/** What one credential's conditions say to how and when somebody comes. */
export type Verdict = {
  /** The one that says no, in words. */
  readonly against: string | undefined;
  /** It is the hours, and nothing else. */
  readonly isOfHours?: boolean;
  /** Those that hang on what is not known. */
  readonly open: readonly string[];
  /** Until when that stands, where it is a matter of hours. */
  readonly until: Instant | undefined;
};

export function judge(conditions: Conditions, { address, transport, origin }: Circumstances, now: Instant): Verdict {
  const { addresses, hours, origins, transports: ways } = conditions;
  const against: string[] = [];
  const open: string[] = [];
  const look = (words: string, holds: boolean | undefined, said: string) => {
    if (holds === undefined) open.push(words);
    if (holds === false) against.push(`${words}, and this ${said}`);
  };
  if (addresses) {
    const from = address === undefined ? undefined : networksOf(addresses).some((one) => isAddressOf(one, address));
    look(`from ${addresses.join(" or ")}`, from, `came from ${address}`);
  }
  if (ways) look(`over ${ways.join(" or ")}`, transport && ways.includes(transport), `came over ${transport}`);
  if (origins) {
    const said = origin === "none" ? "came from no page" : `came from a page of ${origin}`;
    look(`from pages of ${origins.join(" or ")}`, origin === undefined ? undefined : origins.includes(origin), said);
  }
  const isOfHours = hours !== undefined && against.length === 0 && !holdAt(hours, now);
  if (hours) look(inWords(hours), holdAt(hours, now), "is another time");
  const until = hours && against.length === 0 ? heldUntil(hours, now) : undefined;
  return { against: against[0], open, until, ...(isOfHours && { isOfHours }) };
}

/** What of the inner ones could hold where the outer ones do not. What the inner ones leave out, the outer ones still demand. */
export function beyond(outer: Conditions, inner: Conditions): readonly Fault[] {
  const faults: Fault[] = [];
  const refuse = (path: string, message: string) => faults.push({ path: `conditions.${path}`, message });
  if (outer.addresses && inner.addresses) {
    const all = networksOf(outer.addresses);
    for (const one of networksOf(inner.addresses)) {
      if (!all.some((network) => includes(network, one)))
        refuse("addresses", `${formatNetwork(one)} is not in ${outer.addresses.join(" or ")}`);
    }
  }
  if (outer.hours && inner.hours && !holdWithin(outer.hours, inner.hours))
    refuse("hours", `${inWords(inner.hours)} is not all within ${inWords(outer.hours)}`);
  if (outer.transports && inner.transports) {
    const more = inner.transports.filter((way) => !outer.transports?.includes(way));
    if (more.length > 0) refuse("transports", `${more.join(", ")}: only ${outer.transports.join(", ")}`);
  }
  if (outer.origins && inner.origins?.some((one) => !outer.origins?.includes(one)))
    refuse("origins", `only ${outer.origins.join(", ")}`);
  if (outer.rate && inner.rate) {
    const { perMinute, burst = perMinute } = outer.rate;
    if (inner.rate.perMinute > perMinute || (inner.rate.burst ?? inner.rate.perMinute) > burst)
      refuse("rate", `at most ${perMinute} a minute, ${burst} at once`);
  }
  return faults;
}
