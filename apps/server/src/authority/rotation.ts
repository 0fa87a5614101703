import { digestSecret, mintToken, newNonce, newSecret } from "@holdfast/crypto";
import { Refusal, rfc3339, type Clock, type CredentialId, type Instant, type Random } from "@holdfast/kernel";
import { presets, type CredentialKind } from "@holdfast/protocol";
import type { Storage, Unit } from "../storage/index.ts";
import { refuseAmplification, refuseWider } from "./amplification.ts";
import { callerOf, refusedBy, type Caller } from "./caller.ts";
import { nobody } from "./circumstances.ts";
import type { Credential, FormerSecret } from "./credential.ts";
import type { Permit } from "./permit.ts";
import { authorityIn } from "./postgres.ts";
import { compile } from "./power.ts";
import type { Rulings } from "./rulings.ts";
import { noteSecret } from "./secret-ruling.ts";
import { isSame, madeAtOf } from "./secrets.ts";
import type { Spaces } from "./spaces.ts";
import { claimsOf, type TokenKeys } from "./token-keys.ts";

type Needs = {
  storage: Storage;
  spaces: Spaces;
  tokenKeys: TokenKeys;
  rulings: Rulings;
  clock: Clock;
  random: Random;
};

/** What is shown this once, and until when the one before it is good as well. */
export type Rotated = {
  readonly id: CredentialId;
  readonly secret: string;
  readonly formerEndsAt: Instant | undefined;
};

/** Gives a credential another secret. What it may do, and until when, stays as it is. */
export class Rotation {
  readonly #needs: Needs;

  constructor(needs: Needs) {
    this.#needs = needs;
  }

  /** `overlap` in milliseconds. A former secret that is good still ends now: there are never three. */
  async rotate(permit: Permit<"credential.rotate">, id: CredentialId, overlap: number): Promise<Rotated> {
    const { storage, tokenKeys, clock } = this.#needs;
    const maker = callerOf(permit);
    const kid = await tokenKeys.kidFor(permit.scope.org);
    return storage.change(permit, async (unit) => {
      const rows = authorityIn(unit);
      const before = await rows.credentialToChange(id);
      if (!before) throw refusedBy(permit, "credential.rotate", id, new Refusal("credential.unknown"));
      refuseStrange(maker, before);
      const above = new Map((await rows.ancestorsOf([before])).map((one) => [one.id, one]));
      const now = clock.now();
      const power = compile(maker.space, before, nobody, now, (one) => above.get(one));
      // What is too old for the organisation's demands is young again by this.
      const isOver = power.end?.forGood === true || (power.latest !== undefined && now >= power.latest);
      const hasNone = before.kind === "session" || before.kind === "certificate" || before.enrols?.manufacturer;
      if (hasNone || before.kind === "socket" || isOver) throw new Refusal("credential.unrotatable");
      const secret = this.#secretFor(before.kind);
      const endsAt = (now + overlap) as Instant; // milliseconds both
      const former = { digest: before.digest, madeAt: madeAtOf(before), endsAt };
      const after = await this.replaceIn(unit, before, { digest: digestSecret(secret) }, former);
      const tokenOf = (nonce: string) =>
        mintToken({ key: tokenKeys.keyFor(unit.scope, kid), kid, claims: claimsOf(after, unit.scope.org, nonce) });
      const shown = before.kind === "apiToken" ? await tokenOf(secret) : secret;
      return { id, secret: shown, formerEndsAt: after.former?.endsAt };
    });
  }

  /**
   * Within a unit that has read it to change it: what is shown for it from now on, and which of those before that is good beside it for a
   * while. There are never three.
   */
  async replaceIn(
    unit: Unit,
    before: Credential,
    shown: Pick<Credential, "digest"> & Partial<Pick<Credential, "publicKey" | "issued">>,
    former: FormerSecret,
  ): Promise<Credential> {
    const { spaces, rulings, clock } = this.#needs;
    const { id } = before;
    const now = clock.now();
    const after: Credential = {
      ...before,
      ...shown,
      former: former.endsAt > now ? former : undefined,
      rotatedAt: now,
      version: before.version + 1,
    };
    await authorityIn(unit).save(after);
    await noteSecret(rulings, unit, after);
    const third = isSame(former.digest, before.digest)
      ? before.former
      : { digest: before.digest, endsAt: former.endsAt };
    const isThird = third !== undefined && third.endsAt > now;
    unit.audit({
      what: "credential.rotated",
      about: id,
      facts: {
        formerEndsAt: rfc3339(former.endsAt),
        ...(isThird && { alsoEnded: isSame(former.digest, before.digest) ? "the one before that" : "the one between" }),
        serial: shown.issued?.serial,
      },
    });
    const { org } = unit.scope;
    // Who is there by the former secret is asked about again, and ends when that does.
    unit.afterCommit(() => spaces.apply(org, (space) => space.replace(after)));
    return after;
  }

  /** Of a token the part that its row knows of. */
  #secretFor(kind: CredentialKind): string {
    const { random } = this.#needs;
    return kind === "apiToken" ? newNonce(random) : newSecret(random, presets[kind].isPublic ? "publishable" : "key");
  }
}

/**
 * Whoever is shown the new secret can do what the credential can, for as long as it lasts. So that nobody gains by it, that is who could
 * have made it so: itself or what made it; of what is a person's, that person herself; of what is nobody's, a person who signed in, and
 * of a device's key whoever may make another. @throws Refusal
 */
function refuseStrange(maker: Caller, credential: Credential): void {
  const { credential: own } = maker;
  if (own.id === credential.id) return;
  const isAbove = credential.makers.includes(own.id);
  const isHers = own.inPerson && (credential.person === undefined || credential.person === own.person);
  const isDevices = credential.device !== undefined && maker.mayDevice("device.mintKey", credential.device);
  if (!isAbove && !isHers && !isDevices) {
    const detail =
      "A credential is rotated by the person whose it is, when she signed in, or by what made it. Anybody who may can revoke it.";
    const refusal = new Refusal("permit.missing", { detail });
    throw maker.refuse("credential.rotate", credential.id, "it is another one's", refusal);
  }
  refuseAmplification(maker, credential.grants);
  refuseWider(maker, credential);
}
