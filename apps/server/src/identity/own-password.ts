import { digestSecret, type Passwords } from "@holdfast/crypto";
import { Refusal, type Clock, type Id, type Random, type Report } from "@holdfast/kernel";
import { asPlatform, type Journal, type Session, type Spaces, type Visit } from "../authority/index.ts";
import type { InstanceUnit, Keyring, Storage } from "../storage/index.ts";
import { accountLinksIn, isLinkSecret, type AccountLink } from "./account-link.ts";
import { organisationsOf } from "./attempts.ts";
import type { ErrandRuns } from "./errand-runs.ts";
import { errandsIn } from "./errands.ts";
import type { FactorResets } from "./factor-resets.ts";
import { passwordLetter } from "./letters.ts";
import { organisationsIn } from "./organisation.ts";
import type { Carrier, Post } from "./outbox.ts";
import { notePassword } from "./password-ruling.ts";
import { isUsable, personPasskeysIn } from "./passkey-rows.ts";
import { refuseWeak } from "./password.ts";
import type { Person } from "./person.ts";
import { hold } from "./person-passkeys.ts";
import { nextSeqIn, peopleIn } from "./postgres.ts";
import type { Proving } from "./proving.ts";
import { spacesOf } from "./telling.ts";

/** Keeps one network from filling it for all: what has to go when something more comes. */
interface Room {
  take(address: string, id: string): string | undefined;
}

type Needs = {
  readonly storage: Storage;
  readonly keys: Keyring;
  readonly spaces: Spaces;
  readonly journal: Journal;
  readonly proving: Proving;
  readonly passwords: Passwords;
  readonly post: Post;
  readonly runs: ErrandRuns;
  readonly resets: Pick<FactorResets, "byAddress">;
  readonly room: Room;
  /** Where the platform is, by a name that is in its certificate. */
  readonly address: () => string;
  readonly clock: Clock;
  readonly random: Random;
  readonly report: Report;
};

type Changing = { readonly password?: string | undefined; readonly newPassword: string };

/**
 * A person's own password: she changes it, or has a link sent when she forgot it. A link lets her choose another one and signs nobody in;
 * whatever else is asked for at a sign-in is asked for afterwards as before.
 */
export class OwnPasswords {
  readonly #needs: Needs;

  constructor(needs: Needs) {
    this.#needs = needs;
  }

  /**
   * Wherever else she is signed in, she no longer is. Whoever has none, because she signs in with a passkey, shows none.
   * @throws Refusal `password.wrong`, `password.weak`, `password.common`
   */
  async change(session: Session, asked: Changing, visit: Visit): Promise<void> {
    const { proving, passwords } = this.#needs;
    const person = await proving.knowing(session.person, asked.password, visit);
    refuseWeak(asked.newPassword, await this.#surroundingsOf(person));
    const passwordHash = await passwords.hash(asked.newPassword);
    await this.#set({ ...person, passwordHash }, "changed", async () => {}, session.id);
  }

  /** From then on she signs in with a passkey alone. @throws Refusal `password.last` */
  async remove(session: Session): Promise<void> {
    const { storage } = this.#needs;
    const person = await storage.instance.read((unit) => peopleIn(unit, this.#needs).herself(session.person));
    const hasPasskey = async (unit: InstanceUnit) => {
      await hold(unit, person.id); // no passkey of hers goes meanwhile
      if ((await personPasskeysIn(unit, this.#needs).of(person.id)).some(isUsable)) return;
      throw new Refusal("password.last");
    };
    await this.#set({ ...person, passwordHash: undefined }, "removed", hasPasskey, session.id);
  }

  /** A link is sent if somebody has this e-mail, which nobody learns from here: neither by the answer nor by how long it takes. */
  async forgot(email: string, { address }: Visit): Promise<Carrier["by"]> {
    const { storage, post, room } = this.#needs;
    storage.admit();
    await storage.instance.change(async (unit) => {
      const errands = errandsIn(unit, this.#needs);
      const { id } = await errands.add({ do: "sendReset", email });
      const goes = room.take(address, id);
      if (goes !== undefined) await errands.remove(goes);
      if (await errands.areFull()) throw new Refusal("rate.exceeded", { retryAfterSeconds: 60 });
    });
    return post.by;
  }

  /** By the link, once. @throws Refusal `link.invalid`; to whoever has one, `password.weak`, `password.common` */
  async reset({ secret, password }: { readonly secret: string; readonly password: string }): Promise<void> {
    const { storage, passwords, resets } = this.#needs;
    if (!isLinkSecret("reset", secret)) throw new Refusal("link.invalid");
    const digest = digestSecret(secret);
    // Before anything that costs: whoever has no link gets no slow hash for it.
    const { person } = await storage.instance.read(async (unit) =>
      this.#behind(unit, await accountLinksIn(unit, this.#needs).find(digest)),
    );
    refuseWeak(password, await this.#surroundingsOf(person));
    const passwordHash = await passwords.hash(password);
    // Whoever had it may have taken an invitation to somebody else's address: what he signs in with goes, after a wait.
    const begin = person.verifiedAt === undefined ? await resets.byAddress(person) : undefined;
    await this.#set({ ...person, passwordHash }, "reset", async (unit) => {
      const { link } = await this.#behind(unit, await accountLinksIn(unit, this.#needs).take(digest));
      if (!link.purpose.isMailed || link.purpose.email !== person.email) return {};
      await begin?.(unit);
      return { verifiedAt: unit.at };
    });
  }

  /** Whose link it is, if she has the same password as when it was sent. @throws Refusal `link.invalid` */
  async #behind(unit: InstanceUnit, link: AccountLink | undefined): Promise<{ person: Person; link: AccountLink }> {
    const person = link && (await peopleIn(unit, this.#needs).find(link.person));
    if (link?.purpose.is !== "reset" || !person) throw new Refusal("link.invalid");
    if (link.purpose.passwordSeq !== (person.passwordSeq ?? 0)) throw new Refusal("link.invalid");
    return { person, link };
  }

  /** Whatever was sent to her before is worth nothing, and she is told. */
  async #set(
    person: Person,
    how: "changed" | "reset" | "removed",
    within: (unit: InstanceUnit) => Promise<Partial<Person> | void>,
    except?: Id<"session">,
  ): Promise<void> {
    const { storage, post, runs } = this.#needs;
    const orgs = await organisationsOf(this.#needs, person.id);
    const due = await storage.instance.change(async (unit) => {
      const more = await within(unit);
      const passwordSeq = await nextSeqIn(unit);
      await peopleIn(unit, this.#needs).save({ ...person, ...more, passwordSeq });
      notePassword(this.#needs, unit, { person: person.id, orgs, seq: passwordSeq });
      await accountLinksIn(unit, this.#needs).removeOf(person.id);
      await post.in(unit, passwordLetter(person.email, unit.at, how));
      const because = `password.${how}` as const;
      const errand = { do: "endSignIns", person: person.id, because, except } as const;
      return errandsIn(unit, this.#needs).add(errand);
    });
    await runs.now(due);
  }

  async #surroundingsOf({ id, email }: Person): Promise<readonly string[]> {
    const { storage, spaces, address } = this.#needs;
    const orgs = await organisationsOf(this.#needs, id);
    const names = (await spacesOf({ spaces }, orgs)).map(async ({ scope }) => {
      const { name } = await storage.read(asPlatform(scope), (unit) => organisationsIn(unit).own());
      return name;
    });
    return [email, new URL(address()).hostname, ...(await Promise.all(names))];
  }
}
