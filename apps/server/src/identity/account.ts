import type { Session, Sessions } from "../authority/index.ts";
import { alertWhereDemanded } from "./alerting.ts";
import { organisationsOf } from "./attempts.ts";
import type { ErrandRuns } from "./errand-runs.ts";
import type { Errand } from "./errands.ts";
import type { Factors, Kept } from "./factors.ts";
import type { Person } from "./person.ts";
import { peopleIn } from "./postgres.ts";

type Needs = Parameters<typeof alertWhereDemanded>[0] & {
  readonly sessions: Sessions;
  readonly factors: Factors;
  readonly runs: ErrandRuns;
  /** Where the platform is, by a name that is in its certificate. */
  readonly address: () => string;
};

/** A person's own account, for herself: what she has to show who she is. All her organisations learn of what changes. */
export class Account {
  readonly #needs: Needs;

  constructor(needs: Needs) {
    this.#needs = needs;
  }

  async read(session: Session): Promise<Kept & { readonly person: Person }> {
    return { person: await this.#person(session), ...(await this.#needs.factors.of(session.person)) };
  }

  async offerTotp(session: Session) {
    const { factors, address } = this.#needs;
    const { email } = await this.#person(session);
    return factors.offerTotp(session.person, { issuer: `Holdfast (${new URL(address()).hostname})`, account: email });
  }

  /** By the code she has shown it, too, so this very session comes in again where it was demanded. */
  async addTotp(
    session: Session,
    offer: string,
    code: string,
  ): Promise<{ codes: readonly string[]; cookie: string | undefined }> {
    const { factors, sessions, runs } = this.#needs;
    const { totp: isReplaced } = await factors.of(session.person);
    const errand = totpErrand(session, "factor.added", isReplaced);
    const { codes, due } = await factors.addTotp(session.person, { offer, code }, errand);
    await runs.now(due);
    return { codes, cookie: await sessions.renewAfter(session, ["totp"]) };
  }

  async removeTotp(session: Session): Promise<void> {
    const { factors, runs } = this.#needs;
    await runs.now(await factors.removeTotp(session.person, totpErrand(session, "factor.removed", true)));
    const { email } = await this.#person(session);
    const orgs = await organisationsOf(this.#needs, session.person);
    await alertWhereDemanded(this.#needs, { email, orgs }, "turned codes of an authenticator app off");
  }

  async renewCodes(session: Session): Promise<readonly string[]> {
    const { factors, runs } = this.#needs;
    const { codes, due } = await factors.renewCodes(session.person);
    await runs.now(due);
    return codes;
  }

  async #person({ person }: Session): Promise<Person> {
    return this.#needs.storage.instance.read((unit) => peopleIn(unit, this.#needs).herself(person));
  }
}

/** What she is signed in to elsewhere ends with codes of an app that go: that is why somebody turns them off. */
const totpErrand = ({ id, person }: Session, what: string, ends: boolean): Errand => ({
  do: "tellFactors",
  person,
  what,
  facts: { factor: "totp" },
  ...(ends && { endSessions: { except: id } }),
});
