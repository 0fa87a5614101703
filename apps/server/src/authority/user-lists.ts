import { kindOfId, Refusal, type Fault, type Id, type Instant } from "@holdfast/kernel";
import { programKinds, type UserListed } from "@holdfast/protocol";
import { ask, read, readValue, silent, together, warningsAmong, type Entry, type Listing, type Read } from "./lists.ts";
import { includes, networkAt } from "./network.ts";
import { called, type Visitor } from "./visitor.ts";

/** One line of the lists that an application user keeps for her devices: for one of them, or for all that are hers. */
export type UserEntry = Entry & {
  readonly what: UserListed;
  readonly user: Id<"user">;
  readonly device: Id<"device"> | undefined;
};

/** In one spelling. Whether there is such a credential nobody is told. @throws Refusal `request.malformed` when it names nothing */
export function readUserValue(what: UserListed, value: string): string {
  if (what === "address") return readValue(what, value);
  const kind = kindOfId(value);
  if (kind === "key" || kind === "token" || programKinds.some((one) => one === value)) return value;
  const message = `not an identifier of a credential, nor a kind of them: ${programKinds.join(", ")}`;
  throw new Refusal("request.malformed", { faults: [{ path: "value", message } satisfies Fault] });
}

/** `undefined`: of which nothing of its own is listed. */
type AnyDevice = Id<"device"> | undefined;

/** Of all her devices together. */
const most = 50;

/**
 * What an application user lists for her devices, compiled: who else reaches what they measure. It is asked after the organisation's own
 * lists and beside its doors, so that it only ever takes away.
 */
export class UserLists {
  readonly user: Id<"user">;
  readonly entries: ReadonlyMap<Id<"listEntry">, UserEntry>;
  readonly #all: readonly Read<UserEntry>[];
  #live: readonly Read<UserEntry>[] = [];
  #until = Number.NEGATIVE_INFINITY;
  /** What they said to whoever is here, as long as the same entries hold: asked for every message. */
  #said = new WeakMap<Visitor, Map<AnyDevice, Listing>>();

  constructor(user: Id<"user">, entries: Iterable<UserEntry> = []) {
    this.user = user;
    this.entries = new Map([...entries].map((entry) => [entry.id, entry]));
    this.#all = [...this.entries.values()].map(read);
  }

  /** @throws Refusal `list.full` */
  with(entry: UserEntry): UserLists {
    if (this.entries.size >= most && !this.entries.has(entry.id)) throw new Refusal("list.full");
    return new UserLists(this.user, [...this.entries.values(), entry]);
  }

  without(ids: readonly Id<"listEntry">[]): UserLists {
    return new UserLists(
      this.user,
      [...this.entries.values()].filter(({ id }) => !ids.includes(id)),
    );
  }

  /** When the next entry of those that hold expires; infinity is never. */
  changesAt(now: Instant): number {
    this.#at(now);
    return this.#until;
  }

  /** Of whoever comes to a device of hers, and is not the device itself. She herself is asked from where she comes, and nothing else. */
  ofVisitor(visitor: Visitor, device: AnyDevice, now: Instant): Listing {
    const live = this.#at(now);
    if (live.length === 0) return silent;
    let known = this.#said.get(visitor);
    if (!known) this.#said.set(visitor, (known = new Map()));
    let listing = known.get(device);
    if (!listing) known.set(device, (listing = this.#ask(live, visitor, device)));
    return listing;
  }

  /** What an entry contradicts or repeats, in words. */
  warningsFor(entry: UserEntry, now: Instant): readonly string[] {
    const beside = this.#at(now).filter(({ entry: { device } }) => !device || !entry.device || device === entry.device);
    return warningsAmong(beside, entry);
  }

  /** Whether a moment comes, now or when entries expire, at which `before` let her in and these do not: in words. */
  shutOut(her: Visitor, before: UserLists, now: Instant): string | undefined {
    // Asked about later moments: those that are in use would stay there.
    const [those, these] = [before, this].map(({ user, entries }) => new UserLists(user, entries.values()));
    if (!those || !these) return undefined; // two of two
    const all = [...those.entries.values(), ...these.entries.values()];
    const devices = new Set([undefined, ...all.map(({ device }) => device)]);
    for (let at: number = now; Number.isFinite(at);) {
      const then = at as Instant; // `now`, or when an entry expires
      for (const device of devices) {
        const { against } = these.ofVisitor(her, device, then);
        if (against !== undefined && those.ofVisitor(her, device, then).against === undefined) return against;
      }
      at = Math.min(these.changesAt(then), those.changesAt(then));
    }
    return undefined;
  }

  #ask(all: readonly Read<UserEntry>[], visitor: Visitor, device: AnyDevice): Listing {
    const live = all.filter(({ entry }) => isAbout(entry, device));
    const { circumstances } = visitor;
    const address = circumstances?.address;
    const asked: Listing[] = [];
    if (circumstances) {
      const place = address === undefined ? undefined : networkAt(address);
      const isFrom = place && (({ network }: Read<UserEntry>) => !!network && includes(network, place));
      asked.push(ask(live, "address", isFrom, `came from ${address}`, this.user));
    }
    if (visitor.user !== this.user) {
      const isMeant = ({ entry: { list, value } }: Read<UserEntry>) =>
        list === "deny" ? hangsOn(visitor, value) : isWithin(visitor, value);
      asked.push(ask(live, "credential", isMeant, `is ${called(visitor)}`, this.user));
    }
    return together(asked);
  }

  #at(now: Instant): readonly Read<UserEntry>[] {
    if (now < this.#until) return this.#live;
    this.#said = new WeakMap();
    this.#live = this.#all.filter(({ entry: { expiresAt } }) => expiresAt === undefined || now < expiresAt);
    this.#until = Math.min(
      Number.POSITIVE_INFINITY,
      ...this.#live.map(({ entry }) => entry.expiresAt ?? Number.POSITIVE_INFINITY),
    );
    return this.#live;
  }
}

export const isAbout = (entry: UserEntry, device: AnyDevice): boolean => !entry.device || entry.device === device;

/** Itself, its chain and all that made it: who is denied does not come back by what he makes. */
const hangsOn = ({ behind, kinds }: Visitor, value: string): boolean =>
  behind.has(value) || kinds.some((kind) => kind === value);

const isWithin = ({ chain, kind }: Visitor, value: string): boolean =>
  kind === value || chain.some((id) => id === value);
