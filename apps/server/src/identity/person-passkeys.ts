import { newId, Refusal, uuidOf, type Clock, type Id } from "@holdfast/kernel";
import type { MadePasskey } from "@holdfast/protocol";
import type { Session, Sessions, Visit } from "../authority/index.ts";
import {
  begun,
  creationOptions,
  mostPasskeys,
  newChallenge,
  readAttestation,
  renamed,
  type NewPasskey,
} from "../passkeys/index.ts";
import type { InstanceUnit } from "../storage/index.ts";
import { alertWhereDemanded } from "./alerting.ts";
import { organisationsOf } from "./attempts.ts";
import type { ErrandRuns } from "./errand-runs.ts";
import { errandsIn } from "./errands.ts";
import type { Factors } from "./factors.ts";
import { addedLetter, removedLetter } from "./passkey-letters.ts";
import { isUsable, personPasskeysIn, spend, type PersonPasskey } from "./passkey-rows.ts";
import { asked, ownSite, questionIn, rpIdOf, type IsOurs } from "./passkey-questions.ts";
import { nextSeqIn, peopleIn } from "./postgres.ts";

type Needs = Parameters<typeof alertWhereDemanded>[0] & {
  readonly runs: ErrandRuns;
  readonly isOurs: IsOurs;
  readonly factors: Factors;
  readonly sessions: Sessions;
  readonly clock: Clock;
};

/** The passkeys of somebody who is signed in. */
export class PersonPasskeys {
  readonly #needs: Needs;

  constructor(needs: Needs) {
    this.#needs = needs;
  }

  /** @throws Refusal `passkey.tooMany`, `passkey.invalid` where no page of ours asks */
  async options({ person: id }: Session, { origin }: Visit) {
    const { storage, keys, isOurs, clock, random } = this.#needs;
    const rpId = rpIdOf(ownSite(origin, isOurs));
    const { person, has } = await storage.instance.read(async (unit) => ({
      person: await peopleIn(unit, { keys, random }).herself(id),
      has: await personPasskeysIn(unit, { keys, random }).of(id),
    }));
    if (has.length >= mostPasskeys) throw new Refusal("passkey.tooMany");
    const challenge = asked(keys, { what: "add", person: id }, newChallenge("person", clock.now(), random));
    return creationOptions({ challenge, rpId, owner: id, login: person.email, has });
  }

