import { digestSecret, newSecret } from "@holdfast/crypto";
import { newId, Refusal, rfc3339, type Clock, type Id, type Random, type RefusalCode } from "@holdfast/kernel";
import {
  asPlatform,
  inPerson,
  refusedBy,
  type Factors as Held,
  type Permit,
  type Session,
  type Space,
  type Spaces,
} from "../authority/index.ts";
import type { InstanceUnit, Keyring, Storage } from "../storage/index.ts";
import { organisationsOf } from "./attempts.ts";
import { ownersOf } from "./alerting.ts";
import type { ErrandRuns } from "./errand-runs.ts";
import { errandsIn, type Due } from "./errands.ts";
import { callOffLinkOf, counts, dueAfter, isCallOffSecret, overBy, type FactorReset } from "./factor-reset.ts";
import { letterOfEnd, letterTo, letterToOwner } from "./factor-reset-letters.ts";
import { factorResetsIn } from "./factor-reset-rows.ts";
import type { Factors } from "./factors.ts";
import type { Post } from "./outbox.ts";
import { personPasskeysIn } from "./passkey-rows.ts";
import type { Person } from "./person.ts";
import { hold } from "./person-passkeys.ts";
import { organisationsIn } from "./organisation.ts";
import { nextSeqIn, peopleIn } from "./postgres.ts";
import { spacesOf } from "./telling.ts";

type Needs = {
  readonly storage: Storage;
  readonly keys: Keyring;
  readonly spaces: Spaces;
  readonly runs: ErrandRuns;
  readonly factors: Factors;
  readonly post: Post;
  /** Where the platform is, by a name that is in its certificate. */
  readonly address: () => string;
  /** In hours. */
  readonly factorResetAfter: number;
  readonly clock: Clock;
  readonly random: Random;
};

const notNow: ReadonlySet<RefusalCode> = new Set(["factorReset.pending", "rate.exceeded"]);

type Resets = Permit<"person.resetFactors">;
const action = "person.resetFactors";

/** Somebody as the administrator of the instance sees her: no more than it takes to help her in. */
export type Seen = {
  readonly person: Id<"person">;
  readonly email: string;
  readonly factors: Held;
  /** One that waits, or is due. */
  readonly reset: FactorReset | undefined;
};

/** What becomes of somebody who lost what she shows beside her password. */
export class FactorResets {
  readonly #needs: Needs;

  constructor(needs: Needs) {
    this.#needs = needs;
  }

