import { Refusal, type Clock, type Id, type Instant, type Random } from "@holdfast/kernel";
import { asCaller, usersIn, whoIs } from "../application-users/index.ts";
import type { Caller, Permit, Space, Spaces } from "../authority/index.ts";
import type { Storage, Unit } from "../storage/index.ts";
import * as nouns from "./claim.ts";
import type { Claim } from "./claim.ts";
import { newCode, parseCode } from "./code.ts";
import { claimsIn, codeIndex, type Kept } from "./postgres.ts";
import { noticesIn } from "./notice-rows.ts";
import type { Notice } from "./notices.ts";
import type { CodeAttempts } from "./attempts.ts";

type Needs = {
  readonly storage: Storage;
  readonly spaces: Spaces;
  readonly registry: {
    letGoIn(unit: Unit, gateway: Id<"device">, by: Id<"user">): Promise<void>;
    /** Within a unit: whose it is from now on. */
    ownIn(unit: Unit, device: Id<"device">, user: Id<"user"> | undefined): Promise<void>;
  };
  readonly attempts: CodeAttempts;
  readonly clock: Clock;
  readonly random: Random;
};

/** A claim and the device that it is about. */
export type Of = { readonly device: Id<"device">; readonly claim: Claim };
/** Shown this once. */
export type Shown = { readonly code: string; readonly expiresAt: Instant | undefined };

/** Whose devices become: by the code on the box, or by their owner's leave. */
export class Claims {
  readonly #needs: Needs;

  constructor(needs: Needs) {
    this.#needs = needs;
  }

  /** The code for its box, in place of any before. @param lifetime milliseconds */
  async print(permit: Permit<"device.bind">, lifetime: number | undefined): Promise<Shown> {
    const { storage, clock, random } = this.#needs;
    storage.admit();
    const code = newCode(random);
    return storage.change(permit, async (unit) => {
      const { kept, claim } = await this.#find(unit, permit.on);
      const expiresAt = lifetime === undefined ? undefined : ((clock.now() + lifetime) as Instant); // milliseconds both
      const printed = nouns.withPrinted(claim, expiresAt);
      await claimsIn(unit).save({ ...kept, claim: printed, printedIndex: codeIndex(unit, parseCode(code) ?? code) });
      unit.audit({ what: "claim.codeMade", about: permit.on });
      return { code, expiresAt };
    });
  }

  async read(permit: Permit<"device.read">): Promise<Claim> {
    await this.#needs.spaces.of(permit.scope.org);
    return this.#needs.storage.read(permit, async (unit) => (await this.#find(unit, permit.on)).claim);
  }

