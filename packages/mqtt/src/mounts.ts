import type { Naming } from "./policy.ts";
import { hasWildcard } from "./topics.ts";

/** `prefix` is what the client writes, `target` where it stands in the space; both end with "/", neither has wildcards. */
export type Mount = { readonly prefix: string; readonly target: string };

/** One exact topic under another name. */
export type Synonym = {
  readonly topic: string;
  readonly target: string;
  /** What whoever subscribes to that name hears, where it is said elsewhere; may have wildcards, and all of it is told by the one name. */
  readonly heard?: string | undefined;
};

/** The mount or synonym of a name that is in neither list. */
export type Further = (written: string) => Mount | Synonym | undefined;

/**
 * Mounts of which there are many, and which differ in one level: what the client writes as `prefix`, a name and a slash stands in the space as `target`,
 * the level that the name means, and a slash. A filter may have `+` for the name, and nothing else: `#` in its place is refused.
 */
export type Family = {
  readonly prefix: string;
  readonly target: string;
  /** What each name means. Another map is another naming, whatever it holds. */
  readonly names: ReadonlyMap<string, string>;
  /** By which name what came by `+` is told. */
  nameOf(level: string): string | undefined;
};

/** By which name a client knows a topic: a mount or a synonym, or `undefined` for the topic's own name. */
export type Via = Mount | Synonym | Family | undefined;

export type Mapped = { readonly topic: string; readonly via: Via };

/** What a client calls things, and what they are called in its space. */
export class Mounts {
  readonly mounts: readonly Mount[];
  readonly synonyms: readonly Synonym[];
  /** Nothing outside the mounts and synonyms may be named. */
  readonly only: boolean;
  readonly families: readonly Family[];
  readonly #further: Further | undefined;
  /** Of families, those that were asked for: what goes by the same name goes by the same mount. */
  readonly #named = new Map<string, Mount>();

  constructor({ mounts = [], synonyms = [], mountsOnly = false, families = [], further }: Naming = {}) {
    this.mounts = mounts;
    this.synonyms = synonyms;
    this.only = mountsOnly;
    this.families = families;
    this.#further = further;
    for (const { prefix, target } of mounts) {
      const sound = prefix.endsWith("/") && target.endsWith("/") && !hasWildcard(prefix) && !hasWildcard(target);
      if (!sound) throw new TypeError("A mount's prefix and target end with / and have no wildcards.");
    }
    for (const { topic, target } of synonyms) {
      if (hasWildcard(topic) || hasWildcard(target)) throw new TypeError("A synonym has no wildcards.");
    }
  }

  /** A filter as the space knows it; `undefined` where the client may not name it. */
  filter(written: string): Mapped | undefined {
    const mapped = this.inward(written);
    const via = mapped?.via;
    return via && "topic" in via && via.heard !== undefined ? { topic: via.heard, via } : mapped;
  }

  /** The same of a topic that the client publishes to, or wants its answers at. */
  inward(written: string): Mapped | undefined {
    for (const synonym of this.synonyms) {
      if (written === synonym.topic) return { topic: synonym.target, via: synonym };
    }
    for (const mount of this.mounts) if (written.startsWith(mount.prefix)) return within(mount, written);
    for (const family of this.families) if (written.startsWith(family.prefix)) return this.#inFamily(written, family);
    const rare = this.#further?.(written); // last, and not for what is said all the time
    if (rare) return "topic" in rare ? { topic: rare.target, via: rare } : within(rare, written);
    return this.only ? undefined : { topic: written, via: undefined };
  }

  #inFamily(written: string, family: Family): Mapped | undefined {
    const end = written.indexOf("/", family.prefix.length);
    const name = end < 0 ? "" : written.slice(family.prefix.length, end);
    if (name === "+") return { topic: `${family.target}+${written.slice(end)}`, via: family };
    const level = family.names.get(name);
    if (level === undefined) return undefined;
    const prefix = `${family.prefix}${name}/`;
    let via = this.#named.get(prefix);
    if (!via) {
      via = { prefix, target: `${family.target}${level}/` };
      this.#named.set(prefix, via);
    }
    return { topic: via.target + written.slice(end + 1), via };
  }

  /** The name under which this client knows a topic, whatever it subscribed to; for response topics. */
  outward(topic: string): string {
    for (const synonym of this.synonyms) if (topic === synonym.target) return synonym.topic;
    for (const mount of this.mounts) if (topic.startsWith(mount.target)) return outward(topic, mount);
    for (const family of this.families) if (topic.startsWith(family.target)) return outward(topic, family);
    return topic;
  }

  equals(other: Mounts): boolean {
    const list = (mounts: Mounts) => JSON.stringify([mounts.only, mounts.mounts, mounts.synonyms]);
    const isAlike = ({ names }: Family, at: number) => names === other.families[at]?.names;
    return this.families.length === other.families.length && this.families.every(isAlike) && list(this) === list(other);
  }
}

const within = (mount: Mount, written: string): Mapped => ({
  topic: mount.target + written.slice(mount.prefix.length),
  via: mount,
});

/** The topic under the name by which it was subscribed to. */
export function outward(topic: string, via: Via): string {
  if (via === undefined) return topic;
  if ("topic" in via) return via.topic;
  if ("names" in via) {
    const [level = ""] = topic.slice(via.target.length).split("/", 1);
    const name = via.nameOf(level);
    return name === undefined ? topic : via.prefix + name + topic.slice(via.target.length + level.length);
  }
  // `me/#` also matches its parent `me` ([MQTT-4.7.1-2], non-normative part), which is one slash shorter than the mount.
  if (topic.length < via.target.length) return via.prefix.slice(0, -1);
  return via.prefix + topic.slice(via.target.length);
}
