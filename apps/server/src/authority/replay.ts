import type { CredentialId, Id, Instant } from "@holdfast/kernel";
import { actions } from "@holdfast/protocol";
import type { Credential } from "./credential.ts";
import type { Question } from "./decisions.ts";
import { wayOf, type Level } from "./door.ts";
import type { Answers, Kept } from "./gathered.ts";
import { changeAfter } from "./hours.ts";
import type { Target } from "./link.ts";
import { networksOf, parseNetwork, partsOf, type Network } from "./network.ts";
import { compile, decide, mayAnywhere, mayNow, type Power } from "./power.ts";
import type { Placement, Space } from "./space.ts";

const hour = 3_600_000; // milliseconds, as instants are

/** So many parts of one kept network are asked, and so many of one hour; nobody says of more. */
const mostParts = 32;
const mostMoments = 256;
/** And so many moments of all that was asked. */
const mostInAll = 2_000_000;

/** What is not known of a question, where its answer hangs on that. */
export type Unknown = "address" | "hours" | "rate" | "attributes" | "effort";

/** What became of one question in one hour, had the change been made before. */
export type Verdict = {
  readonly change: "none" | "refused" | "allowed" | "unknown";
  /** What would be answered, where that is certain. */
  readonly will: boolean | undefined;
  readonly why: Unknown | undefined;
  /** The clause that decides, in words. */
  readonly because: () => string;
};

type Both<T> = { readonly before: T; readonly after: T };

/** One moment, from one address: everything that decides is known, and what decides is what always does. */
type Moment = Both<{ readonly power: Power; readonly allowed: boolean }> & { readonly at: Instant };

/** Every way that an hour may have been, and until when it is as at its beginning. */
type Known = { readonly moments: readonly Moment[] | Unknown; readonly until: number };

/** How many moments may still be put. */
type Effort = { left: number };

/**
 * Puts what was asked once more: to an organisation as it is, and as it would be. What is kept of whoever asked is a network and an hour, so
 * the question is put for each part of these that a rule tells from the rest, and what all parts say is said; where they differ, nobody knows.
 */
export class Replay {
  readonly #spaces: Both<Space>;
  readonly #find: (id: CredentialId) => Credential | undefined;
  readonly #listed: readonly Network[];
  readonly #effort: Effort;

  constructor(spaces: Both<Space>, find: (id: CredentialId) => Credential | undefined, most = mostInAll) {
    this.#spaces = spaces;
    this.#find = find;
    this.#effort = { left: most };
    const all = [spaces.before, spaces.after].flatMap(({ lists }) => [...lists.entries.values()]);
    this.#listed = networksOf(all.flatMap(({ what, value }) => (what === "address" ? [value] : [])));
  }