  /** @throws Refusal `passkey.invalid`, `passkey.tooMany` */
  async add(
    session: Session,
    { origin }: Visit,
    { name, answer }: { readonly name?: string | undefined; readonly answer: MadePasskey },
  ): Promise<{ readonly passkey: PersonPasskey; readonly cookie: string | undefined }> {
    const { storage, keys, sessions, isOurs, factors, post, runs, clock, random } = this.#needs;
    const { person } = session;
    const ours = questionIn(keys, { what: "add", person }, clock.now());
    const { made, challenge } = await readAttestation(answer, ownSite(origin, isOurs), ours);
    storage.admit();
    const orgs = await organisationsOf(this.#needs, person);
    const { passkey, due } = await storage.instance.change(async (unit) => {
      await hold(unit, person);
      if ((await personPasskeysIn(unit, { keys, random }).of(person)).length >= mostPasskeys)
        throw new Refusal("passkey.tooMany");
      if (!(await spend(unit, challenge))) throw new Refusal("passkey.invalid");
      const added = await addPasskey(this.#needs, unit, { person, name, made });
      // Nothing that lets somebody in stays untold.
      const told = { do: "tellFactors", person, what: "factor.added", facts: factsOf(added) } as const;
      await factors.changedIn(unit, person, orgs);
      const her = await peopleIn(unit, { keys, random }).find(person);
      if (her) await post.in(unit, addedLetter(her.email, added.name, unit.at));
      return { passkey: added, due: await errandsIn(unit, { keys, random }).add(told) };
    });
    await factors.changed(person);
    await runs.now(due);
    // Whoever made it has shown it: this very session comes in again where it was demanded.
    return { passkey, cookie: await sessions.renewAfter(session, ["passkey"]) };
  }

  async list({ person }: Session): Promise<readonly PersonPasskey[]> {
    const { storage, keys, random } = this.#needs;
    return storage.instance.read((unit) => personPasskeysIn(unit, { keys, random }).of(person));
  }

  /** @throws Refusal `passkey.unknown` */
  async rename({ person }: Session, id: Id<"passkey">, name: string): Promise<PersonPasskey> {
    const { storage, keys, runs, random } = this.#needs;
    const { next, due } = await storage.instance.change(async (unit) => {
      const rows = personPasskeysIn(unit, { keys, random });
      const passkey = await rows.take(id);
      if (passkey?.person !== person) throw new Refusal("passkey.unknown");
      const next = renamed(passkey, name);
      await rows.save(next);
      const told = { do: "tellFactors", person, what: "factor.renamed", facts: factsOf(next) } as const;
      return { next, due: await errandsIn(unit, { keys, random }).add(told) };
    });
    await runs.now(due);
    return next;
  }

  /** What she is signed in to elsewhere ends with it: that is why somebody removes one. @throws Refusal `passkey.unknown`, `passkey.last` */
  async remove(session: Session, id: Id<"passkey">): Promise<void> {
    const { storage, keys, factors, post, runs, random } = this.#needs;
    const { person } = session;
    const orgs = await organisationsOf(this.#needs, person);
    const { email, due } = await storage.instance.change(async (unit) => {
      await hold(unit, person);
      const rows = personPasskeysIn(unit, { keys, random });
      const all = await rows.of(person);
      const passkey = all.find((one) => one.id === id);
      if (!passkey) throw new Refusal("passkey.unknown");
      const her = await peopleIn(unit, { keys, random }).herself(person);
      const others = all.filter((one) => one !== passkey && isUsable(one));
      if (her.passwordHash === undefined && others.length === 0) throw new Refusal("passkey.last");
      await rows.remove(id);
      await factors.changedIn(unit, person, orgs);
      await post.in(unit, removedLetter(her.email, passkey.name, unit.at));
      const due = await errandsIn(unit, { keys, random }).add({
        do: "tellFactors",
        person,
        what: "factor.removed",
        facts: factsOf(passkey),
        over: [{ about: id }],
        endSessions: { except: session.id },
      });
      return { email: her.email, due };
    });
    await factors.changed(person);
    await runs.now(due);
    await alertWhereDemanded(this.#needs, { email, orgs }, "removed a passkey");
  }
}

/** Of several who change what one person has, one after the other. */
export async function hold(unit: InstanceUnit, person: Id<"person">): Promise<void> {
  const rows = await unit.query("select 1 from person where id = $1 for update", [uuidOf(person)]);
  if (rows.length === 0) throw new Refusal("credential.invalid"); // she is gone
}

export const factsOf = ({ id, rpId }: PersonPasskey) => ({ factor: "passkey", passkey: id, site: rpId });

/** Within the unit of her who is there, or who becomes a person by it. @throws Refusal `passkey.invalid` where it is known here already */
export async function addPasskey(
  { keys, clock, random }: Pick<Needs, "keys" | "clock" | "random">,
  unit: InstanceUnit,
  {
    person,
    name,
    made,
  }: { readonly person: Id<"person">; readonly name?: string | undefined; readonly made: NewPasskey },
): Promise<PersonPasskey> {
  const rows = personPasskeysIn(unit, { keys, random });
  const id = newId("passkey", random);
  const issuedSeq = await nextSeqIn(unit);
  const passkey = { ...begun(made, { id, name, issuedSeq, createdAt: clock.now() }), person };
  if (!(await rows.add(passkey))) throw new Refusal("passkey.invalid", { detail: "It is known here already." });
  return passkey;
}
