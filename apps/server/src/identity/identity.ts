import { digestSecret, type Passwords } from "@holdfast/crypto";
import { newId, Refusal, type Clock, type Id, type Random } from "@holdfast/kernel";
import type { Grant } from "@holdfast/protocol";
import {
  asPlatform,
  inPerson,
  refuseLacking,
  type Administrators,
  type Minting,
  type Permit,
  type Spaces,
  type Visit,
} from "../authority/index.ts";
import type { InstanceUnit, Keyring, Storage } from "../storage/index.ts";
import { found } from "./founding.ts";
import type { OwnEmails } from "./own-email.ts";
import { refuseWeak } from "./password.ts";
import type { Person } from "./person.ts";
import { byRank, organisationsIn } from "./organisation.ts";
import { peopleIn, setupIn } from "./postgres.ts";
import type { KnownBrowsers } from "./known-browsers.ts";
import type { SignInNotices } from "./sign-in-notices.ts";
import type { ByPassword, Proved, Proving } from "./proving.ts";
import { isSetupSecret, type SetupOffer } from "./setup.ts";
import { day, welcomeOf, type Welcome } from "./welcome.ts";

type Needs = {
  storage: Storage;
  keys: Keyring;
  passwords: Passwords;
  setup: SetupOffer;
  fleet: Fleet;
  spaces: Spaces;
  minting: Minting;
  administrators: Administrators;
  clock: Clock;
  random: Random;
  proving: Proving;
  browsers: KnownBrowsers;
  notices: SignInNotices;
  ownEmails: OwnEmails;
  /** Where the platform is, by a name that is in its certificate. */
  address: () => string;
};

/** Simulated devices, for whoever wants something to see at once. */
export interface Fleet {
  readonly isOffered: boolean;
  /** In an organisation of its own, which is hers too. Whatever becomes of it, the platform was set up. */
  begin(person: Id<"person">): Promise<Id<"org"> | undefined>;
}

/** People: how they come to be, and how they show who they are. */
export class Identity {
  readonly #needs: Needs;

  constructor(needs: Needs) {
    this.#needs = needs;
  }

  /** What a set-up may ask for. */
  get offers(): { readonly fleet: boolean } {
    return { fleet: this.#needs.fleet.isOffered };
  }

  /** The first person, administrator of the instance and owner of the first organisation. The link works once, whoever asks at the same time. */
  async setUp(asked: SetUp): Promise<Welcome & { readonly fleet: Id<"org"> | undefined }> {
    const { storage, keys, passwords, setup, fleet, administrators, ownEmails, address, clock, random } = this.#needs;
    if (asked.fleet && !fleet.isOffered) throw new Refusal("simulation.notOffered");
    if (!isSetupSecret(asked.secret)) throw new Refusal("setup.invalid");
    refuseWeak(asked.password, [asked.email, asked.org, new URL(address()).hostname]);
    const digest = digestSecret(asked.secret);
    // Before anything that costs: whoever has no link gets no slow hash for it.
    await storage.instance.read(async (unit) => {
      if (!(await setupIn(unit).isOffered(digest))) throw await this.#refusedSetup(unit);
    });
    storage.admit();
    const passwordHash = await passwords.hash(asked.password);
    const person: Person = { id: newId("person", random), email: asked.email, passwordHash, createdAt: clock.now() };
    const org = newId("org", random);
    await storage.instance.change(async (unit) => {
      if (!(await setupIn(unit).take(digest))) throw await this.#refusedSetup(unit);
      if (!(await peopleIn(unit, { keys, random }).add(person))) throw new Refusal("setup.done");
      await administrators.first(unit, { org, person: person.id });
      await ownEmails.welcome(unit, person);
    });
    try {
      const scope = await storage.makeOrg(org);
      const member = { role: "owner", administrator: true } as const;
      const welcome = await found(this.#needs, {
        scope,
        person: person.id,
        member,
        name: asked.org,
        proofs: ["password"],
      });
      setup.taken();
      return { ...welcome, fleet: asked.fleet ? await fleet.begin(person.id) : undefined };
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
    const { person, proofs, until } = inPerson(permit, "org.create");
    storage.admit();
    const scope = await storage.makeOrg(newId("org", random));
    const member = { role: "owner", administrator: false } as const;
    const welcome = await found(this.#needs, { scope, person, member, name, proofs, latest: until });
    await storage.change(permit, async (unit) => unit.audit({ what: "org.created", about: welcome.org }));
    return welcome;
  }

  /**
   * Whoever belongs to several organisations and names none is signed in to the one that was founded first. Whoever tries a password
   * leaves a trace in all of them, also when it was right and something else was refused: that it is right is what he came for.
   * @throws Refusal `credential.invalid`, the same and after the same time for an unknown e-mail, a wrong password and a foreign organisation
   */
  async signIn(asked: SignIn, visit: Visit): Promise<Welcome> {
    const { proving, browsers, notices } = this.#needs;
    return proving.as(asked, visit, async (proved) => {
      const welcome = await this.#admit(proved, asked);
      await notices.arrived(proved, visit, await browsers.cameBy(proved.person.id, visit), proved.guesses);
      return welcome;
    });
  }

  /** The password was right. */
  async #admit(proved: Proved, asked: SignIn): Promise<Welcome> {
    const { orgs, proofs } = proved;
    const { id: person } = proved.person;
    const org = await this.#first(asked.org === undefined ? orgs : orgs.filter((one) => one === asked.org));
    if (!org) throw new Refusal("credential.invalid");
    const space = await this.#needs.spaces.of(org);
    const member = space.member(person);
    if (space.isSuspended(person)) throw new Refusal("member.suspended");
    if (!member) throw new Refusal("credential.invalid");
    await this.#needs.spaces.knowHome(space, person);
    refuseLacking(space, { person, proofs }, this.#needs.clock.now());
    if (space.stop && member.role !== "owner") throw new Refusal(space.stop.code);
    const allowed = { scope: space.scope, actor: { kind: "credential", id: person, person } } as const;
    const wanted = { name: asked.name ?? "sign-in", grants: asked.grants, lifetime: asked.lifetime ?? day, proofs };
    const minted = await this.#needs.minting.forPerson(allowed, person, member, wanted, async (unit) => {
      // She may have been removed while this waited its turn: a token made now would be good again if she came back.
      if (!(await this.#needs.spaces.of(org)).member(person)) throw new Refusal("credential.invalid");
      await this.#needs.proving.refuseChanged(proved);
      unit.audit({ what: "signIn.done", about: person });
    });
    return welcomeOf(org, person, minted);
  }

  async #first(orgs: readonly Id<"org">[]): Promise<Id<"org"> | undefined> {
    const { storage } = this.#needs;
    if (orgs.length < 2) return orgs[0];
    const founded = await Promise.all(
      orgs.map(async (org) => {
        const allowed = asPlatform(await storage.scopeOf(org));
        return storage.read(allowed, (unit) => organisationsIn(unit).own());
      }),
    );
    return founded.toSorted(byRank)[0]?.id;
  }
}

type SetUp = {
  readonly secret: string;
  readonly email: string;
  readonly password: string;
  /** The name of the first organisation. */
  readonly org: string;
  readonly fleet?: boolean | undefined;
};

export type SignIn = ByPassword & {
  readonly org: Id<"org"> | undefined;
  readonly name: string | undefined;
  readonly grants: readonly Grant[] | undefined;
  readonly lifetime: number | undefined;
};