  /**
   * In the order of time; none of a credential that is not known any more. `undefined` is where others may be served first: a question that hangs
   * on many hours and addresses takes seconds.
   */
  *verdictsOf({ question, hours }: Kept): Generator<readonly [Instant, Verdict] | undefined, void> {
    const credential = this.#find(question.credential);
    if (!credential) return;
    const asked = new Asked(this.#spaces, this.#find, { question, credential, listed: this.#listed });
    let known: Known | undefined;
    for (const [at, answers] of [...hours].toSorted(([a], [b]) => a - b)) {
      if (!known || at + hour > known.until) known = yield* asked.during(at, this.#effort);
      yield [at, asked.verdict(known.moments, answers)];
    }
  }
}

/** One question, about to be put. */
class Asked {
  readonly #spaces: Both<Space>;
  readonly #find: (id: CredentialId) => Credential | undefined;
  readonly #question: Question;
  readonly #credential: Credential;
  readonly #targets: Both<Target | undefined>;
  readonly #addresses: readonly (string | undefined)[] | undefined;
  readonly #hours: readonly NonNullable<Level["door"]["hours"]>[];

  constructor(
    spaces: Both<Space>,
    find: (id: CredentialId) => Credential | undefined,
    { question, credential, listed }: { question: Question; credential: Credential; listed: readonly Network[] },
  ) {
    this.#spaces = spaces;
    this.#find = find;
    this.#question = question;
    this.#credential = credential;
    this.#targets = both(spaces, (space) => targetOf(space, question));
    const doors = eachOf(both(spaces, (space) => this.#levels(space))).flat();
    const conditions = this.#chain().flatMap((link) => (link.conditions ? [link.conditions] : []));
    this.#hours = [...conditions, ...doors.map(({ door }) => door)].flatMap((one) => (one.hours ? [one.hours] : []));
    const named = [
      ...conditions.map(({ addresses }) => addresses),
      ...doors.flatMap(({ door: { allow, deny } }) => [allow?.addresses, deny?.addresses]),
    ];
    const hers = eachOf(both(spaces, (space) => this.#listedByUsers(space))).flat();
    const networks = [...listed, ...networksOf([...named.flatMap((addresses) => addresses ?? []), ...hers])];
    const place = question.came.place === undefined ? undefined : parseNetwork(question.came.place);
    this.#addresses =
      place === undefined || typeof place === "string" ? [undefined] : partsOf(place, networks, mostParts);
  }

  *during(from: Instant, effort: Effort): Generator<undefined, Known> {
    const addresses = this.#addresses;
    if (!addresses) return { moments: "address", until: Number.POSITIVE_INFINITY };
    const moments: Moment[] = [];
    let at = from;
    for (;;) {
      if (effort.left < addresses.length) return { moments: "effort", until: Number.POSITIVE_INFINITY };
      effort.left -= addresses.length;
      const those: Moment[] = [];
      for (const address of addresses) {
        yield undefined;
        those.push(this.#at(at, address));
      }
      moments.push(...those);
      const ends = those.flatMap((one) => eachOf(one).map(({ power }) => power.expiresAt ?? Number.POSITIVE_INFINITY));
      const next = Math.min(
        ...[...ends, ...this.#hours.map((some) => changeAfter(some, at))].filter((end) => end > at),
      );
      if (next >= from + hour) return { moments, until: at === from ? next : from + hour };
      if (moments.length >= mostMoments) return { moments: "hours", until: from + hour };
      at = next as Instant; // of those above
    }
  }

  verdict(moments: readonly Moment[] | Unknown, answers: Answers): Verdict {
    if (typeof moments === "string") return unknown(moments);
    const [first, ...others] = moments;
    if (!first) throw new Error("a question is put at least once");
    const isSame = moments.every(({ before, after }) => before.allowed === after.allowed);
    const will = others.every(({ after }) => after.allowed === first.after.allowed) ? first.after.allowed : undefined;
    // Of all that was put it holds the one that it needs.
    const one = moments.find(({ before, after }) => before.allowed !== after.allowed) ?? first;
    const because = () => this.#because(one);
    const limited = will === false ? undefined : this.#limited(first, isSame);
    if (limited) return unknown(limited);
    if (isSame) return { change: "none", will, why: undefined, because };
    if (will === undefined) return unknown(this.#whyOf(moments));
    const was = others.every(({ before }) => before.allowed === first.before.allowed)
      ? first.before.allowed
      : answered(answers);
    if (was === undefined) return unknown(this.#whyOf(moments));
    const change = was === will ? "none" : will ? "allowed" : "refused";
    return { change, will, why: undefined, because };
  }

  #at(at: Instant, address: string | undefined): Moment {
    const { came, action } = this.#question;
    const { place: _place, ...rest } = came;
    const put = (space: Space, target: Target | undefined) => {
      const power = compile(space, this.#credential, { ...rest, address }, at, this.#find);
      return { power, allowed: isAllowed(power, action, target, this.#question, at) };
    };
    return {
      at,
      before: put(this.#spaces.before, this.#targets.before),
      after: put(this.#spaces.after, this.#targets.after),
    };
  }

  /** What beyond a yes would decide each time, where the change touches it, or nobody has met it yet. */
  #limited({ before, after }: Moment, isSame: boolean): Unknown | undefined {
    const [were, are] = [before.power, after.power].map((power) => this.#limitsOf(power));
    if (!were || !are) return undefined;
    for (const why of ["rate", "attributes"] as const)
      if (were[why] !== are[why] || (!isSame && are[why] !== "[]")) return why;
    return undefined;
  }

  #limitsOf({ space, allowances }: Power): Readonly<Record<"rate" | "attributes", string>> {
    const { action, about } = this.#question;
    const asked = action === "connect" || about === undefined ? undefined : wayOf(action);
    // What is its own a device hears whole.
    const way = asked === "read" && about === this.#credential.device ? undefined : asked;
    const doors = way ? this.#levels(space).map(({ door }) => door) : [];
    const said = (all: readonly unknown[]) => JSON.stringify(all.filter((one) => one !== undefined));
    const own = allowances.map(({ rate }) => rate);
    const isWriting = way === "write";
    return {
      rate: said([...own, ...doors.flatMap(({ rate, size }) => (isWriting ? [rate, size] : []))]),
      attributes: said(doors.map(({ writable, readable }) => (isWriting ? writable : readable))),
    };
  }

  #levels(space: Space): readonly Level[] {
    return this.#placements(space).flatMap((placement) => space.doorsOf(placement));
  }

  #listedByUsers(space: Space): readonly string[] {
    const entries = this.#placements(space).flatMap((one) => [...(space.userListsOf(one)?.entries.values() ?? [])]);
    return entries.flatMap(({ what, value }) => (what === "address" ? [value] : []));
  }

  #placements(space: Space): readonly Placement[] {
    const ids = new Set([this.#credential.device, this.#question.about]);
    return [...ids].flatMap((id) => (id && space.device(id as Id<"device">)) ?? []); // only a map is asked
  }

  #chain(): readonly Credential[] {
    const chain: Credential[] = [];
    for (let next: Credential | undefined = this.#credential; next; next = next.parent && this.#find(next.parent))
      chain.push(next);
    return chain;
  }

  /** A moment is both: the addresses of one moment differ, or it is the moments. */
  #whyOf(moments: readonly Moment[]): Unknown {
    const [first] = moments;
    const atOnce = moments.filter(({ at }) => at === first?.at);
    const differ = atOnce.some(
      ({ before, after }) => before.allowed !== first?.before.allowed || after.allowed !== first?.after.allowed,
    );
    return differ ? "address" : "hours";
  }

  #because({ at, after: { power } }: Moment): string {
    const { action } = this.#question;
    const target = this.#targets.after;
    if (power.end) return power.end.because;
    if (action === "connect") return "it is let in";
    if (target) return decide(power, action, target, at).because;
    const missing = power.links.find(({ grants }) => !grants.has(action));
    return missing ? `${missing.label} does not grant ${action}` : `${action} is granted`;
  }
}

const unknown = (why: Unknown): Verdict => ({ change: "unknown", will: undefined, why, because: () => inWords[why] });

/** What nobody can say it without. */
const inWords: Readonly<Record<Unknown, string>> = {
  address: "it hangs on the exact address, of which only the network is kept",
  hours: "it hangs on the exact time, of which only the hour is kept",
  rate: "it hangs on how often something is sent, or how much of it",
  attributes: "it hangs on which attributes are sent or read",
  effort: "it is more than is tried at once: try fewer days",
};

const answered = ({ yes, no }: Answers): boolean | undefined => (yes > 0 && no > 0 ? undefined : yes > 0);

const both = <T>({ before, after }: Both<Space>, of: (space: Space) => T): Both<T> => ({
  before: of(before),
  after: of(after),
});
const eachOf = <T>({ before, after }: Both<T>): readonly T[] => [before, after];

function isAllowed(
  power: Power,
  action: Question["action"],
  target: Target | undefined,
  { about }: Question,
  at: Instant,
): boolean {
  if (action === "connect") return !power.end && (power.expiresAt === undefined || at < power.expiresAt);
  if (target) return mayNow(power, action, target, at);
  // What it was about is gone.
  return about === undefined && mayAnywhere(power, action, at);
}

/** `undefined` is everything of its kind, or something that is not there. */
function targetOf(space: Space, { action, about }: Question): Target | undefined {
  if (action === "connect") return undefined;
  if (about !== undefined) {
    const placement = space.device(about as Id<"device">); // only a map is asked
    if (placement) return { kind: "device", id: about as Id<"device">, placement }; // it was in the map
    if (space.hasProduct(about as Id<"product">)) return { kind: "product" }; // only a set is asked
    const application = about as Id<"application">; // as before
    return space.hasApplication(application) ? { kind: "application", id: application } : undefined;
  }
  return actions[action] === "org" ? { kind: "org" } : undefined;
}
