import { Refusal, type Id, type Instant } from "@holdfast/kernel";

const day = 86_400_000; // milliseconds

/** How long a transfer code is good, and how long an owner has to object to whoever shows the code on the box. */
export const transferLifetime = 7 * day;
export const waitingTime = 14 * day;

type User = Id<"user">;

/** The code on the box. One that an owner objected to opens nothing until there is another. */
export type Printed =
  | { readonly state: "none" }
  | { readonly state: "good"; readonly expiresAt?: Instant | undefined }
  | { readonly state: "barred" };

export type Unclaimed = { readonly state: "unclaimed" };
export type Claimed = { readonly state: "claimed"; readonly owner: User };
/** Its owner made a code that makes the next one its owner: anybody, or this one alone. */
export type Transferring = {
  readonly state: "transferring";
  readonly owner: User;
  /** `null`: whoever she named is nobody here, and nobody takes it. */
  readonly to: User | null | undefined;
  readonly expiresAt: Instant;
};
/** Somebody shows the code on the box, and its owner has not objected yet. */
export type Contested = {
  readonly state: "contested";
  readonly owner: User;
  readonly by: User;
  readonly dueAt: Instant;
};
export type Standing = Unclaimed | Claimed | Transferring | Contested;

/** Whose a device is to become and how: pure, so that thousands of histories can be tried. */
export type Claim = { readonly printed: Printed; readonly standing: Standing };

export const untouched: Claim = { printed: { state: "none" }, standing: { state: "unclaimed" } };

export const ownerOf = ({ standing }: Claim): User | undefined =>
  standing.state === "unclaimed" ? undefined : standing.owner;

/** What the registry says of the owner holds: what was begun under another one is over. */
export function ownedBy(claim: Claim, owner: User | undefined): Claim {
  if (ownerOf(claim) === owner) return claim;
  return { ...claim, standing: owner ? { state: "claimed", owner } : { state: "unclaimed" } };
}

/** At a moment: an offer that nobody took in time is none. */
export function asOf(claim: Claim, now: Instant): Claim {
  const { standing } = claim;
  return standing.state === "transferring" && now >= standing.expiresAt ? claimed(claim, standing.owner) : claim;
}

/** In place of any before, and whoever showed that one has shown nothing. */
export function withPrinted(claim: Claim, expiresAt: Instant | undefined): Claim {
  const { standing } = claim;
  const next: Standing = standing.state === "contested" ? { state: "claimed", owner: standing.owner } : standing;
  return { printed: { state: "good", expiresAt }, standing: next };
}

const isGood = ({ printed }: Claim, now: Instant): boolean =>
  printed.state === "good" && (printed.expiresAt === undefined || now < printed.expiresAt);

const claimed = (claim: Claim, owner: User): Claim => ({ ...claim, standing: { state: "claimed", owner } });

/** With the code on the box: what is nobody's, or what its owner had the time to object to. @throws Refusal `claim.invalid` */
export function claimPrinted(claim: Claim, by: User, now: Instant): Claim {
  const { standing } = claim;
  if (!isGood(claim, now)) throw new Refusal("claim.invalid");
  switch (standing.state) {
    case "unclaimed":
      return claimed(claim, by);
    case "contested":
      if (standing.by !== by || now < standing.dueAt) throw new Refusal("claim.invalid");
      return claimed(claim, by);
    case "claimed":
    case "transferring":
      throw new Refusal("claim.invalid");
  }
}

/** With a code that its owner made. @throws Refusal `claim.invalid` */
export function claimTransferred(claim: Claim, by: User, now: Instant): Claim {
  const { standing } = claim;
  const isFor =
    standing.state === "transferring" &&
    now < standing.expiresAt &&
    standing.owner !== by &&
    (standing.to === undefined || standing.to === by);
  if (!isFor) throw new Refusal("claim.invalid");
  return claimed(claim, by);
}

/** Somebody shows the code on the box of what somebody else has. Where that changes nothing, it is answered alike. */
export function contest(claim: Claim, by: User, now: Instant): Claim {
  const { standing } = asOf(claim, now);
  if (standing.state !== "claimed" || standing.owner === by || !isGood(claim, now)) return claim;
  const dueAt = (now + waitingTime) as Instant; // milliseconds both
  return { ...claim, standing: { state: "contested", owner: standing.owner, by, dueAt } };
}

/** It stays hers, and the code on the box is worth nothing from now on. */
export function object(claim: Claim, owner: User): Claim {
  const { standing } = own(claim, owner);
  if (standing.state !== "contested") throw new Refusal("claim.notContested");
  return { printed: { state: "barred" }, standing: { state: "claimed", owner } };
}

export function transfer(claim: Claim, owner: User, to: User | null | undefined, now: Instant): Claim {
  const { standing } = own(claim, owner);
  if (standing.state === "contested") throw new Refusal("claim.contested");
  const expiresAt = (now + transferLifetime) as Instant; // milliseconds both
  return { ...claim, standing: { state: "transferring", owner, to, expiresAt } };
}

/** The code she made is worth nothing from now on. */
export function keep(claim: Claim, owner: User): Claim {
  const { standing } = own(claim, owner);
  return standing.state === "transferring" ? claimed(claim, owner) : claim;
}

/** It is nobody's, and the code on the box makes it somebody's again. */
export function release(claim: Claim, owner: User): Claim {
  return { ...own(claim, owner), standing: { state: "unclaimed" } };
}

/** What is somebody else's is answered as what is not there. */
function own(claim: Claim, owner: User): Claim {
  if (ownerOf(claim) !== owner) throw new Refusal("device.unknown");
  return claim;
}
