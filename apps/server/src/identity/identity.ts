import { digestSecret, type Passwords } from "@holdfast/crypto";
import { idFrom, newId, Refusal, uuidOf, type Clock, type Id, type Instant, type Random } from "@holdfast/kernel";
import type { Grant } from "@holdfast/protocol";
import {
  asPlatform,
  authorityIn,
  inPerson,
  type Member,
  type Minting,
  type MintedToken,
  type Permit,
  type Refused,
  type Spaces,
} from "../authority/index.ts";
import type { Actor, InstanceUnit, Keyring, OrgScope, Storage } from "../storage/index.ts";
import { isLongEnough, type Person } from "./person.ts";
import { organisationsIn } from "./organisation.ts";
import { peopleIn, setupIn } from "./postgres.ts";
import { isSetupSecret, type SetupOffer } from "./setup.ts";

type Needs = {
  storage: Storage;
  keys: Keyring;
  passwords: Passwords;
  setup: SetupOffer;
  spaces: Spaces;
  minting: Minting;
  clock: Clock;
  random: Random;
  /** Told of a sign-in that failed, in each organisation of that person; without an answer, so that nobody waits for it. */
  refusedSignIn: (who: Refused, about: Id<"person">) => void;
};

/** How long the token of a sign-in lives when nothing else is asked, in milliseconds. */
const day = 24 * 3_600_000;

export type Welcome = {
  readonly org: Id<"org">;
  readonly person: Id<"person">;
  readonly token: string;
  readonly expiresAt: Instant;
};

/** People: how they come to be, and how they show who they are. */
export class Identity {
  readonly #needs: Needs;

  constructor(needs: Needs) {
    this.#needs = needs;
  }

  /** The first person, administrator of the instance and owner of the first organisation. The link works once, whoever asks at the same time. */
  async setUp(asked: { secret: string; email: string; password: string; org: string }): Promise<Welcome> {
    const { storage, keys, passwords, setup, clock, random } = this.#needs;
    if (!isSetupSecret(asked.secret)) throw new Refusal("setup.invalid");
    if (!isLongEnough(asked.password)) throw new Refusal("password.weak");
    const digest = digestSecret(asked.secret);
    // Before anything that costs: whoever has no link gets no slow hash for it.
    await storage.instance.read(async (unit) => {
      if (!(await setupIn(unit).isOffered(digest))) throw await this.#refusedSetup(unit);
    });
    storage.admit();
    const passwordHash = await passwords.hash(asked.password);
    const person: Person = { id: newId("person", random), email: asked.email, passwordHash, createdAt: clock.now() };
    await storage.instance.change(async (unit) => {
      if (!(await setupIn(unit).take(digest))) throw await this.#refusedSetup(unit);
      await peopleIn(unit, { keys, random }).add(person);
    });
    try {
      const scope = await storage.makeOrg(newId("org", random));
      const welcome = await this.#found(scope, person.id, asked.org, { role: "owner", administrator: true });
      setup.taken();
      return welcome;
    } catch (error) {
      await this.#giveBack(digest);
      throw error;
    }
  }

