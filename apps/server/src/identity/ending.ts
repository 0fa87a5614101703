import {
  because,
  idFrom,
  Refusal,
  rfc3339,
  type Clock,
  type Id,
  type Instant,
  type Random,
  type Report,
} from "@holdfast/kernel";
import { asPlatform, inPerson, type Permit, type Rulings, type Spaces } from "../authority/index.ts";
import type { Allowed, Keyring, Storage } from "../storage/index.ts";
import { ownersOf } from "./alerting.ts";
import { noteStanding, organisationsIn, standingOf, type Organisation } from "./organisation.ts";
import type { Post } from "./outbox.ts";

const day = 24 * 3_600_000;
/** How long an organisation waits between the word that it is to be deleted and its end, in milliseconds; and how long before that its owners hear of it again. */
const waiting = 7 * day;
const notice = day;

type Needs = {
  readonly storage: Storage;
  readonly spaces: Spaces;
  readonly rulings: Rulings;
  readonly keys: Keyring;
  readonly post: Post;
  /** Of the organisation's keys and rows nothing is left. */
  readonly erase: (org: Id<"org">) => Promise<void>;
  readonly clock: Clock;
  readonly random: Random;
  readonly report: Report;
};

/** By whom an organisation is stopped, or let go on: one of its owners, or whoever administers the instance. */
type By = Permit<"org.delete"> | Permit<"instance.manage">;

/** How organisations are stopped: suspended by the administrator of the instance, or deleted, which takes a while, and can be called off until then. */
export class Ending {
  readonly #needs: Needs;

  constructor(needs: Needs) {
    this.#needs = needs;
  }

