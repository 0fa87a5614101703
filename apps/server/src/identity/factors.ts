import { base32, newTotpSecret, stepOfCode, totpUri } from "@holdfast/crypto";
import { Refusal, type Clock, type Fault, type Id, type Instant, type Random, type Report } from "@holdfast/kernel";
import type { Factors as Held, Journal, Proof, Spaces } from "../authority/index.ts";
import type { InstanceUnit, Keyring, Storage } from "../storage/index.ts";
import { organisationsOf } from "./attempts.ts";
import { errandsIn, type Due, type Errand } from "./errands.ts";
import { factorsIn } from "./factor-rows.ts";
import { isUsable, personPasskeysIn } from "./passkey-rows.ts";
import { noteFactors, reconcileFactors } from "./factor-ruling.ts";
import { openOffer, sealOffer } from "./totp-offer.ts";
import { afterWrong, grouped, isTotpCode, newRecoveryCodes, plainCode } from "./totp.ts";

type Needs = {
  readonly storage: Storage;
  readonly keys: Keyring;
  readonly spaces: Spaces;
  readonly journal: Journal;
  readonly clock: Clock;
  readonly random: Random;
  readonly report: Report;
};

/** What somebody has to show who she is, beside her password. */
export type Kept = Held & {
  readonly totpSince: Instant | undefined;
  readonly recoveryCodes: number;
};

/** What a code turned out to be. */
type Outcome =
  | { readonly is: "right"; readonly proof: Proof }
  | { readonly is: "wrong" }
  | { readonly is: "needless" }
  | { readonly is: "early"; readonly until: Instant };

/** What people have to show who they are, beside their passwords: which, whether it is right, and how it comes and goes. */
export class Factors {
  readonly #needs: Needs;

  private constructor(needs: Needs) {
    this.#needs = needs;
  }

  /** Once what everybody has is known to the spaces. */
  static async open(needs: Needs): Promise<Factors> {
    const { storage, spaces, report } = needs;
    await reconcileFactors(needs);
    const [codes, passkeys] = await storage.instance.read(async (unit) => [
      await factorsIn(unit, needs).everybody(),
      await personPasskeysIn(unit, needs).everybody(),
    ]);
    const [totp, passkey] = [new Set(codes.people), new Set(passkeys.people)];
    for (const person of totp.union(passkey))
      spaces.setFactors(person, { totp: totp.has(person), passkey: passkey.has(person) });
    const altered = codes.altered + passkeys.altered;
    if (altered > 0)
      report(`${altered} second factors of people do not open, so they are worth nothing: their rows were altered.`, {
        level: "error",
        code: "seal.broken",
      });
    return new Factors(needs);
  }

  async of(person: Id<"person">): Promise<Kept> {
    return this.#needs.storage.instance.read((unit) => this.#in(unit, person));
  }

  /** To be called after whatever adds or removes a factor of hers: every organisation that demands one is told. */
  async changed(person: Id<"person">): Promise<void> {
    const { totp, passkey } = await this.of(person);
    this.#needs.spaces.setFactors(person, { totp, passkey });
  }