  async #refusedSetup(unit: InstanceUnit): Promise<Refusal> {
    const { keys, random } = this.#needs;
    return new Refusal((await peopleIn(unit, { keys, random }).any()) ? "setup.done" : "setup.invalid");
  }

  /** The link was taken and there is no organisation all the same: it works again, unless there is one after all. */
  async #giveBack(digest: Uint8Array): Promise<void> {
    const { storage, keys, random } = this.#needs;
    if ((await storage.directory.call("all_orgs", [])).length > 0) return;
    await storage.instance.change(async (unit) => {
      await peopleIn(unit, { keys, random }).removeAll();
      await setupIn(unit).giveBack(digest);
    });
  }

  /**
   * A further organisation, owned by the person who signed in. Her token there is over when her sign-in is; ended before that, it has
   * to be ended there too, because no credential of one organisation ends another's.
   */
  async createOrg(permit: Permit<"org.create">, name: string): Promise<Welcome> {
    const { storage, random } = this.#needs;
    const { person, until } = inPerson(permit, "org.create");
    storage.admit();
    const scope = await storage.makeOrg(newId("org", random));
    const welcome = await this.#found(scope, person, name, { role: "owner", administrator: false }, until);
    await storage.change(permit, async (unit) => unit.audit({ what: "org.created", about: welcome.org }));
    return welcome;
  }

  /**
   * Whoever belongs to several organisations and names none is signed in to the one that was founded first. Whoever tries a password
   * leaves a trace in all of them, also when it was right and something else was refused: that it is right is what he came for.
   * @throws Refusal `credential.invalid`, the same and after the same time for an unknown e-mail, a wrong password and a foreign organisation
   */
  async signIn(asked: SignIn): Promise<Welcome> {
    const { storage, keys, passwords, random } = this.#needs;
    const person = await storage.instance.read((unit) => peopleIn(unit, { keys, random }).byEmail(asked.email));
    const rows = await storage.directory.call<{ org: string }>("orgs_of_person", [person ? uuidOf(person.id) : null]);
    const orgs = rows.map((row) => idFrom("org", row.org));
    const isRight = await passwords.matches(asked.password, person?.passwordHash);
    try {
      if (!isRight || !person) throw new Refusal("credential.invalid");
      return await this.#admit(person.id, orgs, asked);
    } catch (error) {
      if (person) void this.#noteRefused(person.id, orgs);
      throw error;
    }
  }

  /** The password was right. */
  async #admit(person: Id<"person">, orgs: readonly Id<"org">[], asked: SignIn): Promise<Welcome> {
    const org = await this.#oldest(asked.org === undefined ? orgs : orgs.filter((one) => one === asked.org));
    if (!org) throw new Refusal("credential.invalid");
    const space = await this.#needs.spaces.of(org);
    const member = space.member(person);
    if (!member) throw new Refusal("credential.invalid");
    const allowed = { scope: space.scope, actor: { kind: "credential", id: person, person } } as const;
    const wanted = { name: asked.name ?? "sign-in", grants: asked.grants, lifetime: asked.lifetime ?? day };
    const minted = await this.#needs.minting.forPerson(allowed, person, member, wanted, async (unit) => {
      unit.audit({ what: "signIn.done", about: person });
    });
    return welcomeOf(org, person, minted);
  }

  async #noteRefused(person: Id<"person">, orgs: readonly Id<"org">[]): Promise<void> {
    for (const org of orgs) {
      // An organisation that cannot be read now has nowhere to write it either.
      const space = await this.#needs.spaces.of(org).catch(() => undefined);
      if (space) this.#needs.refusedSignIn({ space, actor: { kind: "platform" } }, person);
    }
  }

  async #oldest(orgs: readonly Id<"org">[]): Promise<Id<"org"> | undefined> {
    const { storage } = this.#needs;
    if (orgs.length < 2) return orgs[0];
    const founded = await Promise.all(
      orgs.map(async (org) => {
        const allowed = asPlatform(await storage.scopeOf(org));
        return storage.read(allowed, (unit) => organisationsIn(unit).own());
      }),
    );
    return founded.toSorted((a, b) => a.createdAt - b.createdAt)[0]?.id;
  }

  async #found(
    scope: OrgScope,
    person: Id<"person">,
    name: string,
    member: Member,
    latest?: Instant,
  ): Promise<Welcome> {
    const actor: Actor = { kind: "credential", id: person, person };
    const wanted = { name: "set-up", grants: undefined, lifetime: day, latest };
    const minted = await this.#needs.minting.forPerson({ scope, actor }, person, member, wanted, async (unit) => {
      await organisationsIn(unit).add({ id: scope.org, name, createdAt: unit.at, version: 1 });
      await authorityIn(unit).addMember(person, member);
      unit.audit({ what: "org.created", about: scope.org, facts: { name } });
      unit.audit({ what: "member.added", about: person, facts: { role: member.role } });
      unit.afterCommit(() => this.#needs.spaces.apply(scope.org, (space) => space.setMember(person, member)));
    });
    return welcomeOf(scope.org, person, minted);
  }
}

export type SignIn = {
  readonly email: string;
  readonly password: string;
  readonly org: Id<"org"> | undefined;
  readonly name: string | undefined;
  readonly grants: readonly Grant[] | undefined;
  readonly lifetime: number | undefined;
};

function welcomeOf(org: Id<"org">, person: Id<"person">, { token, expiresAt }: MintedToken): Welcome {
  if (expiresAt === undefined) throw new Error("the token of a sign-in ends");
  return { org, person, token, expiresAt };
}
