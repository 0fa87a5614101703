import type { PublicKey } from "@holdfast/crypto";
import { Refusal, type CredentialId, type Id, type Instant } from "@holdfast/kernel";
import {
  formatGrant,
  isOfNoApplication,
  mostGrants,
  presets,
  type Conditions,
  type Grant,
  type Where,
} from "@holdfast/protocol";
import { amplified, refuseAmplification, refuseUnknown, refuseWider } from "./amplification.ts";
import type { Caller } from "./caller.ts";
import { refuseShowing } from "./showing.ts";
import { isAncestor, type Credential } from "./credential.ts";
import { grantsIn, paced, publishable, type KindOfApplication } from "./kinds.ts";

/** Bytes of all grants of one credential as text: what still fits a token, which travels in headers. */
export const longestGrants = 5_500;

/** How long a chain of credentials that made each other may become: every question asks all of them. */
const longestChain = 16;

/** What is asked for. Grants are within the maker's, or the whole is refused; the end is the maker's own at the latest. */
export type Wanted = {
  readonly name: string;
  readonly grants: readonly Grant[];
  readonly lifetime: number | undefined;
  /** The key to which it is bound. */
  readonly publicKey?: PublicKey | undefined;
  readonly conditions?: Conditions | undefined;
};

/** How a credential has to be held to be good. */
export type Held = Pick<Wanted, "publicKey" | "conditions">;

/** What a new credential inherits: who made it, and what it ends with. */
export type Heir = Wanted &
  Pick<Credential, "makers"> &
  Partial<
    Pick<
      Credential,
      | "parent"
      | "person"
      | "inPerson"
      | "isLent"
      | "proofs"
      | "application"
      | "device"
      | "dashboard"
      | "user"
      | "enrols"
    >
  >;

const makersOf = ({ credential }: Caller): readonly CredentialId[] => [credential.id, ...credential.makers];

function heritage(maker: Caller): Pick<Heir, "parent" | "makers" | "person" | "proofs"> {
  const { id, person, proofs } = maker.credential;
  // What a provider said of its maker, nobody could look up later.
  const hers = { makers: makersOf(maker), person, ...(proofs?.includes("provider") && { proofs }) };
  if (!isAncestor(maker.credential)) return hers;
  if (maker.power.links.length >= longestChain) {
    const detail = `It would be the last of more than ${longestChain} that made each other.`;
    throw maker.refuse("token.create", maker.org, "too long a chain", new Refusal("credential.amplifies", { detail }));
  }
  return { parent: id, ...hers };
}

/** What is made ends with its ancestors. */
const latestOf = (maker: Caller): Instant | undefined =>
  isAncestor(maker.credential) ? maker.power.latest : undefined;

function refuseTooLong({ grants, conditions }: Wanted): void {
  const said = conditions ? Buffer.byteLength(JSON.stringify(conditions)) : 0;
  const length = grants.reduce((sum, grant) => sum + Buffer.byteLength(formatGrant(grant)) + 3, said);
  if (grants.length <= mostGrants && length <= longestGrants) return;
  throw new Refusal("grant.malformed", {
    detail: `These are ${grants.length} grants of ${length} bytes; ${mostGrants} and ${longestGrants} are the most. Name an application or a tag instead of many devices.`,
  });
}

/** What a maker lets be made: what it is to be, and when it is over at the latest. */
export type Birth = {
  readonly heir: Heir;
  readonly latest: Instant | undefined;
  /** Its place among revocations, where that is not a new one. */
  readonly seq?: number;
};

/** A program's token or an operator key: what it may do, its maker may, for as long as it lives. @throws Refusal */
export function childOf(maker: Caller, wanted: Wanted): Birth {
  refuseAmplification(maker, wanted.grants);
  refuseWider(maker, wanted);
  return { heir: { ...wanted, ...heritage(maker) }, latest: latestOf(maker) };
}

/**
 * Belongs to the application and ends with it, not with the sign-in of the person who made it: it is in programs that outlive
 * a person's day. What an operator key or a program makes is its child, as everywhere. @throws Refusal
 */
export function applicationKeyOf(
  maker: Caller,
  application: Id<"application">,
  kind: KindOfApplication,
  { enrols, ...asked }: Wanted & Pick<Credential, "enrols">,
): Birth {
  const grants = grantsIn(application, kind, asked.grants);
  const elsewhere = grants.filter(({ where }) => "application" in where && where.application !== application);
  if (elsewhere.length > 0) throw amplified(maker, elsewhere);
  const whole: Where = { application };
  refuseAmplification(
    maker,
    grants.map((grant) => (isOfNoApplication(grant) ? grant : { action: grant.action, where: whole })),
  );
  refuseUnknown(maker, grants, application);
  const wanted = kind === "application" ? publishable(asked) : kind === "enrolment" ? paced(asked) : asked;
  refuseWider(maker, wanted);
  const heir: Heir = { ...wanted, makers: makersOf(maker), grants, application, ...(enrols && { enrols }) };
  return maker.credential.inPerson
    ? { heir, latest: undefined }
    : { heir: { ...heir, ...heritage(maker) }, latest: maker.power.latest };
}

