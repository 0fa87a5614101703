import type { CredentialId, Instant } from "@holdfast/kernel";
import { formatGrant, isOfNoApplication, presets, type Action, type Conditions, type Where } from "@holdfast/protocol";
import type { Allowance, Rate } from "./allowance.ts";
import type { Circumstances } from "./circumstances.ts";
import { judge } from "./conditions.ts";
import { partyOf, type Credential } from "./credential.ts";
import { hiddenFrom, type Seeing } from "./seeing.ts";
import { demandedOf, endOfSession, type Unmet } from "./demands.ts";
import { answerOf, closingOf, isOpenTo, unopened, wayOf, type Answer, type Passed } from "./door.ts";
import { inWords } from "./hours.ts";
import { canHold } from "./kinds.ts";
import { topicsOfAction } from "./listed-topics.ts";
import { together, type Entry, type Listing } from "./lists.ts";
import { coveringGrant, grants, linkOf, type Link, type Target } from "./link.ts";
import { standingOfSecret } from "./secrets.ts";
import type { Space } from "./space.ts";
import type { Stop } from "./standing.ts";
import { endedUnder } from "./under.ts";
import { visitorOf, type Visitor } from "./visitor.ts";

/** The answer and the clause that gave it. */
export type Decision = {
  readonly allowed: boolean;
  readonly because: string;
  /** What the refused is told where no grant is missing. */
  readonly code?: "door.refused" | "list.denied";
  /** Which door or list said no, in two or three words. */
  readonly clause?: string | undefined;
};

/** Why a credential may do nothing, and whether that can change again: a suspended device may be resumed. */
export type End = {
  readonly because: string;
  readonly forGood: boolean;
  /** What whoever holds the secret is told, where it is more than that this is not good. */
  readonly code?: Unmet | "door.refused" | "list.denied" | "member.suspended" | Stop["code"];
  /** Nothing but the time of day is against it: what waits for whoever is there may wait until the hours begin again. */
  readonly isOfHours?: boolean | undefined;
  /** As of a decision. */
  readonly clause?: string | undefined;
};

/**
 * What one credential may do in one epoch of its space: the compiled artefact that decides, and that `explain` reads.
 * Its own grants, its parents' and its person's role are links; all must cover.
 */
export type Power = Seeing & {
  readonly epoch: number;
  /** Set when the credential is over, whatever it asks. */
  readonly end: End | undefined;
  readonly links: readonly Link[];
  /** The earliest end of a credential in the chain, for good: what is made ends by then. */
  readonly latest: Instant | undefined;
  /** The earliest end in the chain: of a credential, or of the hours that hold now. */
  readonly expiresAt: Instant | undefined;
  /** Those hours, in words, where they end first, and what whoever holds the secret is told then. */
  readonly closing: Closing | undefined;
  /** What each use draws on: the rates of the whole chain. */
  readonly allowances: readonly Allowance[];
  /** Conditions that hang on what is not known of whoever comes. */
  readonly open: readonly string[];
  readonly visitor: Visitor;
  /** The entries of the organisation's lists that decided about whoever comes. */
  readonly by: readonly Entry[];
  readonly space: Space;
  /** What doors have answered already. */
  readonly passed: Passed;
};

type Closing = { readonly because: string; readonly code: Unmet | "credential.expired" | "door.refused" };

type Find = (id: CredentialId) => Credential | undefined;