  /** Those of the user who is signed in. */
  async own(caller: Caller): Promise<readonly Of[]> {
    const { id } = whoIs(caller);
    const devices = [...caller.space.devices].filter(([, { user }]) => user === id).map(([device]) => device);
    return this.#needs.storage.read(asCaller(caller), async (unit) => {
      const found: Of[] = [];
      for (const device of devices) found.push({ device, claim: (await this.#find(unit, device)).claim });
      return found;
    });
  }

  /** With any code that makes a device hers. @throws Refusal `claim.invalid`, `rate.exceeded` */
  async claim(caller: Caller, text: string, address: string): Promise<Of> {
    const { id } = whoIs(caller);
    const attempt = this.#needs.attempts.begin({ who: id, address, org: caller.org });
    const of = await this.#needs.storage.change(asCaller(caller), async (unit) => {
      const found = await this.#byCode(unit, caller, text);
      if (!found) throw new Refusal("claim.invalid");
      const { kept, claim, isPrinted } = found;
      const owner = nouns.ownerOf(claim);
      const now = this.#needs.clock.now();
      const next = isPrinted ? nouns.claimPrinted(claim, id, now) : nouns.claimTransferred(claim, id, now);
      this.#needs.attempts.changesHands(kept.device);
      await claimsIn(unit).save({ ...kept, claim: next, transferIndex: undefined });
      await this.#needs.registry.ownIn(unit, kept.device, id);
      unit.audit({ what: "claim.claimed", about: kept.device, facts: { by: isPrinted ? "code" : "transfer" } });
      const { device } = kept;
      if (owner) await this.#noteIn(unit, caller, { device, owner, happening: { kind: "deviceGone" } });
      return { device, claim: next };
    });
    attempt.takeBack();
    return of;
  }

  /** Answered alike whatever the code is. What it changes, the owner of the device sees. @throws Refusal `rate.exceeded` */
  async contest(caller: Caller, text: string, address: string): Promise<void> {
    const { id } = whoIs(caller);
    this.#needs.attempts.begin({ who: id, address, org: caller.org });
    await this.#needs.storage.change(asCaller(caller), async (unit) => {
      const found = await this.#byCode(unit, caller, text);
      const next = found?.isPrinted ? nouns.contest(found.claim, id, this.#needs.clock.now()) : undefined;
      if (!found || next?.standing.state !== "contested" || next === found.claim) {
        unit.audit({ what: "claim.contestIgnored", about: id });
        return;
      }
      const { device } = found.kept;
      const { owner, dueAt } = next.standing;
      await claimsIn(unit).save({ ...found.kept, claim: next, transferIndex: undefined });
      await this.#noteIn(unit, caller, { device, owner, happening: { kind: "deviceContested", dueAt } });
      unit.audit({ what: "claim.contested", about: device, facts: { by: id } });
    });
  }

  /** Where a login is named, the code is good for that user alone, whether there is one or not. @throws Refusal `rate.exceeded`, `claim.contested` */
  async transfer(caller: Caller, device: Id<"device">, login: string | undefined): Promise<Shown> {
    const { attempts, clock, random } = this.#needs;
    const { application } = whoIs(caller);
    const code = newCode(random);
    const expiresAt = (clock.now() + nouns.transferLifetime) as Instant; // milliseconds both
    await this.#change(caller, device, "claim.transferOffered", async (unit, claim, owner) => {
      const to = login === undefined ? undefined : ((await usersIn(unit).byLogin(application, login))?.id ?? null);
      const transferIndex = codeIndex(unit, parseCode(code) ?? code);
      const next = nouns.transfer(claim, owner, to, clock.now());
      attempts.isOffered(device);
      await this.#noteIn(unit, caller, { device, owner, happening: { kind: "deviceOffered", expiresAt } });
      return { claim: next, transferIndex };
    });
    return { code, expiresAt };
  }

  async keep(caller: Caller, device: Id<"device">): Promise<void> {
    await this.#change(caller, device, "claim.transferWithdrawn", async (_unit, claim, owner) => ({
      claim: nouns.keep(claim, owner),
    }));
  }

  async object(caller: Caller, device: Id<"device">): Promise<void> {
    await this.#change(caller, device, "claim.objected", async (_unit, claim, owner) => ({
      claim: nouns.object(claim, owner),
    }));
  }

  async release(caller: Caller, device: Id<"device">): Promise<void> {
    await this.#change(caller, device, "claim.released", async (unit, claim, owner) => {
      const released = nouns.release(claim, owner);
      await this.#needs.registry.ownIn(unit, device, undefined);
      await this.#needs.registry.letGoIn(unit, device, owner);
      return { claim: released };
    });
  }

  /** Within the unit in which its organisation makes it somebody's or nobody's: what was under way is over, also where it is the same owner's again. */
  async boundIn(unit: Unit, device: Id<"device">, user: Id<"user"> | undefined): Promise<void> {
    const kept = await claimsIn(unit).find(device);
    if (kept.claim.standing.state === "unclaimed") return;
    const claim = nouns.ownedBy({ ...kept.claim, standing: { state: "unclaimed" } }, user);
    await claimsIn(unit).save({ ...kept, claim, transferIndex: undefined });
  }

  /** Her letter is written down with what it is about, so that neither is without the other. */
  #noteIn(unit: Unit, caller: Caller, notice: Omit<Notice, "application">): Promise<void> {
    const { application } = whoIs(caller);
    return noticesIn(unit).add({ ...notice, application }, this.#needs.random);
  }

  async #change(
    caller: Caller,
    device: Id<"device">,
    what: string,
    change: (
      unit: Unit,
      claim: Claim,
      owner: Id<"user">,
    ) => Promise<{ readonly claim: Claim; readonly transferIndex?: Uint8Array }>,
  ): Promise<void> {
    const { id } = whoIs(caller);
    await this.#needs.storage.change(asCaller(caller), async (unit) => {
      const { kept, claim } = await this.#find(unit, device);
      const next = await change(unit, claim, id);
      await claimsIn(unit).save({ ...kept, claim: next.claim, transferIndex: next.transferIndex });
      unit.audit({ what, about: device });
    });
  }

  /** As it stands, whatever became of its owner since: a device that is not there any more is nobody's. */
  async #find(unit: Unit, device: Id<"device">): Promise<{ readonly kept: Kept; readonly claim: Claim }> {
    const kept = await claimsIn(unit).find(device);
    const owned = nouns.ownedBy(kept.claim, this.#space(unit)?.devices.get(device)?.user);
    return { kept, claim: nouns.asOf(owned, this.#needs.clock.now()) };
  }

  async #byCode(unit: Unit, { space, credential }: Caller, text: string) {
    // What is mistyped is looked up as well, so that it takes as long.
    const found = await claimsIn(unit).byCode(codeIndex(unit, parseCode(text) ?? `- ${text}`));
    const placement = found && space.devices.get(found.kept.device);
    if (!placement || placement.application !== credential.application || placement.state === "retired")
      return undefined;
    return { ...found, claim: nouns.ownedBy(found.kept.claim, placement.user) };
  }

  #space(unit: Unit): Space | undefined {
    return this.#needs.spaces.at(unit.scope.org);
  }
}