/** Of all who look at one link, together. */
const rateOfLink = { perMinute: 1_200, burst: 600 } as const;

/**
 * Whoever has it sees what the dashboard shows, as far as its maker may read that, then and later. It goes by the pages of the platform
 * alone. @throws Refusal `credential.amplifies`
 */
export function dashboardLinkOf(
  maker: Caller,
  dashboard: Id<"dashboard">,
  wanted: Pick<Wanted, "name" | "lifetime">,
): Birth {
  refuseShowing(maker, maker.space.dashboards.get(dashboard)?.shows ?? []);
  refuseWider(maker, {});
  const grants = presets.dashboardLink.actions.map((action): Grant => ({ action, where: { all: true } }));
  const rate = maker.allowances.length === 0 && { rate: rateOfLink };
  const conditions: Conditions = { transports: ["https", "wss"], ...rate };
  return { heir: { ...wanted, grants, conditions, dashboard, ...heritage(maker) }, latest: latestOf(maker) };
}

/** What a device's key is: it sends its own measurements, and reaches nothing else. It ends with the device. @throws Refusal */
export function deviceKeyOf(
  maker: Caller,
  device: Id<"device">,
  within: Where,
  held: Held & Partial<Pick<Wanted, "name" | "lifetime">>,
): Birth {
  refuseAmplification(maker, [{ action: "telemetry.write", where: within }]);
  const grants = grantsOfDevice(device);
  return {
    heir: { name: "", lifetime: undefined, ...held, grants, makers: makersOf(maker), device },
    latest: undefined,
  };
}

/**
 * What a device gets that enrols: by whoever may enrol devices there, and has no other leave. It does not end with that, which is good for
 * a while; with "made" it does.
 */
export const enrolledKeyOf = (maker: Caller, device: Id<"device">, publicKey: PublicKey): Birth => ({
  heir: { name: "", lifetime: undefined, publicKey, grants: grantsOfDevice(device), makers: makersOf(maker), device },
  latest: undefined,
});

/** What a device makes for itself with a key that it has, and that ends with that one. @throws Refusal */
export function ownKeyOf(maker: Caller, device: Id<"device">, publicKey: PublicKey): Birth {
  const wanted = { name: "", grants: grantsOfDevice(device), lifetime: undefined, publicKey };
  const { heir, latest } = childOf(maker, wanted);
  return { heir: { ...heir, device }, latest };
}

/** A sign-in of an application user, and how long a token that comes of it lasts at most. */
export type UserSignIn = Pick<Credential, "application" | "publicKey" | "issuedSeq"> & {
  readonly user: NonNullable<Credential["user"]>;
  readonly lifetime: number;
  readonly latest: Instant;
};

/** Looks at what is bound to her. It has the place among revocations that her sign-in has, so that what ended that ends this. */
export function userTokenOf({ application, user, publicKey, lifetime, latest, issuedSeq }: UserSignIn): Birth {
  const grants = presets.applicationUser.actions.map((action): Grant => ({ action, where: { user: user.id } }));
  const heir: Heir = { name: "sign-in", makers: [], grants, application, user, publicKey, lifetime };
  return { heir, latest, seq: issuedSeq };
}

export const grantsOfDevice = (device: Id<"device">): readonly Grant[] => [
  { action: "telemetry.write", where: { devices: [device] } },
];

/** What of a credential whoever shows it has. */
export type Shown = Pick<Credential, "id" | "kind" | "digest" | "issued" | "socket">;

/** When it is over: when it was asked to be, and at its latest in any case. */
export function endOf({ heir, latest }: Birth, at: Instant): Instant | undefined {
  const asked = heir.lifetime === undefined ? undefined : ((at + heir.lifetime) as Instant); // milliseconds both
  return asked === undefined || (latest !== undefined && latest < asked) ? latest : asked;
}

/** @throws Refusal `grant.malformed` */
export function born(
  { heir, latest }: Birth,
  { id, kind, digest, issued, socket }: Shown,
  { at, seq }: { readonly at: Instant; readonly seq: number },
): Credential {
  refuseTooLong(heir);
  return {
    id,
    kind,
    name: heir.name,
    state: "active",
    parent: heir.parent,
    makers: heir.makers,
    person: heir.person,
    inPerson: heir.inPerson ?? false,
    ...(heir.isLent && { isLent: heir.isLent }),
    ...(heir.proofs && { proofs: heir.proofs }),
    application: heir.application,
    device: heir.device,
    ...(heir.dashboard && { dashboard: heir.dashboard }),
    ...(heir.user && { user: heir.user }),
    grants: heir.grants,
    issuedSeq: seq,
    createdAt: at,
    expiresAt: endOf({ heir, latest }, at),
    lastUsedAt: undefined,
    digest,
    publicKey: heir.publicKey,
    conditions: heir.conditions,
    ...(issued && { issued }),
    ...(heir.enrols && { enrols: heir.enrols }),
    ...(socket && { socket }),
    version: 1,
  };
}