export function compile(
  space: Space,
  credential: Credential,
  circumstances: Circumstances | undefined,
  now: Instant,
  find: Find = (id) => space.credentials.get(id),
): Power {
  const links: Link[] = [];
  let sees: Power["sees"];
  const allowances: Allowance[] = [];
  const open: string[] = [];
  let closing: Closing | undefined;
  const chain: Credential[] = [];
  let latest: Instant | undefined;
  let expiresAt: Instant | undefined;
  let end: End | undefined = space.closed
    ? passing("what the platform knew of this organisation has to be read again")
    : undefined;
  let next: Credential | undefined = credential;
  while (next && !end) {
    const { kind } = next;
    chain.push(next);
    links.push(
      linkOf(
        next.id,
        next.grants.filter(({ action }) => canHold(kind, action)),
        next.device,
      ),
    );
    if (next.application) links.push(boundTo(next));
    if (next.expiresAt !== undefined && (expiresAt === undefined || next.expiresAt < expiresAt)) {
      expiresAt = next.expiresAt;
      closing = undefined;
    }
    if (next.expiresAt !== undefined && (latest === undefined || next.expiresAt < latest)) latest = next.expiresAt;
    end = endOf(space, next, credential);
    const { against, until, inWords: demanded, code } = demandedOf(space, next, circumstances, now);
    if (against !== undefined) end ??= { because: against, forGood: false, code };
    if (until !== undefined && (expiresAt === undefined || until < expiresAt))
      [expiresAt, closing] = [until, { because: demanded, code }];
    const over = endOfSession(space.demands, next);
    if (over !== undefined && (expiresAt === undefined || over < expiresAt)) {
      expiresAt = over;
      closing = { because: "nobody stays signed in here for longer", code: "credential.expired" };
    }
    const { conditions } = next;
    if (conditions?.rate) allowances.push({ of: next.id, rate: rateOf(conditions.rate) });
    if (presets[kind].isKeptFromBrowsers && isBrowser(circumstances))
      end ??= unmet(`${next.id} is an operator key, and a browser showed it`);
    if (conditions && circumstances) {
      const verdict = judge(conditions, circumstances, now);
      if (verdict.against !== undefined)
        end ??= { ...unmet(`${next.id} is good only ${verdict.against}`), isOfHours: verdict.isOfHours };
      open.push(...verdict.open.map((words) => `${next?.id} is good only ${words}`));
      if (verdict.until !== undefined && (expiresAt === undefined || verdict.until < expiresAt)) {
        expiresAt = verdict.until;
        closing = { because: `${next.id} is good only ${inWords(conditions.hours ?? [])}`, code: "condition.unmet" };
      }
    }
    if (next.parent === undefined) break;
    const parent = find(next.parent);
    if (!parent) end ??= final(`${next.parent}, which made ${next.id}, is not known any more`);
    next = parent;
  }
  const secret = standingOfSecret(credential, circumstances?.shown, now);
  if (secret.isOver) end ??= final(`the secret that was shown for ${credential.id} has been replaced`);
  if (secret.until !== undefined && (expiresAt === undefined || secret.until < expiresAt)) {
    expiresAt = secret.until;
    closing = {
      because: `the secret that was shown for ${credential.id} has been replaced`,
      code: "credential.expired",
    };
  }
  const { issued } = credential;
  // Of the one before it, that it is replaced by then has been said.
  if (issued && secret.until === undefined && (expiresAt === undefined || issued.notAfter < expiresAt)) {
    expiresAt = issued.notAfter;
    closing = { because: `the certificate of ${credential.id} is over`, code: "credential.expired" };
  }
  const maker = credential.makers.find((id) => space.revokedBefore(id, "made") > credential.issuedSeq);
  if (maker) end ??= final(`all that ${maker} had made was ended`);
  if (credential.person && !end) {
    const member = space.member(credential.person);
    if (space.isSuspended(credential.person)) end = suspended(`${credential.person} is suspended here`);
    else if (!member) end = final(`${credential.person} is not a member of this organisation`);
    else {
      const link = linkOf(`${credential.person} as ${member.role}`, space.grantsOfMember(member));
      links.push(link);
      sees = { role: member.role, all: link.grants.has("dashboard.share") };
    }
  }
  const dashboard = credential.dashboard && space.dashboards.get(credential.dashboard);
  if (credential.dashboard && !dashboard) end ??= final(`${credential.dashboard} is not there any more`);
  const { stop } = space;
  if (stop && isOwnerHere(space, credential)) links.push(linkOf(`${stop.because}, and an owner`, stop.grants));
  else if (stop) end ??= { because: stop.because, forGood: false, code: stop.code };
  const visitor = visitorOf(credential, chain, circumstances);
  const listing = space.lists.ofVisitor(visitor, now);
  open.push(...listing.open);
  if (listing.against !== undefined)
    end ??= { because: listing.against, forGood: false, code: "list.denied", clause: listing.clause };
  const placement = credential.device && space.device(credential.device);
  const levels = placement ? space.doorsOf(placement) : [];
  const isUnopened = unopened(levels, visitor);
  if (isUnopened !== undefined)
    end ??= { because: isUnopened, forGood: false, code: "door.refused", clause: "socket unopened" };
  for (const level of levels) {
    const answer = answerOf([level], visitor, "own", now);
    open.push(...answer.open);
    if (answer.against !== undefined)
      end ??= {
        because: answer.against,
        forGood: false,
        code: "door.refused",
        isOfHours: answer.isOfHours,
        clause: answer.clause,
      };
    const closes = circumstances && closingOf(level, now);
    if (closes && (expiresAt === undefined || closes.at < expiresAt)) {
      expiresAt = closes.at;
      closing = { because: closes.because, code: "door.refused" };
    }
  }
  const { epoch } = space.cell;
  return {
    epoch,
    end,
    links,
    latest,
    expiresAt,
    closing,
    allowances,
    open,
    visitor,
    by: listing.by,
    space,
    shown: credential.dashboard && dashboard && { id: credential.dashboard, dashboard },
    sees,
    passed: new Map(),
  };
}

