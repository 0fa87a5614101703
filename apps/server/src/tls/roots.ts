/** How long something is valid: `notBefore` and `notAfter` in milliseconds since the epoch. */
type Valid = { readonly notBefore: number; readonly notAfter: number };

export const hour = 3_600_000;
export const day = 24 * hour;
export const year = 365 * day;

/** With less than this left, a root signs no more, whoever trusts no other: soon nobody could trust it. */
export const rootReserve = 30 * day;

export const leafLife = 90 * day;

/** Clients' clocks, and ours, may be a little off. */
export const leeway = hour;

/** When a first root made `now` begins and ends: ten years. */
export const firstRootValidity = (now: number): Valid => ({
  notBefore: now - leeway,
  notAfter: now + 10 * year,
});

/** A later root is valid from now on, so that it can take over early, and has nine years of its own once the one before it has ended. */
export const laterRootValidity = (now: number, before: Valid): Valid => ({
  notBefore: now - leeway,
  notAfter: Math.max(now + 19 * year, before.notAfter + year),
});

/** What becomes of a root: it signs when its turn comes; it is kept for the day on which the others cannot be trusted; it never signs again. */
export type Role = "signs" | "spare" | "past";

/**
 * Which root signs now, which comes after it, and which is the spare; `roots` in the order in which they were made.
 *
 * Where nobody goes over to another, roots are never thrown away: a clock that was far off for a while makes roots that nobody can use, and when
 * the clock is right again the ones that devices have embedded are chosen again.
 */
export function chooseRoots<R extends Valid & { readonly role: Role }>(
  roots: readonly R[],
  now: number,
): { current: R | undefined; coming: R | undefined; spare: R | undefined } {
  const usable = roots.filter((root) => root.notBefore <= now && now < root.notAfter - rootReserve);
  const current = usable.find(({ role }) => role === "signs");
  const outlasts = (wanted: Role) =>
    current && usable.find(({ role, notAfter }) => role === wanted && notAfter > current.notAfter);
  return { current, coming: outlasts("signs"), spare: outlasts("spare") };
}

/** A leaf is renewed at two thirds of its life, or when the clock stands before it. */
export function isLeafDue({ notBefore, notAfter }: Valid, now: number): boolean {
  return now < notBefore || now >= notBefore + ((notAfter - notBefore) * 2) / 3;
}
