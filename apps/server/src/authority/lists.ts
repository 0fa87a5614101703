import { isId, Refusal, type Fault, type Id, type Instant } from "@holdfast/kernel";
import type { Listed, ListName, UserListed } from "@holdfast/protocol";
import { tooFine, topicOf, type Listable } from "./listed-topics.ts";
import { formatNetwork, includes, isAddressOf, parseNetwork, type Network } from "./network.ts";
import { parseFilter, type Filter } from "./topic-filter.ts";
import type { Answer } from "./door.ts";
import type { Visitor } from "./visitor.ts";

/** One line of an allow list or deny list, whosever it is. */
export type Entry = {
  readonly id: Id<"listEntry">;
  readonly list: ListName;
  readonly what: Listed | UserListed;
  /** A network, an id, a filter of topics; in one spelling. */
  readonly value: string;
  readonly comment: string;
  readonly createdAt: Instant;
  readonly expiresAt: Instant | undefined;
};

/** Of an organisation's. */
export type ListEntry = Entry & { readonly what: Listed; readonly author: string };

/** How often an entry has decided, and when it did last. */
export type Hits = { count: number; lastAt: Instant };

/** In one spelling, so that two that say the same are the same. @throws Refusal `request.malformed` when it names nothing */
export function readValue(what: Listed, value: string): string {
  switch (what) {
    case "address": {
      const network = parseNetwork(value);
      return typeof network === "string" ? malformed(network) : formatNetwork(network);
    }
    case "device":
    case "person":
      return isId(what, value) ? value : malformed(`not an identifier of a ${what}`);
    case "topic": {
      const filter = parseFilter(value);
      const why = typeof filter === "string" ? filter : tooFine(value);
      return why === undefined ? value : malformed(why);
    }
  }
}

function malformed(message: string): never {
  throw new Refusal("request.malformed", { faults: [{ path: "value", message } satisfies Fault] });
}

export type Read<E extends Entry = ListEntry> = {
  readonly entry: E;
  readonly network?: Network;
  readonly filter?: Filter;
};

/** Who decided: an entry that denies, or that admitted where an allow list was asked. */
export type Listing = Answer & { readonly by: readonly Entry[] };

/** Of both lists together. */
const most = 1_000;

export const silent: Listing = { against: undefined, open: [], by: [] };

/** The lists of an organisation, compiled. Deny wins; an allow list that has any of a kind admits no other of that kind. */
export class Lists {
  readonly entries: ReadonlyMap<Id<"listEntry">, ListEntry>;
  readonly #all: readonly Read[];
  #live: readonly Read[] = [];
  /** By device, as long as the same entries hold: asked for every message. */
  readonly #ofDevices = { write: new Map<Id<"device">, Listing>(), read: new Map<Id<"device">, Listing>() };
  readonly #ofTopics = new Map<string, Listing>();
  #until = Number.NEGATIVE_INFINITY;

  constructor(entries: Iterable<ListEntry> = []) {
    this.entries = new Map([...entries].map((entry) => [entry.id, entry]));
    this.#all = [...this.entries.values()].map(read);
  }

  /** @throws Refusal `list.full` */
  with(entry: ListEntry): Lists {
    if (this.entries.size >= most && !this.entries.has(entry.id)) throw new Refusal("list.full");
    return new Lists([...this.entries.values(), entry]);
  }

  without(id: Id<"listEntry">): Lists {
    return new Lists([...this.entries.values()].filter((entry) => entry.id !== id));
  }

  /** When the next entry of those that hold expires; infinity is never. */
  changesAt(now: Instant): number {
    this.#at(now);
    return this.#until;
  }

  /** Of somebody who comes: from where, as which device, as whom. */
  ofVisitor(visitor: Visitor, now: Instant): Listing {
    const live = this.#at(now);
    if (live.length === 0) return silent;
    const { circumstances, device } = visitor;
    const address = circumstances?.address;
    return together([
      ...(circumstances
        ? [
            ask(
              live,
              "address",
              address === undefined ? undefined : ({ network }) => !!network && isAddressOf(network, address),
              `came from ${address}`,
            ),
          ]
        : []),
      ...(device ? [ask(live, "device", ({ entry }) => entry.value === device, `is ${device}`)] : []),
      ...(visitor.person
        ? [
            ask(
              live,
              "person",
              ({ entry }) => (entry.list === "deny" ? visitor.behind.has(entry.value) : visitor.person === entry.value),
              `is ${visitor.person}`,
            ),
          ]
        : []),
    ]);
  }

