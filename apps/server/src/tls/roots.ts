/** How long something is valid: `notBefore` and `notAfter` in milliseconds since the epoch. */
type Valid = { readonly notBefore: number; readonly notAfter: number };

export const hour = 3_600_000;
export const day = 24 * hour;
export const year = 365 * day;

const serviceYears = 10;

/** With less than this left, a root signs no more. */
const rootReserve = year;

export const leafLife = 90 * day;

/** Clients' clocks, and ours, may be a little off. */
export const leeway = hour;

/** When a first root made `now` begins and ends: ten years. */
export const firstRootValidity = (now: number): Valid => ({
  notBefore: now - leeway,
  notAfter: now + serviceYears * year,
});

/** The next root is valid from now on, so that it can take over early, and until it has had ten years of its own. */
export const comingRootValidity = (now: number, current: Valid): Valid => ({
  notBefore: now - leeway,
  notAfter: current.notAfter - rootReserve + serviceYears * year,
});

/**
 * Which root signs now and which comes after it; `roots` in the order in which they were made.
 *
 * Roots are never thrown away: a clock that was far off for a while makes roots that nobody can use, and when the
 * clock is right again the ones that devices have embedded are chosen again.
 */
export function chooseRoots<R extends Valid>(
  roots: readonly R[],
  now: number,
): { current: R | undefined; coming: R | undefined } {
  const usable = roots.filter((root) => root.notBefore <= now && now < root.notAfter - rootReserve);
  const [current] = usable;
  return { current, coming: current && usable.find((root) => root.notAfter > current.notAfter) };
}

/** A leaf is renewed at two thirds of its life, or when the clock stands before it. */
export function isLeafDue({ notBefore, notAfter }: Valid, now: number): boolean {
  return now < notBefore || now >= notBefore + ((notAfter - notBefore) * 2) / 3;
}
