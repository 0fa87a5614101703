import { digestSecret, type Passwords } from "@holdfast/crypto";
import { idFrom, newId, Refusal, uuidOf, type Clock, type Id, type Instant, type Random } from "@holdfast/kernel";
import type { Grant } from "@holdfast/protocol";
import {
  asPlatform,
  authorityIn,
  type Member,
  type Minting,
  type MintedToken,
  type Permit,
  type Spaces,
} from "../authority/index.ts";
import type { Actor, Keyring, OrgScope, Storage } from "../storage/index.ts";
import { isLongEnough, type Person } from "./person.ts";
import { organisationsIn } from "./organisation.ts";
import { peopleIn, setupIn } from "./postgres.ts";
import { isSetupSecret } from "./setup.ts";

type Needs = {
  storage: Storage;
  keys: Keyring;
  passwords: Passwords;
  spaces: Spaces;
  minting: Minting;
  clock: Clock;
  random: Random;
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
    const { storage, keys, passwords, clock, random } = this.#needs;
    if (!isSetupSecret(asked.secret)) throw new Refusal("setup.invalid");
    if (!isLongEnough(asked.password)) throw new Refusal("password.weak");
    const passwordHash = await passwords.hash(asked.password);
    const person: Person = { id: newId("person", random), email: asked.email, passwordHash, createdAt: clock.now() };
    const scope = await storage.makeOrg(newId("org", random));
    await storage.instance.change(async (unit) => {
      const people = peopleIn(unit, { keys, random });
      if (!(await setupIn(unit).take(digestSecret(asked.secret)))) {
        throw new Refusal((await people.any()) ? "setup.done" : "setup.invalid");
      }
      await people.add(person);
    });
    return this.#found(scope, person.id, asked.org, { role: "owner", administrator: true });
  }

  /** A further organisation, owned by the person behind the credential. */
  async createOrg(permit: Permit<"org.create">, name: string): Promise<Welcome> {
    const { storage, random } = this.#needs;
    const person = permit.actor.kind === "credential" ? permit.actor.person : undefined;
    if (!person)
      throw new Refusal("permit.missing", { detail: "An organisation is owned by a person: use a token of hers." });
    storage.admit();
    const scope = await storage.makeOrg(newId("org", random));
    const welcome = await this.#found(scope, person, name, { role: "owner", administrator: false });
    await storage.change(permit, async (unit) => unit.audit({ what: "org.created", about: welcome.org }));
    return welcome;
  }

  /** @throws Refusal `credential.invalid`, the same for an unknown e-mail, a wrong password and a foreign organisation */
  async signIn(asked: SignIn): Promise<Welcome> {
    const { storage, keys, passwords, spaces, minting, random } = this.#needs;
    const person = await storage.instance.read((unit) => peopleIn(unit, { keys, random }).byEmail(asked.email));
    const right = await passwords.matches(asked.password, person?.passwordHash);
    const rows = await storage.directory.call<{ org: string }>("orgs_of_person", [person ? uuidOf(person.id) : null]);
    const orgs = rows.map((row) => idFrom("org", row.org));
    const org = asked.org === undefined ? orgs[0] : orgs.find((one) => one === asked.org);
    if (!person || !org) throw new Refusal("credential.invalid");
    const space = await spaces.of(org);
    const actor: Actor = { kind: "credential", id: person.id, person: person.id };
    if (!right) {
      await storage.change(asPlatform(space.scope), async (unit) =>
        unit.audit({ what: "signIn.refused", about: person.id }),
      );
      throw new Refusal("credential.invalid");
    }
    const member = space.member(person.id);
    if (!member) throw new Refusal("credential.invalid");
    const wanted = { name: asked.name ?? "sign-in", grants: asked.grants, lifetime: asked.lifetime ?? day };
    const minted = await minting.forPerson({ scope: space.scope, actor }, person.id, member, wanted, async (unit) => {
      unit.audit({ what: "signIn.done", about: person.id });
    });
    return welcomeOf(org, person.id, minted);
  }

  async #found(scope: OrgScope, person: Id<"person">, name: string, member: Member): Promise<Welcome> {
    const actor: Actor = { kind: "credential", id: person, person };
    const wanted = { name: "set-up", grants: undefined, lifetime: day };
    const minted = await this.#needs.minting.forPerson({ scope, actor }, person, member, wanted, async (unit) => {
      await organisationsIn(unit).add({ id: scope.org, name, createdAt: unit.at });
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