  /** Of a person, whatever she comes with. */
  ofPerson(person: Id<"person">, now: Instant): Listing {
    return ask(this.#at(now), "person", ({ entry }) => entry.value === person, `is ${person}`);
  }

  /** Of what is sent in a device's name, or read of it: who may not come any more can still be looked at. */
  ofDevice(device: Id<"device">, way: "write" | "read", topics: readonly Listable[], now: Instant): Listing {
    const live = this.#at(now);
    if (live.length === 0) return silent;
    if (topics.length !== 1 || topics[0] !== "telemetry")
      return together(topics.map((kind) => this.#ofTopic(live, topicOf(device, kind))));
    const known = this.#ofDevices[way].get(device);
    if (known) return known;
    const listing = together([
      way === "write" ? ask(live, "device", ({ entry }) => entry.value === device, `is ${device}`) : silent,
      this.#ofTopic(live, topicOf(device, "telemetry")),
    ]);
    this.#ofDevices[way].set(device, listing);
    return listing;
  }

  #ofTopic(live: readonly Read[], topic: string): Listing {
    const known = this.#ofTopics.get(topic);
    if (known) return known;
    const listing = ask(live, "topic", ({ filter }) => filter?.matches(topic) ?? false, `is ${topic}`);
    this.#ofTopics.set(topic, listing);
    return listing;
  }

  /** Whether a filter asks for nothing but what is denied. */
  deniesFilter(filter: string, now: Instant): boolean {
    return this.#at(now).some(({ entry, filter: denied }) => entry.list === "deny" && denied?.covers(filter));
  }

  /** What an entry contradicts or repeats, in words. */
  warningsFor(entry: ListEntry, now: Instant): readonly string[] {
    return warningsAmong(this.#at(now), entry);
  }

  #at(now: Instant): readonly Read[] {
    if (now < this.#until) return this.#live;
    for (const known of [...Object.values(this.#ofDevices), this.#ofTopics]) known.clear();
    this.#live = this.#all.filter(({ entry: { expiresAt } }) => expiresAt === undefined || now < expiresAt);
    this.#until = Math.min(
      Number.POSITIVE_INFINITY,
      ...this.#live.map(({ entry }) => entry.expiresAt ?? Number.POSITIVE_INFINITY),
    );
    return this.#live;
  }
}

/** Whether a moment comes, now or when entries expire, at which these let in none of those people. */
export function shutOut(people: readonly Id<"person">[], entries: Iterable<ListEntry>, now: Instant): boolean {
  if (people.length === 0) return false;
  const lists = new Lists(entries); // asked about later moments: one that is in use would stay there
  for (let at: number = now; Number.isFinite(at); at = lists.changesAt(at as Instant)) {
    const then = at as Instant; // `now`, or when an entry expires
    if (people.every((person) => lists.ofPerson(person, then).against !== undefined)) return true;
  }
  return false;
}

export function warningsAmong(live: readonly Read<Entry>[], { id, list, what, value }: Entry): readonly string[] {
  const others = live.filter(({ entry }) => entry.id !== id && entry.what === what);
  return others.flatMap(({ entry, network }) => {
    if (entry.value === value)
      return [
        entry.list === list
          ? `${entry.id} says the same.`
          : `${entry.id} ${entry.list === "deny" ? "denies" : "allows"} ${value} too: deny wins.`,
      ];
    const own = network && parseNetwork(value);
    if (!network || !own || typeof own === "string" || entry.list === list) return [];
    const [denied, allowed] = list === "deny" ? [own, network] : [network, own];
    return includes(denied, allowed)
      ? [`${entry.id} ${entry.list === "deny" ? "denies" : "allows"} ${entry.value} too: deny wins.`]
      : [];
  });
}

export function read<E extends Entry>(entry: E): Read<E> {
  const network = entry.what === "address" ? parseNetwork(entry.value) : "";
  const filter = entry.what === "topic" ? parseFilter(entry.value) : "";
  return { entry, ...(typeof network !== "string" && { network }), ...(typeof filter !== "string" && { filter }) };
}

/** One kind of both lists. `isMeant` is `undefined` where nobody can say. `whose` is a user, where they are not the organisation's. */
export function ask<E extends Entry>(
  live: readonly Read<E>[],
  what: E["what"],
  isMeant: ((one: Read<E>) => boolean) | undefined,
  instead: string,
  whose?: Id<"user">,
): Listing {
  const by = whose ? `${whose}'s ` : "";
  const ofKind = live.filter(({ entry }) => entry.what === what);
  if (ofKind.length === 0) return silent;
  if (!isMeant) return { against: undefined, open: [`${by || "the "}lists of ${plural[what]} let it in`], by: [] };
  const denied = ofKind.find((one) => one.entry.list === "deny" && isMeant(one));
  if (denied)
    return {
      against: `denied by ${by}list entry ${named(denied.entry)}`,
      open: [],
      by: [denied.entry],
      clause: `list ${denied.entry.id}`,
    };
  const allowing = ofKind.filter(({ entry }) => entry.list === "allow");
  if (allowing.length === 0) return silent;
  const allowed = allowing.find(isMeant);
  if (allowed) return { against: undefined, open: [], by: [allowed.entry] };
  const because = `${by || "the "}allow list has ${allowing.length} ${allowing.length === 1 ? "entry" : "entries"} of ${plural[what]}, and this ${instead}`;
  return { against: because, open: [], by: [], clause: `list of ${plural[what]}` };
}

const plural = {
  address: "addresses",
  device: "devices",
  person: "people",
  topic: "topics",
  credential: "credentials",
} as const;

const named = ({ id, value, comment }: Entry): string => `${id} of ${value}${comment ? `: ${comment}` : ""}`;

/** The first that says no, else all that were asked. */
export function together(asked: readonly Listing[]): Listing {
  const no = asked.find(({ against }) => against !== undefined);
  if (no) return no;
  return { against: undefined, open: asked.flatMap(({ open }) => open), by: asked.flatMap(({ by }) => by) };
}