  /**
   * What she shows beside her right password. Nothing where she has nothing: then the password is all there is.
   * @throws Refusal `factor.required`, which names what she has; `factor.invalid`, `factor.slowed`
   */
  async beside(person: Id<"person">, code: string | undefined): Promise<readonly Proof[]> {
    const { storage, clock } = this.#needs;
    if (code === undefined) {
      const kept = await this.of(person);
      if (kept.totp || kept.passkey) throw new Refusal("factor.required", { faults: waysOf(kept) });
      return [];
    }
    const orgs = await organisationsOf(this.#needs, person);
    const outcome = await storage.instance.change(async (unit) => {
      const looked = await this.#look(unit, person, plainCode(code), clock.now());
      if (looked.is === "right" && looked.proof === "recoveryCode") await noteFactors(this.#needs, unit, person, orgs);
      return looked;
    });
    switch (outcome.is) {
      case "right":
        return [outcome.proof];
      case "needless":
        return [];
      case "wrong":
        throw new Refusal("factor.invalid");
      case "early":
        throw new Refusal("factor.slowed", { retryAfterSeconds: Math.ceil((outcome.until - clock.now()) / 1_000) });
    }
  }

  /** A code that is wrong is counted, so this answers and does not throw. */
  async #look(unit: InstanceUnit, person: Id<"person">, code: string, now: Instant): Promise<Outcome> {
    const rows = factorsIn(unit, this.#needs);
    const totp = await rows.take(person);
    if (!isTotpCode(code)) {
      if (await rows.useCode(person, code)) return { is: "right", proof: "recoveryCode" };
      return { is: totp || (await this.#in(unit, person)).passkey ? "wrong" : "needless" };
    }
    if (!totp) return { is: (await this.#in(unit, person)).passkey ? "wrong" : "needless" };
    if (now < totp.nextAt) return { is: "early", until: totp.nextAt };
    const step = stepOfCode(totp.secret, code, now);
    if (step === undefined) {
      await rows.wasWrong(person, afterWrong(totp, now));
      return { is: "wrong" };
    }
    return (await rows.use(person, step)) ? { is: "right", proof: "totp" } : { is: "wrong" };
  }

  /** A new secret for her app, which is nothing until she shows a code of it. */
  offerTotp(person: Id<"person">, named: { readonly issuer: string; readonly account: string }) {
    const secret = newTotpSecret(this.#needs.random);
    return {
      secret: grouped(base32(secret)),
      uri: totpUri(secret, named),
      ...sealOffer(this.#needs, person, secret),
    };
  }

  /**
   * In place of one that she had. Answers with new recovery codes, told this once, and the errand that follows.
   * @throws Refusal `factor.offer`, `factor.invalid`
   */
  async addTotp(
    person: Id<"person">,
    { offer, code }: { readonly offer: string; readonly code: string },
    errand: Errand,
  ): Promise<{ readonly codes: readonly string[]; readonly due: Due }> {
    const { storage, clock, random } = this.#needs;
    const { secret, offeredAt } = openOffer(this.#needs, person, offer);
    const createdAt = clock.now();
    const lastStep = stepOfCode(secret, plainCode(code), createdAt);
    if (lastStep === undefined) throw new Refusal("factor.invalid");
    const codes = newRecoveryCodes(random);
    const orgs = await organisationsOf(this.#needs, person);
    const due = await storage.instance.change(async (unit) => {
      const rows = factorsIn(unit, this.#needs);
      if (!(await rows.put(person, { secret, createdAt, lastStep, offeredAt }))) throw new Refusal("factor.offer");
      await rows.putCodes(person, codes.map(plainCode));
      await noteFactors(this.#needs, unit, person, orgs);
      return errandsIn(unit, this.#needs).add(errand);
    });
    await this.changed(person);
    return { codes, due };
  }

  /** Answers with the errand that follows. @throws Refusal `factor.none` */
  async removeTotp(person: Id<"person">, errand: Errand): Promise<Due> {
    const orgs = await organisationsOf(this.#needs, person);
    const due = await this.#needs.storage.instance.change(async (unit) => {
      const rows = factorsIn(unit, this.#needs);
      if (!(await rows.remove(person))) throw new Refusal("factor.none");
      // They stand in for a factor, and there is none any more.
      if (!(await this.#in(unit, person)).passkey) await rows.putCodes(person, []);
      await noteFactors(this.#needs, unit, person, orgs);
      return errandsIn(unit, this.#needs).add(errand);
    });
    await this.changed(person);
    return due;
  }

  /** Within the unit that added or removed a passkey. Recovery codes stand in for a factor, and go with the last. */
  async changedIn(unit: InstanceUnit, person: Id<"person">, orgs: readonly Id<"org">[]): Promise<void> {
    const { totp, passkey } = await this.#in(unit, person);
    if (!totp && !passkey) await factorsIn(unit, this.#needs).putCodes(person, []);
    await noteFactors(this.#needs, unit, person, orgs);
  }

  /** Within the unit that ends all that she has. */
  async removeAllIn(unit: InstanceUnit, person: Id<"person">, orgs: readonly Id<"org">[]): Promise<void> {
    const rows = factorsIn(unit, this.#needs);
    await rows.remove(person);
    await rows.putCodes(person, []);
    await noteFactors(this.#needs, unit, person, orgs);
  }

  /** In place of those that she had, told this once. Answers with the errand that follows, too. @throws Refusal `factor.none` */
  async renewCodes(person: Id<"person">): Promise<{ readonly codes: readonly string[]; readonly due: Due }> {
    const codes = newRecoveryCodes(this.#needs.random);
    const orgs = await organisationsOf(this.#needs, person);
    const due = await this.#needs.storage.instance.change(async (unit) => {
      const { totp, passkey } = await this.#in(unit, person);
      if (!totp && !passkey) throw new Refusal("factor.none");
      await factorsIn(unit, this.#needs).putCodes(person, codes.map(plainCode));
      await noteFactors(this.#needs, unit, person, orgs);
      return errandsIn(unit, this.#needs).add({ do: "tellFactors", person, what: "factor.codesRenewed" });
    });
    return { codes, due };
  }

  async #in(unit: InstanceUnit, person: Id<"person">): Promise<Kept> {
    const rows = factorsIn(unit, this.#needs);
    const totp = await rows.find(person);
    return {
      totp: totp !== undefined,
      passkey: (await personPasskeysIn(unit, this.#needs).of(person)).some(isUsable),
      totpSince: totp?.createdAt,
      recoveryCodes: await rows.codesLeft(person),
    };
  }
}

/** What she may show, for a page that asks for it. */
const waysOf = ({ totp, passkey, recoveryCodes }: Kept): readonly Fault[] => [
  ...(totp ? [{ path: "totp", message: "code: six digits of your authenticator app" }] : []),
  ...(passkey ? [{ path: "passkey", message: "passkey: the answer of one of your passkeys" }] : []),
  ...(recoveryCodes > 0 ? [{ path: "recoveryCode", message: "code: one of your recovery codes" }] : []),
];
