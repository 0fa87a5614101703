import { Refusal, type Clock, type Id, type Instant, type Random } from "@holdfast/kernel";
import { asCaller, usersIn, whoIs } from "../application-users/index.ts";
import type { Caller, Permit, Space, Spaces } from "../authority/index.ts";
import type { Letter } from "../identity/index.ts";
import type { Storage, Unit } from "../storage/index.ts";
import * as nouns from "./claim.ts";
import type { Claim } from "./claim.ts";
import { newCode, parseCode } from "./code.ts";
import { claimsIn, codeIndex, type Kept } from "./postgres.ts";
import { noticeIn } from "./notices.ts";
import type { CodeAttempts } from "./attempts.ts";

type Needs = {
  readonly storage: Storage;
  readonly spaces: Spaces;
  readonly registry: {
    /** Within a unit: whose it is from now on. */
    ownIn(unit: Unit, device: Id<"device">, user: Id<"user"> | undefined): Promise<void>;
  };
  readonly attempts: CodeAttempts;
  readonly post: { send(letter: Letter): Promise<boolean> };
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
    const { of, letter } = await this.#needs.storage.change(asCaller(caller), async (unit) => {
      const found = await this.#byCode(unit, caller, text);
      if (!found) throw new Refusal("claim.invalid");
      const { kept, claim, isPrinted } = found;
      const owner = nouns.ownerOf(claim);
      const now = this.#needs.clock.now();
      const next = isPrinted ? nouns.claimPrinted(claim, id, now) : nouns.claimTransferred(claim, id, now);
      await claimsIn(unit).save({ ...kept, claim: next, transferIndex: undefined });
      await this.#needs.registry.ownIn(unit, kept.device, id);
      unit.audit({ what: "claim.claimed", about: kept.device, facts: { by: isPrinted ? "code" : "transfer" } });
      const { application } = whoIs(caller);
      const { device } = kept;
      const letter = owner && (await noticeIn(unit, { device, owner, application }, { kind: "deviceGone" }));
      return { of: { device, claim: next }, letter };
    });
    attempt.takeBack();
    if (letter) await this.#needs.post.send(letter);
    return of;
  }

  /** Answered alike whatever the code is. What it changes, the owner of the device sees. @throws Refusal `rate.exceeded` */
  async contest(caller: Caller, text: string, address: string): Promise<void> {
    const { id } = whoIs(caller);
    this.#needs.attempts.begin({ who: id, address, org: caller.org });
    // Its owner's time begins no sooner than the letter that tells her is kept.
    const letter = await this.#needs.storage.read(asCaller(caller), async (unit) =>
      this.#noticeOfContest(unit, caller, text),
    );
    if (letter) await this.#needs.post.send(letter);
    await this.#needs.storage.change(asCaller(caller), async (unit) => {
      const found = await this.#byCode(unit, caller, text);
      const next = found?.isPrinted ? nouns.contest(found.claim, id, this.#needs.clock.now()) : undefined;
      if (!found || !next || next === found.claim) {
        unit.audit({ what: "claim.contestIgnored", about: id });
        return;
      }
      await claimsIn(unit).save({ ...found.kept, claim: next, transferIndex: undefined });
      unit.audit({ what: "claim.contested", about: found.kept.device, facts: { by: id } });
    });
  }

  async #noticeOfContest(unit: Unit, caller: Caller, text: string): Promise<Letter | undefined> {
    const { id, application } = whoIs(caller);
    const found = await this.#byCode(unit, caller, text);
    const next = found?.isPrinted ? nouns.contest(found.claim, id, this.#needs.clock.now()) : undefined;
    if (!found || !next || next.standing.state !== "contested" || next === found.claim) return undefined;
    const { owner, dueAt } = next.standing;
    return noticeIn(unit, { device: found.kept.device, owner, application }, { kind: "deviceContested", dueAt });
  }

  /** Where a login is named, the code is good for that user alone, whether there is one or not. */
  async transfer(caller: Caller, device: Id<"device">, login: string | undefined): Promise<Shown> {
    const { clock, random } = this.#needs;
    const { application } = whoIs(caller);
    const code = newCode(random);
    const expiresAt = (clock.now() + nouns.transferLifetime) as Instant; // milliseconds both
    let letter: Letter | undefined;
    await this.#change(caller, device, "claim.transferOffered", async (unit, claim, owner) => {
      const to = login === undefined ? undefined : ((await usersIn(unit).byLogin(application, login))?.id ?? null);
      const transferIndex = codeIndex(unit, parseCode(code) ?? code);
      const next = nouns.transfer(claim, owner, to, clock.now());
      letter = await noticeIn(unit, { device, owner, application }, { kind: "deviceOffered", expiresAt });
      return { claim: next, transferIndex };
    });
    if (letter) await this.#needs.post.send(letter);
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
      return { claim: released };
    });
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
    return { kept, claim: nouns.ownedBy(kept.claim, this.#space(unit)?.devices.get(device)?.user) };
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
