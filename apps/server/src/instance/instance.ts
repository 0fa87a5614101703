import { idFrom, Refusal, uuidOf, type Id, type Instant, type Random } from "@holdfast/kernel";
import {
  inPerson,
  refusedBy,
  type Administrators,
  type Factors,
  type Permit,
  type Spaces,
} from "../authority/index.ts";
import { peopleIn, unconfirmed, type Person } from "../identity/index.ts";
import { pageOf, type Keyring, type Page, type Storage } from "../storage/index.ts";

type Needs = {
  readonly storage: Storage;
  readonly spaces: Spaces;
  readonly keys: Keyring;
  readonly administrators: Administrators;
  readonly random: Random;
};

/** An organisation from outside: not what it is called, who is in it, or what it holds. */
export type Outside = {
  readonly id: Id<"org">;
  readonly createdAt: Instant;
  readonly endsAt: Instant | undefined;
  readonly isSuspended: boolean;
  /** It was restored, and nobody has confirmed it yet. */
  readonly isUnconfirmed: boolean;
  readonly plan: string | undefined;
  readonly people: number;
  /** Those that are retired too. */
  readonly devices: number;
};

/** Somebody with an account. */
export type Known = Pick<Person, "id" | "email" | "createdAt"> & {
  readonly isAdministrator: boolean;
  /** To how many she belongs. */
  readonly organisations: number;
  readonly factors: Factors;
};

type Asked = { readonly limit: number; readonly cursor?: string | undefined };

/** What whoever administers the instance sees of it, and who that is. Nothing here opens anything of an organisation's. */
export class Instance {
  readonly #needs: Needs;

  constructor(needs: Needs) {
    this.#needs = needs;
  }

  /** Oldest first. */
  async organisations(permit: Permit<"instance.read">, asked: Asked): Promise<Page<Outside>> {
    permit.askAgain();
    const restored = await unconfirmed(this.#needs.storage);
    return pageOf(
      asked,
      async (after, most) => {
        const given = [after?.at ?? null, after?.id ?? null, most];
        const rows = await this.#needs.storage.directory.call<Row>("orgs_outside", given);
        return rows.map((row) => outsideOf(row, restored));
      },
      { at: ({ createdAt }) => createdAt, id: ({ id }) => uuidOf(id) },
    );
  }

  /** Oldest first. */
  async people(permit: Permit<"instance.read">, asked: Asked): Promise<Page<Known>> {
    permit.askAgain();
    const { storage, spaces, administrators } = this.#needs;
    const page = await pageOf(
      asked,
      (after, most) => storage.instance.read((unit) => peopleIn(unit, this.#needs).page(after, most)),
      { at: ({ createdAt }) => createdAt, id: ({ id }) => uuidOf(id) },
    );
    const ids = page.items.map(({ id }) => uuidOf(id));
    const counted = await storage.directory.call<{ person: string; orgs: string }>("memberships_of", [ids]);
    const counts = new Map(counted.map(({ person, orgs }) => [idFrom("person", person), Number(orgs)]));
    const items = page.items.map(({ id, email, createdAt }) => ({
      id,
      email,
      createdAt,
      isAdministrator: administrators.has(id),
      organisations: counts.get(id) ?? 0,
      factors: spaces.factorsOf(id),
    }));
    return { ...page, items };
  }

  /**
   * As a member of the organisation in which it is asked, and in no other: whoever runs that one knows who may look after all.
   * @throws Refusal `member.unknown`, `member.suspended`
   */
  async makeAdministrator(permit: Permit<"instance.manage">, person: Id<"person">): Promise<void> {
    const { storage, spaces, administrators } = this.#needs;
    inPerson(permit, "instance.manage");
    const space = await spaces.of(permit.on);
    if (space.isSuspended(person)) throw new Refusal("member.suspended");
    if (!space.member(person)) throw refusedBy(permit, "instance.manage", person, new Refusal("member.unknown"));
    await this.#note(permit, "administrator.added", person);
    await storage.instance.change((unit) => administrators.add(unit, { org: permit.on, person }));
  }

  /** @throws Refusal `administrator.last`, `administrator.unknown` */
  async unmakeAdministrator(permit: Permit<"instance.manage">, person: Id<"person">): Promise<void> {
    const { storage, administrators } = this.#needs;
    inPerson(permit, "instance.manage");
    permit.askAgain();
    await storage.instance.change(async (unit) => {
      if (!(await administrators.remove(unit, person)))
        throw refusedBy(permit, "instance.manage", person, new Refusal("administrator.unknown"));
    });
    await this.#note(permit, "administrator.removed", person);
  }

  /** In the log of the organisation by which the administrator came. */
  #note(permit: Permit<"instance.manage">, what: string, about: Id<"person">): Promise<void> {
    return this.#needs.storage.change(permit, async (unit) => unit.audit({ what, about }));
  }
}

type Row = {
  readonly org: string;
  readonly created_at: string;
  readonly ends_at: string | null;
  readonly suspended: boolean;
  readonly people: string;
  readonly devices: string;
  readonly plan: string | null;
};

const outsideOf = (row: Row, restored: ReadonlyMap<Id<"org">, Instant>): Outside => ({
  id: idFrom("org", row.org),
  createdAt: Number(row.created_at) as Instant, // bigint columns of ours
  endsAt: row.ends_at === null ? undefined : (Number(row.ends_at) as Instant),
  isSuspended: row.suspended,
  isUnconfirmed: restored.has(idFrom("org", row.org)),
  plan: row.plan ?? undefined,
  people: Number(row.people),
  devices: Number(row.devices),
});