const final = (because: string): End => ({ because, forGood: true });
const passing = (because: string): End => ({ because, forGood: false });

const suspended = (because: string): End => ({ because, forGood: false, code: "member.suspended" });

/** An owner who signed in herself. */
const isOwnerHere = (space: Space, { person, inPerson }: Credential): boolean =>
  inPerson && person !== undefined && space.member(person)?.role === "owner";

const unmet = (because: string): End => ({ because, forGood: false, code: "condition.unmet" });

/** A page asks, and says so (Fetch, 3.2): programs have no origin. */
const isBrowser = (circumstances: Circumstances | undefined): boolean =>
  circumstances?.origin !== undefined && circumstances.origin !== "none";

/** Why it is over by time alone. */
export const whyOver = ({ closing }: Power): string => closing?.because ?? "the credential has expired";

const rateOf = ({ perMinute, burst = perMinute }: NonNullable<Conditions["rate"]>): Rate => ({ perMinute, burst });

/** An access key holds within its application, whatever its grants say. */
function boundTo({ id, application, grants }: Credential): Link {
  const own: Where = application ? { application } : { all: true };
  const whereOf = (action: Action): Where => (isOfNoApplication({ action }) ? { all: true } : own);
  return linkOf(
    `${id} belongs to ${application}`,
    grants.map(({ action }) => ({ action, where: whereOf(action) })),
  );
}

/** Why a link of the credential's chain is over: itself revoked, or something that it belongs to ended after it was issued. */
function endOf(space: Space, link: Credential, credential: Credential): End | undefined {
  if (link.state === "revoked") return final(`${link.id} was revoked`);
  const placement = link.device && space.device(link.device);
  if (link.device && !placement) return final(`${link.device} is not known any more`);
  if (placement?.state === "retired") return final(`${link.device} is retired`);
  // Whatever a program made goes with the programs; what a person made is not hers alone, and stays when people are ended.
  const isProgram = partyOf(link) === "programs";
  // By the credential's own place: what a person makes after all programs were ended is good, though she signed in before.
  const ended =
    endedUnder(space, link, placement, partyOf(credential), credential.issuedSeq) ??
    (isProgram ? endedUnder(space, link, placement, "programs", link.issuedSeq) : undefined);
  if (ended !== undefined) return final(`everything issued before under ${ended} was ended`);
  if (placement?.state === "suspended") return passing(`${link.device} is suspended`);
  return undefined;
}

/** What a list says of a credential: whether it, or what it hangs on, is over. A device that is suspended keeps its keys. */
export function standingOf(power: Power, now: Instant): "active" | "revoked" | "expired" {
  if (power.end?.forGood) return "revoked";
  return power.expiresAt !== undefined && now >= power.expiresAt ? "expired" : "active";
}

