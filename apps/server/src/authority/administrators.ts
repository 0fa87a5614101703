import { associated, open, seal } from "@holdfast/crypto";
import { idFrom, Refusal, type Id, type Random } from "@holdfast/kernel";
import type { InstanceUnit, Keyring, Storage } from "../storage/index.ts";
import type { Journal } from "./journal.ts";
import { authorityIn } from "./postgres.ts";
import { asPlatform } from "./spaces.ts";

type Needs = {
  readonly storage: Storage;
  readonly keys: Pick<Keyring, "instanceKey" | "secret" | "keepSecret">;
  readonly journal: Journal;
  readonly random: Random;
};

/** Somebody administers the instance as a member of this organisation, and in no other that she signs in to. */
type Administrator = { readonly org: Id<"org">; readonly person: Id<"person"> };

/** `version` grows with each change. */
type List = { readonly version: number; readonly all: readonly Administrator[] };

const name = "administrators";
const place = associated({ org: "instance", kind: name, row: name, version: 0 });

/**
 * Who administers the instance. That is no organisation's to decide, so the list stands in a row of the instance, and once more in the
 * keyring: of the two the later one holds, so that an older backup of the database gives nobody back what was taken from her.
 */
export class Administrators {
  readonly #needs: Needs;
  #list: List;
  readonly #watchers: ((org: Id<"org">) => void)[] = [];

  private constructor(needs: Needs, list: List) {
    this.#needs = needs;
    this.#list = list;
  }

  static async load(needs: Needs): Promise<Administrators> {
    const { storage, keys } = needs;
    const kept = await keys.secret(name);
    const [row, known] = [
      await storage.instance.read((unit) => listIn(unit, needs)),
      kept && (JSON.parse(new TextDecoder().decode(kept)) as List), // kept by `#keep`
    ];
    const list = later(row, known) ?? { version: 1, all: await formerly(storage) };
    const administrators = new Administrators(needs, list);
    if (list !== row) await storage.instance.change((unit) => save(unit, needs, list));
    if (list !== known) administrators.#keep();
    return administrators;
  }

  /** Those of one organisation, as they are whenever it is asked. */
  in(org: Id<"org">): { has(person: Id<"person">): boolean } {
    return { has: (person) => this.#list.all.some((one) => one.person === person && one.org === org) };
  }

  /** By whatever organisation. */
  has(person: Id<"person">): boolean {
    return this.#list.all.some((one) => one.person === person);
  }

  /** Calls back, in the same turn, with the organisation of whoever became one or is none any more. */
  onChange(watcher: (org: Id<"org">) => void): void {
    this.#watchers.push(watcher);
  }

  /** The first person of all, and the only one from now on. */
  async first(unit: InstanceUnit, one: Administrator): Promise<void> {
    await this.#save(unit, (await this.#now(unit)).version, [one], one);
  }

  /** Nothing changes when she is one already. */
  async add(unit: InstanceUnit, one: Administrator): Promise<void> {
    const { version, all } = await this.#now(unit);
    if (!all.some(({ person }) => person === one.person)) await this.#save(unit, version, [...all, one], one);
  }

  /** False when she is none. @throws Refusal `administrator.last` */
  async remove(unit: InstanceUnit, person: Id<"person">): Promise<boolean> {
    const { version, all } = await this.#now(unit);
    const found = all.find((one) => one.person === person);
    if (!found) return false;
    if (all.length === 1) throw new Refusal("administrator.last");
    const others = all.filter((one) => one !== found);
    await this.#save(unit, version, others, found);
    return true;
  }

  /** Nobody else changes it before this unit ends. */
  async #now(unit: InstanceUnit): Promise<List> {
    await unit.query("select 1 from instance for update", []);
    return (await listIn(unit, this.#needs)) ?? { version: 0, all: [] };
  }

  async #save(
    unit: InstanceUnit,
    version: number,
    all: readonly Administrator[],
    { org }: Administrator,
  ): Promise<void> {
    const list: List = { version: version + 1, all };
    await save(unit, this.#needs, list);
    unit.afterCommit(() => {
      if (list.version < this.#list.version) return; // told in another order than committed
      this.#list = list;
      for (const watcher of this.#watchers) watcher(org);
      this.#keep();
    });
  }

  /** As it is when the keyring takes it. */
  #keep(): void {
    const write = () => this.#needs.keys.keepSecret(name, encode(this.#list));
    this.#needs.journal.kept(write, "who administers the instance");
  }
}

async function listIn(unit: InstanceUnit, { keys }: Needs): Promise<List | undefined> {
  type Row = { administrators: Uint8Array | null };
  const [row] = await unit.query<Row>("select administrators from instance", []);
  if (!row?.administrators) return undefined;
  return JSON.parse(new TextDecoder().decode(open(keys.instanceKey(name), place, row.administrators))) as List; // sealed by `save`
}

async function save(unit: InstanceUnit, { keys, random }: Needs, list: List): Promise<void> {
  const sealed = seal(keys.instanceKey(name), place, encode(list), random);
  await unit.query("update instance set administrators = $1", [sealed]);
}

const encode = (list: List): Uint8Array => new TextEncoder().encode(JSON.stringify(list));

/** `one` where both are the same. */
const later = (one: List | undefined, other: List | undefined): List | undefined =>
  one && other ? (other.version > one.version ? other : one) : (one ?? other);

/** Platforms of before kept it with one of her memberships. */
async function formerly(storage: Storage): Promise<readonly Administrator[]> {
  const all: Administrator[] = [];
  for (const row of await storage.directory.call<{ org: string }>("all_orgs", [])) {
    const org = idFrom("org", row.org);
    const allowed = asPlatform(await storage.scopeOf(org));
    const people = await storage.read(allowed, (unit) => authorityIn(unit).formerAdministrators());
    all.push(...people.map((person) => ({ org, person })));
  }
  return all;
}
