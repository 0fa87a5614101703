import type { Instant } from "@holdfast/kernel";
import { formatGrant, type Action, type Where } from "@holdfast/protocol";
import { partyOf, type Credential } from "./credential.ts";
import { coveringGrant, covers, linkOf, type Link, type Target } from "./link.ts";
import { actionsOfMember } from "./roles.ts";
import type { Space } from "./space.ts";

/** The answer and the clause that gave it. */
export type Decision = { readonly allowed: boolean; readonly because: string };

/**
 * What one credential may do in one epoch of its space: the compiled artefact that decides, and that `explain` reads.
 * Its own grants, its parents' and its person's role are links; all must cover.
 */
export type Power = {
  readonly epoch: number;
  /** Set when the credential is over, whatever it asks. */
  readonly ended: string | undefined;
  readonly links: readonly Link[];
  /** The earliest end in the chain. */
  readonly expiresAt: Instant | undefined;
};

export function compile(space: Space, credential: Credential): Power {
  const links: Link[] = [];
  let expiresAt: Instant | undefined;
  let ended: string | undefined = space.closed
    ? "what the platform knew of this organisation has to be read again"
    : undefined;
  let next: Credential | undefined = credential;
  while (next && !ended) {
    links.push(linkOf(next.id, next.grants));
    if (next.application) links.push(boundTo(next));
    if (next.expiresAt !== undefined) expiresAt = earlier(expiresAt, next.expiresAt);
    ended = endOf(space, next, credential);
    if (next.parent === undefined) break;
    const parent = space.credentials.get(next.parent);
    if (!parent) ended ??= `${next.parent}, which made ${next.id}, is not known any more`;
    next = parent;
  }
  if (credential.person && !ended) {
    const member = space.member(credential.person);
    if (!member) ended = `${credential.person} is not a member of this organisation`;
    else links.push(linkOf(`${credential.person} as ${member.role}`, actionsOfMember(member).map(everywhere)));
  }
  return { epoch: space.cell.epoch, ended, links, expiresAt };
}

const everywhere = (action: Action) => ({ action, where: { all: true } }) as const;

const earlier = (a: Instant | undefined, b: Instant): Instant => (a === undefined || b < a ? b : a);

/** An access key holds within its application, whatever its grants say. */
function boundTo({ id, application, grants }: Credential): Link {
  const where: Where = application ? { application } : { all: true };
  return linkOf(
    `${id} belongs to ${application}`,
    grants.map(({ action }) => ({ action, where })),
  );
}

/** Why a credential of the chain is over: itself revoked, or something that it belongs to ended after it was issued. */
function endOf(space: Space, link: Credential, credential: Credential): string | undefined {
  if (link.state === "revoked") return `${link.id} was revoked`;
  const placement = link.device && space.device(link.device);
  if (link.device && !placement) return `${link.device} is not known any more`;
  if (placement && placement.state !== "active") return `${link.device} is ${placement.state}`;
  const ancestors = [
    space.org,
    link.application,
    placement?.application,
    placement?.product,
    link.device,
    link.person,
    link.id,
  ];
  for (const ancestor of ancestors) {
    if (ancestor && space.revokedBefore(ancestor, partyOf(credential.kind)) > link.issuedSeq) {
      return `everything issued before under ${ancestor} was ended`;
    }
  }
  return undefined;
}

export function decide(power: Power, action: Action, target: Target, now: Instant): Decision {
  if (power.ended) return { allowed: false, because: power.ended };
  if (power.expiresAt !== undefined && now >= power.expiresAt)
    return { allowed: false, because: "the credential has expired" };
  if (action === "telemetry.write" && target.kind === "device" && target.placement.state !== "active") {
    return { allowed: false, because: `the device is ${target.placement.state}` };
  }
  for (const link of power.links) {
    if (!link.grants.get(action)?.some((where) => covers(where, target))) {
      const elsewhere = link.grants.get(action)?.map((where) => formatGrant({ action, where })) ?? [];
      const holds = elsewhere.length > 0 ? `, only ${elsewhere.slice(0, 3).join(" ")}` : "";
      return { allowed: false, because: `${link.label} does not grant ${action} there${holds}` };
    }
  }
  const grants = power.links.map((link) => `${link.label} grants ${coveringGrant(link, action, target) ?? action}`);
  return { allowed: true, because: grants.join("; ") };
}

/** The same answer without the words, for where it is asked often. */
export function mayNow(power: Power, action: Action, target: Target, now: Instant): boolean {
  if (power.ended || (power.expiresAt !== undefined && now >= power.expiresAt)) return false;
  if (action === "telemetry.write" && target.kind === "device" && target.placement.state !== "active") return false;
  return power.links.every((link) => link.grants.get(action)?.some((where) => covers(where, target)) ?? false);
}

/** Whether the action is granted anywhere at all: what a subscription with wildcards needs before each delivery is asked about. */
export const mayAnywhere = (power: Power, action: Action, now: Instant): boolean =>
  !power.ended &&
  (power.expiresAt === undefined || now < power.expiresAt) &&
  power.links.every((link) => link.grants.has(action));
