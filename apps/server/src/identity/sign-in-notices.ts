import { because, rfc3339, type Clock, type Id, type Report } from "@holdfast/kernel";
import type { Spaces, Visit } from "../authority/index.ts";
import type { Storage } from "../storage/index.ts";
import type { Arrival } from "./known-browsers.ts";
import type { Kind, Letter } from "./letter.ts";
import type { Person } from "./person.ts";
import { nameOfProgram, programOf } from "./program.ts";
import { tellOrganisations } from "./telling.ts";

type Needs = {
  readonly storage: Storage;
  readonly spaces: Spaces;
  readonly post: { send(letter: Letter): Promise<unknown> };
  /** Where the platform is, by a name that is in its certificate. */
  readonly address: () => string;
  readonly clock: Clock;
  readonly report: Report;
};

type From = Pick<Visit, "address" | "agent">;

const calledIn = ({ agent }: From): string => nameOfProgram(programOf(agent));

type Whom = { readonly person: Person; readonly orgs: readonly Id<"org">[] };

/** Guesses in a row after which she hears of it, once until they are forgotten. */
export const worthTelling = 10;
const hour = 3_600_000; // milliseconds

/** People hear of sign-ins that they may not have done themselves, whether they went well or not. */
export class SignInNotices {
  readonly #needs: Needs;

  constructor(needs: Needs) {
    this.#needs = needs;
  }

  /** She signed in; `guesses`: how many failed lately from where she does not. */
  async arrived(whom: Whom, visit: Visit, arrival: Arrival, guesses: number): Promise<void> {
    if (!(await this.#isNews(whom, visit, arrival))) return;
    const { person } = whom;
    await this.#write("signIn", person, visit, "Somebody signed in to your account from a new place", [
      "Somebody signed in to your account from where nobody had signed in to it before.",
      ...(guesses > 2 ? [`Before that ${guesses} attempts from elsewhere had failed.`] : []),
      "If that was you, there is nothing to do. If not, change your password, and end that session.",
    ]);
  }

  /** A provider brought her, to this organisation alone: no other one hears of it, and what others have to tell her of is counted apart. */
  async brought(whom: Whom, visit: Visit, arrival: Arrival): Promise<void> {
    if (!(await this.#isNews(whom, visit, arrival))) return;
    await this.#write("broughtSignIn", whom.person, visit, "Somebody signed in as you from a new place", [
      "Somebody signed in as you, by the sign-in of an organisation of yours, from where nobody had done so before.",
      "If that was you, there is nothing to do. If not, tell whoever administers your organisation at once: what you sign in with there is theirs to change.",
    ]);
  }

  /** She let a program in, from her browser; `from`: where that asked, and what it calls itself. `by`: a provider had brought her. */
  async letIn(
    whom: Whom,
    from: { readonly address: string; readonly program: string },
    arrival: Arrival,
    by?: Id<"provider">,
  ): Promise<void> {
    const { address, program } = from;
    const visit = { address, agent: program };
    if (!(await this.#isNews(whom, visit, arrival))) return;
    await this.#write(by ? "broughtSignIn" : "signIn", whom.person, visit, "A program was let in to your account", [
      "Somebody who was signed in as you let a program in that had not come from there before.",
      "If that was you, and the program is yours, there is nothing to do. If not, end what it came with among your organisation's credentials, and whatever session you do not know; choose another password, which ends every program that was let in.",
    ]);
  }

  /** Where it is, her organisations are told at once. */
  async #isNews({ person, orgs }: Whom, visit: From, arrival: Arrival): Promise<boolean> {
    // With an account that has just been made there is nobody yet who could be warned of somebody else.
    const isNew = arrival.isFirst && this.#needs.clock.now() - person.createdAt < hour;
    if (arrival.isFamiliar || isNew) return false;
    const facts = { address: visit.address, program: calledIn(visit) };
    await tellOrganisations(this.#needs, { person: person.id, orgs }, "signIn.fromNew", facts);
    return true;
  }

  /** Nobody signed in, though many times somebody tried. */
  async guessed(person: Person, visit: Visit): Promise<void> {
    await this.#write("guesses", person, visit, "Somebody is trying to sign in to your account", [
      `${worthTelling} attempts to sign in to your account have failed, and whoever tries has to wait now. From where you have signed in before, you do not.`,
      "If that was not you, your password has not been found.",
    ]);
  }

  /** The password was right, and what was shown beside it was not. Once an hour. */
  async besideWrong(person: Person, visit: Visit): Promise<void> {
    await this.#write("besideWrong", person, visit, "Somebody knows your password", [
      "Somebody showed your password from where you had not signed in before, and with it a code that was wrong: nobody was let in.",
      "If that was not you, change your password now.",
    ]);
  }

  /** Whoever signs in does not wait in vain because a letter could not be kept. */
  async #write(
    kind: Kind,
    { email: to }: Person,
    visit: From,
    subject: string,
    lines: readonly string[],
  ): Promise<void> {
    const { post, address, clock, report } = this.#needs;
    const where = `When: ${rfc3339(clock.now())}. From: ${visit.address}, ${calledIn(visit)}.`;
    const sessions = `Where you are signed in: ${address()}/account/sessions`;
    const letter = { kind, to, subject, lines: [...lines, where, sessions] };
    try {
      await post.send(letter);
    } catch (error) {
      report("a letter about a sign-in could not be kept", because(error));
    }
  }
}
