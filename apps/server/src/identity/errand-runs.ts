import { because, type Clock, type Id, type Instant, type Random, type Report } from "@holdfast/kernel";
import { authorityIn, type Revocation, type Sessions, type Spaces } from "../authority/index.ts";
import type { Keyring, Storage, Unit } from "../storage/index.ts";
import { accountLinksIn, newLink } from "./account-link.ts";
import { lettingInBy, lifetime } from "./activation.ts";
import { organisationsOf } from "./attempts.ts";
import { errandsIn, type Due, type Errand } from "./errands.ts";
import { resetLetter } from "./letters.ts";
import type { Post } from "./outbox.ts";
import { peopleIn } from "./postgres.ts";
import { spacesOf, tellOrganisations } from "./telling.ts";

type Needs = {
  readonly storage: Storage;
  readonly keys: Keyring;
  readonly spaces: Spaces;
  readonly sessions: Sessions;
  readonly revocation: Revocation;
  readonly post: Post;
  /** Where the platform is, by a name that is in its certificate. */
  readonly address: () => string;
  readonly clock: Clock;
  readonly random: Random;
  readonly report: Report;
};

type Of<Do extends Errand["do"]> = Errand & { readonly do: Do };

const atOnce = 50;

/** Errands are run until they are done, also when the platform was killed meanwhile: so some of one may be done twice. */
export class ErrandRuns {
  readonly #needs: Needs;
  readonly #running = new Map<string, Promise<void>>();

  constructor(needs: Needs) {
    this.#needs = needs;
  }

  /** Called again and again: what was asked for is done. */
  async round(): Promise<void> {
    const due = await this.#needs.storage.instance.read((unit) => errandsIn(unit, this.#needs).due(atOnce));
    const failures: unknown[] = [];
    for (const one of due) await this.#run(one).catch((error: unknown) => failures.push(error));
    if (failures.length > 0) throw failures[0];
  }

  /** Once it is committed. It is decided, and where it cannot be done now it is done in a moment all the same. */
  async now(due: Due): Promise<void> {
    const { report } = this.#needs;
    await this.#run(due).catch((error: unknown) =>
      report("What follows from a change of somebody's account could not be done at once.", because(error)),
    );
  }

  /** Once at a time each: whoever comes meanwhile waits for it, too. */
  #run(due: Due): Promise<void> {
    const running = this.#running.get(due.id);
    if (running) return running;
    const begun = this.#do(due).finally(() => this.#running.delete(due.id));
    this.#running.set(due.id, begun);
    return begun;
  }

  async #do({ id, errand }: Due): Promise<void> {
    if (!(await this.#needs.storage.instance.read((unit) => errandsIn(unit, this.#needs).has(id)))) return; // done
    switch (errand?.do) {
      case undefined:
        return this.#passOver(id);
      case "sendReset":
        return this.#sendReset(id, errand.email);
      case "endSignIns":
        await this.#endSignIns(errand);
        return this.#remove(id);
      case "tellFactors":
        await this.#tellFactors(errand);
        return this.#remove(id);
    }
  }

  async #passOver(id: string): Promise<void> {
    const what = "What was asked for somebody's account does not open: its row was altered. It is not done.";
    this.#needs.report(what, { level: "error", code: "seal.broken" });
    await this.#remove(id);
  }

  async #remove(id: string): Promise<void> {
    await this.#needs.storage.instance.change((unit) => errandsIn(unit, this.#needs).remove(id));
  }

  async #sendReset(id: string, email: string): Promise<void> {
    const { storage, post, address, random } = this.#needs;
    await storage.instance.change(async (unit) => {
      if (!(await errandsIn(unit, this.#needs).remove(id))) return;
      const person = await peopleIn(unit, this.#needs).byEmail(email);
      if (!person) return;
      const { email: to, passwordSeq = 0 } = person;
      const purpose = { is: "reset", email: to, passwordSeq, isMailed: post.by === "mail" } as const;
      const { text, digest, link } = newLink(person, purpose, { address: address(), now: unit.at, random });
      const letter = resetLetter(to, { link: text, until: link.expiresAt });
      if (!(await post.in(unit, letter))) return;
      await accountLinksIn(unit, this.#needs).add(digest, link);
      // By whom nobody knows: whoever has her e-mail may ask. As often as letters are taken, and no more.
      const told = { do: "tellFactors", person: person.id, by: "platform", what: "password.linkSent" } as const;
      await errandsIn(unit, this.#needs).add(told);
    });
  }

  /** Her browsers, and what she signed in with elsewhere. What she made for programs goes on. */
  async #endSignIns({ person, because: what, except }: Of<"endSignIns">): Promise<void> {
    const { storage, spaces, sessions } = this.#needs;
    const actor = { kind: "credential", id: person, person } as const;
    await sessions.ends.others(person, except, "signOut.password"); // first: what one of them let in gets no token any more
    for (const { scope } of await spacesOf({ spaces }, await organisationsOf(this.#needs, person))) {
      await storage.change({ scope, actor }, async (unit) => {
        unit.audit({ what, about: person });
        await this.#endIn(unit, person);
      });
    }
  }

  /** What she signed in with elsewhere, programs that she let in among it, also where one has not fetched its token yet. */
  async #endIn(unit: Unit, person: Id<"person">): Promise<void> {
    const { revocation } = this.#needs;
    await revocation.in(unit, lettingInBy(person), ["people"], (unit.at + lifetime) as Instant); // milliseconds both
    for (const credential of await authorityIn(unit).signInsOf(person))
      if (credential.state === "active") await revocation.endIn(unit, credential);
  }

  async #tellFactors({ person, by, what, facts, over = [], endSessions }: Of<"tellFactors">): Promise<void> {
    const { revocation, sessions } = this.#needs;
    const orgs = await organisationsOf(this.#needs, person);
    if (endSessions) await sessions.ends.others(person, endSessions.except, "signOut.factor"); // first, as above
    // In the keyring's journal as well: neither a row of before that somebody puts back nor an older backup makes it good again.
    await tellOrganisations(this.#needs, { person, orgs, by }, what, facts, async (theirs) => {
      for (const { about, until } of over) await revocation.in(theirs, about, ["people"], until);
      if (endSessions) await this.#endIn(theirs, person);
    });
  }
}
