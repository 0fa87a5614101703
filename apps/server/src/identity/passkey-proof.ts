import { Refusal, type Clock, type Id, type Random } from "@holdfast/kernel";
import type { ShownPasskey } from "@holdfast/protocol";
import type { Visit } from "../authority/index.ts";
import { newChallenge, readAssertion, requestOptions, used } from "../passkeys/index.ts";
import type { Keyring, Storage } from "../storage/index.ts";
import type { ErrandRuns } from "./errand-runs.ts";
import { errandsIn } from "./errands.ts";
import type { Factors } from "./factors.ts";
import type { Post } from "./outbox.ts";
import { copiedLetter } from "./passkey-letters.ts";
import { isUsable, personPasskeysIn, spend, type PersonPasskey } from "./passkey-rows.ts";
import { asked, ownSite, questionIn, type IsOurs } from "./passkey-questions.ts";
import { factsOf } from "./person-passkeys.ts";
import { peopleIn } from "./postgres.ts";

type Needs = {
  readonly storage: Storage;
  readonly keys: Keyring;
  readonly runs: ErrandRuns;
  readonly post: Post;
  readonly factors: Factors;
  readonly isOurs: IsOurs;
  readonly clock: Clock;
  readonly random: Random;
};

/** How somebody shows who she is by a passkey, on the platform's own page. */
export class PasskeyProof {
  readonly #needs: Needs;

  constructor(needs: Needs) {
    this.#needs = needs;
  }

  /** Nobody is looked up: the question tells nothing of anybody. */
  question() {
    const { keys, clock, random } = this.#needs;
    return requestOptions({ challenge: asked(keys, { what: "signIn" }, newChallenge("person", clock.now(), random)) });
  }

  /** Whose passkey it says it is. Nothing is proved by that. */
  async ownerOf({ id }: ShownPasskey): Promise<Id<"person"> | undefined> {
    return (await this.#find(id))?.person;
  }

  /** That this person shows a passkey of hers, here and now. @throws Refusal `credential.invalid` whatever was not right; `passkey.cloned` */
  async of(
    who: { readonly person: Id<"person">; readonly orgs: readonly Id<"org">[] },
    answer: ShownPasskey,
    { origin }: Visit,
  ): Promise<void> {
    const { storage, keys, isOurs, factors, post, runs, clock, random } = this.#needs;
    const known = await this.#find(answer.id);
    if (known?.person !== who.person) throw new Refusal("credential.invalid");
    const ours = questionIn(keys, { what: "signIn" }, clock.now());
    const { signed, challenge } = await readAssertion(
      answer,
      { passkey: known, owner: known.person },
      ownSite(origin, isOurs),
      ours,
    );
    // Of all organisations: she may have left the ones that heard that it was removed.
    const ended = await keys.journal.of(known.id);
    const copied = await storage.instance.change(async (unit) => {
      const rows = personPasskeysIn(unit, { keys, random });
      const passkey = await rows.take(known.id);
      if (!passkey || !isUsable(passkey) || !(await spend(unit, challenge))) throw new Refusal("credential.invalid");
      // Removed, and put back in the database.
      if (ended.some(({ seq }) => seq > passkey.issuedSeq)) throw new Refusal("credential.invalid");
      const after = used(passkey, signed, clock.now());
      await rows.save(after);
      if (isUsable(after)) return undefined;
      await factors.changedIn(unit, who.person, who.orgs);
      const her = await peopleIn(unit, { keys, random }).find(who.person);
      if (her) await post.in(unit, copiedLetter(her.email, after.name, unit.at));
      const due = await errandsIn(unit, { keys, random }).add({
        do: "tellFactors",
        person: who.person,
        what: "factor.copied",
        facts: factsOf(after),
        // Nor does a row of before open anything, whoever puts it back.
        over: [{ about: after.id }],
        endSessions: {},
      });
      return due;
    });
    if (!copied) return;
    // Whoever has the other one may be signed in by it, here or there.
    await factors.changed(who.person);
    await runs.now(copied);
    throw new Refusal("passkey.cloned");
  }

  #find(credentialId: string): Promise<PersonPasskey | undefined> {
    const { storage, keys, random } = this.#needs;
    return storage.instance.read((unit) => personPasskeysIn(unit, { keys, random }).byCredential(credentialId));
  }
}