  /** Oldest first. */
  async list(_permit: Resets): Promise<readonly Seen[]> {
    const { storage } = this.#needs;
    const people = await storage.instance.read(async (unit) => {
      const all = await factorResetsIn(unit, this.#needs).all();
      const found = await peopleIn(unit, this.#needs).all(all.map(({ person }) => person));
      return all.flatMap(({ person }) => found.get(person) ?? []);
    });
    const seen = await Promise.all(people.map((person) => this.#seen(person)));
    return seen.filter(({ reset }) => reset);
  }

  /**
   * Nothing is removed yet. She, and the owners of every organisation of hers, are told.
   * @throws Refusal `person.unknown`, `factorReset.needless`, `factorReset.pending`; `rate.exceeded` where no letter is taken for her
   */
  async begin(permit: Resets, id: Id<"person">): Promise<Seen> {
    const { storage, factors, runs, factorResetAfter, clock } = this.#needs;
    const { person: askedBy } = inPerson(permit, action);
    storage.admit();
    const person = await this.#person(permit, id);
    const { totp, passkey } = await factors.of(id);
    if (!totp && !passkey) throw new Refusal("factorReset.needless");
    const orgs = await organisationsOf(this.#needs, id);
    const spaces = await spacesOf(this.#needs, orgs);
    const owners = await this.#owners(spaces, id);
    if (await this.#of(id)) throw new Refusal("factorReset.pending");
    const facts = { dueAt: rfc3339(dueAfter(clock.now(), factorResetAfter)) };
    // Before it is done: what the administrator asked for is never done unsaid.
    await storage.change(permit, async (own) => own.audit({ what: "factorReset.asked", about: id, facts }));
    const { reset, due } = await storage.instance.change((unit) =>
      this.#beginIn(unit, person, { askedBy, spaces, owners }),
    );
    await runs.now(due);
    return { person: id, email: person.email, factors: { totp, passkey }, reset };
  }

  /**
   * Of an account whose address nobody had proved: to be done within the unit in which somebody chooses a password by a link that was mailed
   * there. Where there is nothing to remove, where one waits already, or where no letter is taken for her, nothing begins.
   */
  async byAddress(person: Person): Promise<(unit: InstanceUnit) => Promise<void>> {
    const { id } = person;
    const { totp, passkey } = await this.#needs.factors.of(id);
    if (!totp && !passkey) return async () => {};
    const spaces = await spacesOf(this.#needs, await organisationsOf(this.#needs, id));
    const owners = await this.#owners(spaces, id);
    return async (unit) => {
      try {
        await this.#beginIn(unit, person, { askedBy: id, isByAddress: true, spaces, owners });
      } catch (error) {
        // The password is hers in any case; the next link begins it, or the administrator of the instance.
        if (!(error instanceof Refusal) || !notNow.has(error.code)) throw error;
      }
    };
  }

  /** @throws Refusal `factorReset.pending`; `rate.exceeded`, before anything is written */
  async #beginIn(
    unit: InstanceUnit,
    person: Person,
    {
      spaces,
      owners,
      ...asked
    }: Pick<FactorReset, "askedBy" | "isByAddress"> & {
      readonly spaces: readonly Space[];
      readonly owners: readonly { readonly email: string; readonly org: string }[];
    },
  ): Promise<{ readonly reset: FactorReset; readonly due: Due }> {
    const { post, address, factorResetAfter, clock, random } = this.#needs;
    const { id } = person;
    await hold(unit, id);
    const askedAt = clock.now();
    const rows = factorResetsIn(unit, this.#needs);
    const before = await rows.of(id);
    if (before && counts(before, spaces, askedAt)) throw new Refusal("factorReset.pending");
    const secret = newSecret(random, "callOff");
    const made: FactorReset = {
      ...asked,
      id: newId("factorReset", random),
      person: id,
      issuedSeq: await nextSeqIn(unit),
      askedAt,
      dueAt: dueAfter(askedAt, factorResetAfter),
      digest: digestSecret(secret),
    };
    // Whoever is not told cannot object.
    if (!(await post.in(unit, letterTo(person, made, callOffLinkOf(address(), secret)))))
      throw new Refusal("rate.exceeded", { detail: "She was sent too many letters lately to be told of this now." });
    await rows.add(made);
    for (const { email, org } of owners) await post.in(unit, letterToOwner(email, org, person, made));
    const facts = { dueAt: rfc3339(made.dueAt), ...(asked.isByAddress && { by: "a proof of the address" }) };
    const told = { do: "tellFactors", person: id, by: "platform", what: "factorReset.begun", facts } as const;
    return { reset: made, due: await errandsIn(unit, this.#needs).add(told) };
  }

  /** @throws Refusal `person.unknown`, `factorReset.unknown` */
  async callOff(permit: Resets, id: Id<"person">): Promise<void> {
    inPerson(permit, action);
    await this.#person(permit, id);
    const reset = await this.#of(id);
    if (!reset) throw new Refusal("factorReset.unknown");
    // Before it is done, as where it is begun: what the administrator does is never done unsaid.
    await this.#needs.storage.change(permit, async (unit) => unit.audit({ what: "factorReset.withdrawn", about: id }));
    await this.#end(reset, "the administrator");
  }

  /** One that waits, or is due, of whoever is signed in. */
  async own({ person }: Session): Promise<FactorReset | undefined> {
    return this.#of(person);
  }

  /** @throws Refusal `factorReset.unknown`; `permit.missing` of one that began with a proof of the address */
  async callOffOwn({ person }: Session): Promise<void> {
    const reset = await this.#of(person);
    if (!reset) throw new Refusal("factorReset.unknown");
    if (reset.isByAddress) {
      const detail =
        "Whoever reads the account's address calls it off, by the link in the letter, or the administrator of the platform does.";
      throw new Refusal("permit.missing", { detail });
    }
    await this.#end(reset, "herself");
  }

  /** By the link in the letter. @throws Refusal `factorReset.unknown` */
  async callOffBy(secret: string): Promise<void> {
    const { storage } = this.#needs;
    const reset = isCallOffSecret(secret)
      ? await storage.instance.read((unit) => factorResetsIn(unit, this.#needs).byDigest(digestSecret(secret)))
      : undefined;
    if (!reset) throw new Refusal("factorReset.unknown");
    await this.#end(reset, "the letter");
  }

  /** She has shown her password. Where a reset is due, what she would have to show beside it goes, and all her sessions end. */
  async carryOut({
    person,
    orgs,
  }: {
    readonly person: Id<"person">;
    readonly orgs: readonly Id<"org">[];
  }): Promise<boolean> {
    const { storage, factors, post, runs, clock } = this.#needs;
    const reset = await this.#of(person);
    if (!reset || clock.now() < reset.dueAt) return false;
    const due = await storage.instance.change(async (unit) => {
      await hold(unit, person);
      if (!(await factorResetsIn(unit, this.#needs).remove(reset.id))) return undefined; // called off meanwhile
      const rows = personPasskeysIn(unit, this.#needs);
      const passkeys = (await rows.of(person)).map(({ id }) => id);
      for (const id of passkeys) await rows.remove(id);
      await factors.removeAllIn(unit, person, orgs);
      const her = await peopleIn(unit, this.#needs).find(person);
      if (her) await post.in(unit, letterOfEnd(her));
      return errandsIn(unit, this.#needs).add({
        do: "tellFactors",
        person,
        what: "factorReset.done",
        facts: { passkeys },
        over: [...passkeys.map((id) => ({ about: id })), { about: reset.id, until: overBy(reset.dueAt) }],
        endSessions: {},
      });
    });
    if (!due) return false;
    await factors.changed(person);
    await runs.now(due);
    return true;
  }

  async #end(reset: FactorReset, by: "herself" | "the administrator" | "the letter"): Promise<void> {
    const { storage, runs } = this.#needs;
    const { id, person, dueAt } = reset;
    const due = await storage.instance.change(async (unit) => {
      if (!(await factorResetsIn(unit, this.#needs).remove(id))) throw new Refusal("factorReset.unknown");
      return errandsIn(unit, this.#needs).add({
        do: "tellFactors",
        person,
        by: by === "herself" ? by : "platform",
        what: "factorReset.calledOff",
        facts: { by },
        over: [{ about: id, until: overBy(dueAt) }],
      });
    });
    await runs.now(due);
  }

  async #of(person: Id<"person">): Promise<FactorReset | undefined> {
    const { storage, clock } = this.#needs;
    const reset = await storage.instance.read((unit) => factorResetsIn(unit, this.#needs).of(person));
    if (!reset) return undefined;
    const spaces = await spacesOf(this.#needs, await organisationsOf(this.#needs, person));
    return counts(reset, spaces, clock.now()) ? reset : undefined;
  }

  async #seen({ id, email }: Person): Promise<Seen> {
    const { totp, passkey } = await this.#needs.factors.of(id);
    return { person: id, email, factors: { totp, passkey }, reset: await this.#of(id) };
  }

  async #person(permit: Resets, id: Id<"person">): Promise<Person> {
    const person = await this.#needs.storage.instance.read((unit) => peopleIn(unit, this.#needs).find(id));
    if (!person) throw refusedBy(permit, action, id, new Refusal("person.unknown"));
    return person;
  }

  /** Of every organisation of hers, with what it is called; without herself. */
  async #owners(spaces: readonly Space[], person: Id<"person">) {
    const found: { readonly email: string; readonly org: string }[] = [];
    for (const space of spaces) {
      const { name } = await this.#needs.storage.read(asPlatform(space.scope), (unit) => organisationsIn(unit).own());
      for (const { id, email } of await ownersOf(this.#needs, space))
        if (id !== person) found.push({ email, org: name });
    }
    return found;
  }
}
