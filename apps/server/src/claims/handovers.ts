import { digestSecret } from "@holdfast/crypto";
import { idFrom, newId, Refusal, type Clock, type Id, type Random } from "@holdfast/kernel";
import { asPlatform, refusedBy, type Permit, type Space, type Spaces } from "../authority/index.ts";
import type { Registry } from "../registry/index.ts";
import type { Storage, Unit } from "../storage/index.ts";
import type { CodeAttempts } from "./attempts.ts";
import type { Shown } from "./claims.ts";
import { newCode, parseCode } from "./code.ts";
import { offer, take, type Handover, type Taken } from "./handover.ts";
import { handoversIn } from "./handover-rows.ts";

type Needs = {
  readonly storage: Storage;
  readonly spaces: Spaces;
  readonly registry: Pick<Registry, "makings" | "nameIn" | "retireIn">;
  readonly attempts: CodeAttempts;
  readonly clock: Clock;
  readonly random: Random;
};

type Wanted = { readonly code: string; readonly product: Id<"product"> | undefined; readonly address: string };

/** Devices that leave their organisation for another one, by its leave alone. Nothing of what they measured goes with them. */
export class Handovers {
  readonly #needs: Needs;
  /** Digests of the codes that are being taken: by two at once, each would make the device that the code is good for once. */
  readonly #taking = new Set<string>();

  constructor(needs: Needs) {
    this.#needs = needs;
  }

  /** The code for whoever is to have it, in place of any before. @throws Refusal `device.retired`, `handover.claimed` */
  async offer(permit: Permit<"device.retire">): Promise<Shown> {
    const { storage, clock, random } = this.#needs;
    storage.admit();
    const code = newCode(random);
    const handover = offer(clock.now());
    await storage.change(permit, async (unit) => {
      const placement = (await this.#space(unit)).device(permit.on);
      if (!placement || placement.state === "retired") throw new Refusal("device.retired");
      // It is not given away over the head of the customer whose it is.
      if (placement.user) throw new Refusal("handover.claimed");
      await handoversIn(unit).save({ device: permit.on, digest: digestOf(code), handover });
      unit.audit({ what: "handover.offered", about: permit.on });
    });
    return { code, expiresAt: handover.expiresAt };
  }

  /** What is under way, as the organisation that gives sees it; an offer that is over is none. */
  async read(permit: Permit<"device.read">): Promise<Handover | undefined> {
    const handover = await this.#needs.storage.read(permit, (unit) => handoversIn(unit).look(permit.on));
    const isOver = handover?.state === "offered" && this.#needs.clock.now() >= handover.expiresAt;
    return isOver ? undefined : handover;
  }

  /** The code is worth nothing from now on. */
  async withdraw(permit: Permit<"device.retire">): Promise<void> {
    await this.#needs.storage.change(permit, async (unit) => {
      const kept = await handoversIn(unit).of(permit.on);
      if (kept?.handover.state === "offered") await handoversIn(unit).remove(permit.on);
      unit.audit({ what: "handover.withdrawn", about: permit.on });
    });
  }

  /**
   * Ends the device where it is, with all that it comes by, and makes one of the same name here. What is cut off in between is finished by showing
   * the code again, in the same application, or in another one where that has ended since. @throws Refusal `handover.invalid`, `quota.exceeded`,
   * `product.unknown`, `rate.exceeded`
   */
  async take(permit: Permit<"device.create">, { code, product, address }: Wanted) {
    const { storage, attempts } = this.#needs;
    storage.admit();
    const attempt = attempts.begin({ who: permit.on, address, org: permit.scope.org });
    const digest = digestOf(code);
    const name = digest.toHex();
    if (this.#taking.has(name)) throw invalid(permit);
    this.#taking.add(name);
    try {
      const made = await this.#take(permit, digest, product);
      attempt.takeBack();
      return made;
    } finally {
      this.#taking.delete(name);
    }
  }

  async #take(permit: Permit<"device.create">, digest: Uint8Array, product: Wanted["product"]) {
    const { storage, spaces, registry, clock, random } = this.#needs;
    const { org } = permit.scope;
    const into = { org, application: permit.on, device: newId("device", random) };
    // What would be refused here is refused before anything ends there.
    await registry.makings.admit(permit, product);
    const here = await spaces.of(org);
    const hasEnded = (application: Id<"application">) => !here.hasApplication(application);
    const [row] = await storage.directory.call<{ org: string }>("org_of_handover", [digest]);
    const from = row && (await spaces.of(idFrom("org", row.org)));
    if (!from || from.stop) throw invalid(permit);
    const { name, device } = await storage.change(asPlatform(from.scope), async (unit) => {
      const kept = await handoversIn(unit).byDigest(digest);
      if (!kept) throw invalid(permit);
      const placement = from.device(kept.device);
      const isGone = !placement || placement.state === "retired";
      if (kept.handover.state === "offered" && isGone) throw invalid(permit);
      permit.askAgain(); // the unit is another organisation's
      const handover = taken(permit, () => take(kept.handover, into, clock.now(), hasEnded));
      await handoversIn(unit).save({ ...kept, handover });
      const isFirst = kept.handover.state === "offered";
      // By its row, which nobody else changes until the end: it may have become a customer's in this moment.
      if (isFirst && (await registry.retireIn(unit, kept.device)).user) throw invalid(permit);
      unit.audit({ what: isFirst ? "handover.taken" : "handover.resumed", about: kept.device });
      return { name: await registry.nameIn(unit, kept.device), device: handover.into.device };
    });
    const made = await registry.makings.arrive(permit, device, { name, product, alias: undefined, tags: {} });
    await storage.change(asPlatform(from.scope), async (unit) => {
      const kept = await handoversIn(unit).byDigest(digest);
      if (!kept) throw new Error("what was taken stays written down");
      await handoversIn(unit).save({ ...kept, handover: { state: "arrived" } });
      unit.audit({ what: "handover.arrived", about: kept.device });
    });
    return made;
  }

  #space({ scope }: Unit): Promise<Space> {
    return this.#needs.spaces.of(scope.org);
  }
}

// What is mistyped is looked up as well, so that it takes as long.
const digestOf = (text: string): Uint8Array => digestSecret(parseCode(text) ?? `- ${text}`);

function taken(permit: Permit<"device.create">, wanted: () => Taken): Taken {
  try {
    return wanted();
  } catch (error) {
    if (error instanceof Refusal) throw invalid(permit);
    throw error;
  }
}

/** Alike, whatever the code is; it leaves a trace with whoever tries. */
const invalid = (permit: Permit<"device.create">): Refusal =>
  refusedBy(permit, "device.create", permit.on, new Refusal("handover.invalid"));