  /** By an owner, who says what it is called. @throws Refusal `org.misnamed`, `org.ending` */
  async begin(permit: Permit<"org.delete">, name: string): Promise<Organisation> {
    inPerson(permit, "org.delete");
    return this.#begin(permit, permit.on, (organisation) => {
      if (organisation.name !== name.trim()) throw new Refusal("org.misnamed");
    });
  }

  /** By whoever administers the instance, and does not know what it is called. @throws Refusal `org.unknown`, `org.ending` */
  async beginFor(permit: Permit<"instance.manage">, org: Id<"org">): Promise<Instant> {
    inPerson(permit, "instance.manage");
    const { ending } = await this.#begin(permit, org);
    return ending.at;
  }

  /** By an owner. @throws Refusal `org.notEnding` */
  async callOff(permit: Permit<"org.delete">): Promise<Organisation> {
    inPerson(permit, "org.delete");
    return this.#callOff(permit, permit.on);
  }

  /** By whoever administers the instance. @throws Refusal `org.unknown`, `org.notEnding` */
  async callOffFor(permit: Permit<"instance.manage">, org: Id<"org">): Promise<void> {
    inPerson(permit, "instance.manage");
    await this.#callOff(permit, org);
  }

  /** Nobody may anything in it, at once. @throws Refusal `org.unknown`, `member.administrator` */
  async suspend(permit: Permit<"instance.manage">, org: Id<"org">): Promise<Organisation> {
    inPerson(permit, "instance.manage");
    await this.#refuseAdministering(org);
    return this.#change(permit, org, "org.suspended", (organisation) => ({ ...organisation, isSuspended: true }));
  }

  /** @throws Refusal `org.unknown`, `org.notSuspended` */
  async resume(permit: Permit<"instance.manage">, org: Id<"org">): Promise<Organisation> {
    inPerson(permit, "instance.manage");
    return this.#change(permit, org, "org.resumed", ({ isSuspended, ...organisation }) => {
      if (!isSuspended) throw new Refusal("org.notSuspended");
      return organisation;
    });
  }

  /** Called each hour: tells owners of what is near, and erases what is due. */
  async round(): Promise<void> {
    const { storage, clock } = this.#needs;
    const soon = clock.now() + notice;
    for (const row of await storage.directory.call<{ org: string; ends_at: string }>("orgs_ending", [])) {
      if (Number(row.ends_at) > soon) return; // the nearest ones come first
      const org = idFrom("org", row.org);
      await this.#turn(org).catch((error: unknown) => {
        // The others are not to wait for it, and it is tried again.
        this.#needs.report(`The organisation ${org} could not be deleted, or its owners told.`, because(error));
      });
    }
  }

  async #turn(org: Id<"org">): Promise<void> {
    const { storage, spaces, erase, clock, report } = this.#needs;
    const allowed = asPlatform((await spaces.of(org)).scope);
    const organisation = await storage.read(allowed, (unit) => organisationsIn(unit).own());
    const { ending } = organisation;
    if (!ending) return; // called off meanwhile
    if (clock.now() >= ending.at) {
      await erase(org);
      report(`The organisation ${org} was deleted, as had been asked for seven days before.`);
      return;
    }
    if (ending.isReminded) return;
    await this.#tell(organisation, ending.at);
    await storage.change(allowed, async (unit) => {
      const now = await organisationsIn(unit).own();
      unit.audit({ what: "org.deletionNear", about: org });
      if (!now.ending) return;
      const version = now.version + 1;
      await organisationsIn(unit).save({ ...now, version, ending: { ...now.ending, isReminded: true } });
    });
  }

  async #begin(by: By, org: Id<"org">, look: (organisation: Organisation) => void = () => {}) {
    await this.#refuseAdministering(org);
    const ending = { at: (this.#needs.clock.now() + waiting) as Instant }; // milliseconds both
    const organisation = await this.#change(by, org, "org.deletionBegun", (before) => {
      look(before);
      if (before.ending) throw new Refusal("org.ending");
      return { ...before, ending };
    });
    await this.#tell(organisation, ending.at);
    return { ...organisation, ending };
  }

  async #callOff(by: By, org: Id<"org">): Promise<Organisation> {
    return this.#change(by, org, "org.deletionCalledOff", ({ ending, ...organisation }) => {
      // Once it is due nobody knows what is left of it.
      if (!ending || this.#needs.clock.now() >= ending.at) throw new Refusal("org.notEnding");
      return organisation;
    });
  }

  /** It holds for whoever is connected, too, and after an older backup of the database. */
  async #change(
    by: By,
    org: Id<"org">,
    what: string,
    change: (organisation: Organisation) => Omit<Organisation, "version">,
  ): Promise<Organisation> {
    const { storage, spaces, rulings } = this.#needs;
    const { scope } = await spaces.of(org);
    const allowed: Allowed = { scope, actor: by.actor };
    return storage.change(allowed, async (unit) => {
      by.askAgain(); // it may have waited its turn
      const before = await organisationsIn(unit).own();
      const after: Organisation = { ...change(before), version: before.version + 1 };
      await organisationsIn(unit).save(after);
      const standing = standingOf(after);
      await noteStanding(rulings, unit, after);
      unit.audit({ what, about: org, ...(after.ending && { facts: { endsAt: rfc3339(after.ending.at) } }) });
      unit.afterCommit(() => spaces.apply(org, (space) => space.setStanding(standing)));
      return after;
    });
  }

  /** Nobody ends that the instance is administered by ending where it is done from. @throws Refusal `member.administrator` */
  async #refuseAdministering(org: Id<"org">): Promise<void> {
    const space = await this.#needs.spaces.of(org);
    if ([...space.members.keys()].some((person) => space.administrates(person)))
      throw new Refusal("member.administrator");
  }

  async #tell({ id, name }: Organisation, at: Instant): Promise<void> {
    const { spaces, post } = this.#needs;
    const owners = await ownersOf(this.#needs, await spaces.of(id));
    for (const { email } of owners) {
      await post.send({
        kind: "organisation",
        to: email,
        subject: `The organisation ${name} is going to be deleted`,
        lines: [
          `At ${rfc3339(at)} the organisation ${name} (${id}) is erased for ever, with all that it holds. Until then nobody comes in but its owners.`,
          "An owner who signs in can call that off, in the settings of the organisation.",
        ],
      });
    }
  }
}