export function decide(power: Power, action: Action, target: Target, now: Instant): Decision {
  if (power.end) return { allowed: false, because: power.end.because };
  if (power.expiresAt !== undefined && now >= power.expiresAt) return { allowed: false, because: whyOver(power) };
  if (action === "telemetry.write" && target.kind === "device" && target.placement.state !== "active") {
    return { allowed: false, because: `the device is ${target.placement.state}` };
  }
  for (const link of power.links) {
    if (!grants(link, action, target, (device) => power.space.device(device))) {
      const elsewhere = link.grants.get(action)?.map((where) => formatGrant({ action, where })) ?? [];
      const holds = elsewhere.length > 0 ? `, only ${elsewhere.slice(0, 3).join(" ")}` : "";
      return { allowed: false, because: `${link.label} does not grant ${action} there${holds}` };
    }
  }
  const hidden = hiddenFrom(power, target);
  if (hidden !== undefined) return { allowed: false, because: hidden };
  const granted = power.links.map((link) => {
    const covering = coveringGrant(link, action, target);
    return covering === undefined
      ? `${link.label} is of ${link.device}, the device's gateway`
      : `${link.label} grants ${covering}`;
  });
  const barred = barrier(power, action, target, now);
  if (barred.against !== undefined)
    return { allowed: false, because: barred.against, code: barred.code, clause: barred.clause };
  const provided = [...power.open, ...barred.open].map((words) => `, provided that ${words}`).join("");
  return { allowed: true, because: `${granted.join("; ")}${provided}` };
}

/** What said no, in as few words as tell one clause from another, and without anything that people wrote. */
export function clauseOf({ end, expiresAt }: Power, { clause, code }: Omit<Decision, "because">, now: Instant): string {
  if (end) return end.clause ?? end.code ?? (end.forGood ? "ended" : "suspended");
  if (expiresAt !== undefined && now >= expiresAt) return "expired";
  return clause ?? code ?? "grant";
}

/** The same answer without the words, for where it is asked often. */
export function mayNow(power: Power, action: Action, target: Target, now: Instant): boolean {
  if (power.end || (power.expiresAt !== undefined && now >= power.expiresAt)) return false;
  if (action === "telemetry.write" && target.kind === "device" && target.placement.state !== "active") return false;
  const { space } = power;
  if (!power.links.every((link) => grants(link, action, target, (device) => space.device(device)))) return false;
  return hiddenFrom(power, target) === undefined && !isBarred(power, action, target, now);
}

/** What lists and doors say of something done with a device: they never grant, they only take away. */
function barrier(
  power: Power,
  action: Action,
  target: Target,
  now: Instant,
): Answer & Required<Pick<Decision, "code">> {
  const { space, visitor } = power;
  const way = target.kind === "device" ? wayOf(action) : undefined;
  if (target.kind !== "device" || !way) return { against: undefined, open: [], code: "door.refused" };
  const listed = listingOf(power, action, way, target, now);
  // How a device has to come itself was asked when it came.
  if (listed.against !== undefined || visitor.device === target.id) return { ...listed, code: "list.denied" };
  const answer = answerOf(space.doorsOf(target.placement), visitor, way, now);
  return { ...answer, open: [...listed.open, ...answer.open], code: "door.refused" };
}

/** What the organisation's lists say, and then those of the user whose the device is, which never ask the device itself. */
export function listingOf(
  { space, visitor }: Power,
  action: Action,
  way: "write" | "read",
  { id, placement, at = topicsOfAction(action) }: Target & { kind: "device" },
  now: Instant,
): Listing {
  const listed = space.lists.ofDevice(id, way, at, now);
  const own = placement.user && space.userListsOf(placement);
  if (!own || listed.against !== undefined || visitor.device === id) return listed;
  const hers = own.ofVisitor(visitor, id, now);
  return hers.against === undefined && listed.by.length === 0 ? hers : together([listed, hers]);
}

function isBarred(power: Power, action: Action, target: Target, now: Instant): boolean {
  const { space, visitor, passed } = power;
  const way = target.kind === "device" ? wayOf(action) : undefined;
  if (target.kind !== "device" || !way) return false;
  if (listingOf(power, action, way, target, now).against !== undefined) return true;
  return visitor.device !== target.id && !isOpenTo(space.doorsOf(target.placement), visitor, way, now, passed);
}

/** Whether the action is granted anywhere at all: what a subscription with wildcards needs before each delivery is asked about. */
export const mayAnywhere = (power: Power, action: Action, now: Instant): boolean =>
  !power.end &&
  (power.expiresAt === undefined || now < power.expiresAt) &&
  power.links.every((link) => link.grants.has(action));
