import { digestSecret } from "@holdfast/crypto";
import { Refusal, type Id, type Random } from "@holdfast/kernel";
import type { Session, Space, Spaces } from "../authority/index.ts";
import type { InstanceUnit, Keyring, Storage } from "../storage/index.ts";
import { accountLinksIn, isLinkSecret, newLink } from "./account-link.ts";
import { organisationsOf } from "./attempts.ts";
import { errandsIn } from "./errands.ts";
import { addressLetter, verificationLetter } from "./letters.ts";
import type { Carrier, Post } from "./outbox.ts";
import { homeOf, normalEmail, type Person } from "./person.ts";
import { peopleIn } from "./postgres.ts";
import { spacesOf, tellOrganisations } from "./telling.ts";

type Needs = {
  readonly storage: Storage;
  readonly keys: Keyring;
  readonly spaces: Spaces;
  readonly post: Post;
  /** Where the platform is, by a name that is in its certificate. */
  readonly address: () => string;
  readonly random: Random;
};

type Asked = "newAddress" | "ownAddress";

/** A person's own address: a link that is sent there proves that she reads it, and only then it is hers. */
export class OwnEmails {
  readonly #needs: Needs;

  constructor(needs: Needs) {
    this.#needs = needs;
  }

  async read({ person: id }: Session): Promise<{ readonly person: Person; readonly by: Carrier["by"] }> {
    const { storage, post } = this.#needs;
    const person = await storage.instance.read((unit) => peopleIn(unit, this.#needs).herself(id));
    return { person, by: post.by };
  }

  /** To the address that she has. @throws Refusal `mail.none`, `rate.exceeded` */
  async ask(session: Session): Promise<void> {
    const { person, by } = await this.read(session);
    if (by === "file") throw new Refusal("mail.none");
    await this.#send(person.id, person.email, "ownAddress");
  }

  /** To another one, which becomes hers when the link is opened. Says nothing of whether somebody has it. @throws Refusal `rate.exceeded`, `email.demanded` */
  async change(session: Session, email: string): Promise<Carrier["by"]> {
    const { person } = await this.read(session);
    refuseEvading(await this.#spacesOf(person.id), person, email);
    await this.#send(session.person, email, "newAddress");
    return this.#needs.post.by;
  }

  /** For an account that was just made; where no mail is set up, nobody is asked. Whatever becomes of it, the account is there. */
  async welcome(unit: InstanceUnit, person: Person): Promise<void> {
    if (this.#needs.post.by === "mail") await this.#sendIn(unit, person.id, person.email, "ownAddress");
  }

  /** By the link, once. @throws Refusal `link.invalid`, `email.taken` */
  async verify(secret: string): Promise<Person> {
    const { storage } = this.#needs;
    if (!isLinkSecret("email", secret)) throw new Refusal("link.invalid");
    const digest = digestSecret(secret);
    const link = await storage.instance.read((unit) => accountLinksIn(unit, this.#needs).find(digest));
    const spaces = await this.#spacesOf(link?.person); // read before: no organisation is within a unit of the instance
    const { before, after } = await storage.instance.change((unit) => this.#take(unit, digest, spaces));
    const isNew = normalEmail(before.email) !== normalEmail(after.email);
    const orgs = await organisationsOf(this.#needs, after.id);
    const home = new Map([[after.id, homeOf(after.email)]]);
    if (isNew) for (const org of orgs) this.#needs.spaces.apply(org, (space) => space.homes.know(home));
    await tellOrganisations(this.#needs, { person: after.id, orgs }, isNew ? "email.changed" : "email.verified");
    return after;
  }

  async #take(
    unit: InstanceUnit,
    digest: Uint8Array,
    spaces: readonly Space[],
  ): Promise<{ before: Person; after: Person }> {
    const links = accountLinksIn(unit, this.#needs);
    const link = await links.take(digest);
    const before = link && (await peopleIn(unit, this.#needs).find(link.person));
    if (link?.purpose.is !== "email" || !before) throw new Refusal("link.invalid");
    const { email, isMailed } = link.purpose;
    refuseEvading(spaces, before, email);
    const after: Person = { ...before, email, verifiedAt: isMailed ? unit.at : undefined };
    await peopleIn(unit, this.#needs).save(after);
    if (normalEmail(before.email) === normalEmail(email)) return { before, after };
    await links.removeOf(before.id); // what was sent to the address of before
    await this.#needs.post.in(unit, addressLetter(before.email, email, unit.at));
    return { before, after };
  }

  async #spacesOf(person: Id<"person"> | undefined): Promise<readonly Space[]> {
    return spacesOf(this.#needs, await organisationsOf(this.#needs, person));
  }

  async #send(person: Id<"person">, email: string, kind: Asked): Promise<void> {
    const { storage } = this.#needs;
    storage.admit();
    const what = kind === "newAddress" ? "email.changeAsked" : "email.proofAsked";
    const isTaken = await storage.instance.change(async (unit) => {
      if (!(await this.#sendIn(unit, person, email, kind))) return false;
      await errandsIn(unit, this.#needs).add({ do: "tellFactors", person, what });
      return true;
    });
    if (!isTaken) throw new Refusal("rate.exceeded", { retryAfterSeconds: 3_600 });
  }

  async #sendIn(unit: InstanceUnit, person: Id<"person">, email: string, kind: Asked): Promise<boolean> {
    const { post, address, random } = this.#needs;
    const purpose = { is: "email", email, isMailed: post.by === "mail" } as const;
    const { text, digest, link } = newLink({ id: person }, purpose, { address: address(), now: unit.at, random });
    const isTaken = await post.in(unit, verificationLetter(email, { link: text, until: link.expiresAt }, kind));
    if (isTaken) await accountLinksIn(unit, this.#needs).add(digest, link);
    return isTaken;
  }
}

/** An organisation that demands its provider of whoever has an address like hers demands it of her. @throws Refusal `email.demanded` */
function refuseEvading(spaces: readonly Space[], { email: before }: Person, email: string): void {
  for (const { demands } of spaces) {
    const { domains = [] } = demands.people?.provider ?? {};
    if (domains.includes(homeOf(before)) && !domains.includes(homeOf(email))) throw new Refusal("email.demanded");
  }
}
