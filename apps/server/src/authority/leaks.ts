import { timingSafeEqual } from "node:crypto";
import { parseSocketSecret, type SocketSecret } from "@holdfast/crypto";
import { isRefusal, Refusal, type Clock, type Instant } from "@holdfast/kernel";
import { presets } from "@holdfast/protocol";
import type { Allowed, Storage, Unit } from "../storage/index.ts";
import type { Authentication, Known } from "./authentication.ts";
import type { Credential, Exposed } from "./credential.ts";
import { authorityIn } from "./postgres.ts";
import type { Revocation } from "./revocation.ts";
import type { Rulings } from "./rulings.ts";
import { noteSecret } from "./secret-ruling.ts";
import { isSame } from "./secrets.ts";
import type { SocketAddresses } from "./socket-addresses.ts";
import { asPlatform, type Spaces } from "./spaces.ts";
import { upkeepIn } from "./upkeep.ts";

type Needs = {
  readonly storage: Storage;
  readonly spaces: Spaces;
  readonly authentication: Authentication;
  readonly socketAddresses: SocketAddresses;
  readonly revocation: Revocation;
  readonly rulings: Rulings;
  readonly clock: Clock;
};

/** Secrets that others have seen. Whoever they belong to reads it with the credential and in the audit log. */
export class Leaks {
  readonly #needs: Needs;

  constructor(needs: Needs) {
    this.#needs = needs;
  }

  /** Somebody hands in a whole token, a key's id and secret, or that of a direct socket: who has it may end it, and learns nothing else, not even whether it did. */
  async reported(text: string): Promise<void> {
    try {
      const ofSocket = parseSocketSecret(text.trim());
      const known = ofSocket ? await this.#ofSocket(ofSocket) : await this.#needs.authentication.shown(text.trim());
      await this.#change(known, asPlatform(known.space.scope), async (unit, credential, isFormer) => {
        const isNoSecret = presets[credential.kind].isPublic; // everybody can read it, and so could end it
        if (isNoSecret || credential.state === "revoked") throw new Refusal("credential.invalid");
        const facts = { ended: isFormer ? "formerSecret" : "all" };
        unit.audit({ what: "credential.leaked", about: credential.id, facts });
        if (isFormer) return this.#endFormer(unit, credential);
        await this.#needs.revocation.endIn(unit, { ...credential, leakedAt: this.#needs.clock.now() });
      });
    } catch (error) {
      if (!isRefusal(error, "credential.invalid")) throw error; // else there was nothing to end
    }
  }

  /**
   * A program hands its token in because it is done with it (RFC 7009): it ends, with what was made with it, and nothing is amiss. Only who holds it
   * can, and what is none is no matter.
   */
  async returned(text: string): Promise<void> {
    try {
      const { space, credential, shown } = await this.#needs.authentication.shown(text.trim());
      if (credential.kind !== "apiToken") return;
      const actor = {
        kind: "credential",
        id: credential.id,
        ...(credential.person && { person: credential.person }),
      } as const;
      await this.#change({ space, credential, shown }, { scope: space.scope, actor }, async (unit, found, isFormer) => {
        if (isFormer || found.state === "revoked") throw new Refusal("credential.invalid");
        unit.audit({ what: "credential.revoked", about: found.id });
        await this.#needs.revocation.endIn(unit, found);
      });
    } catch (error) {
      if (!isRefusal(error, "credential.invalid")) throw error; // else there was nothing to end
    }
  }

  /** It stood in a URL or a topic. It is flagged, and ended where its organisation wants that. @throws Refusal `credential.invalid` */
  async exposed(known: Known, { where, address }: { where: Exposed["where"]; address: string }): Promise<void> {
    await this.#change(known, asPlatform(known.space.scope), async (unit, credential, isFormer) => {
      const ends = credential.state === "active" && (await upkeepIn(unit).own()).endExposed;
      const facts = { where, address, ...(ends && { ended: isFormer ? "formerSecret" : "all" }) };
      unit.audit({ what: "credential.exposed", about: credential.id, facts });
      if (isFormer && ends) return this.#endFormer(unit, credential);
      const now = this.#needs.clock.now();
      const digest = (known.shown ?? credential.digest).toHex();
      const flagged: Credential = { ...credential, exposed: { at: now, where, digest } };
      if (ends) return this.#needs.revocation.endIn(unit, flagged);
      if (!isExposed(credential, now)) await this.#save(unit, { ...flagged, version: credential.version + 1 });
    });
  }

  /** Whose it is stands in it, as in every frame; only who has the rest as well may end it. @throws Refusal `credential.invalid` */
  async #ofSocket({ address, secret }: SocketSecret): Promise<Known> {
    const { spaces, authentication, socketAddresses } = this.#needs;
    const whose = socketAddresses.of(address);
    if (!whose) throw new Refusal("credential.invalid");
    const space = await spaces.of(whose.org).catch((error: unknown) => {
      if (isRefusal(error, "org.unknown")) throw new Refusal("credential.invalid");
      throw error;
    });
    const credential = await authentication.credential(space, whose.credential);
    if (!credential?.socket || !timingSafeEqual(Uint8Array.fromHex(credential.socket.secret), secret))
      throw new Refusal("credential.invalid");
    return { space, credential, shown: credential.digest };
  }

  /** As the row says, with what is shown looked at once more: it may have been replaced meanwhile. @throws Refusal `credential.invalid` */
  async #change(
    { credential: { id }, shown }: Known,
    by: Allowed,
    act: (unit: Unit, credential: Credential, isFormer: boolean) => Promise<void>,
  ): Promise<void> {
    await this.#needs.storage.change(by, async (unit) => {
      const credential = await authorityIn(unit).credentialToChange(id);
      const { digest, former } = credential ?? {};
      const isFormer = shown !== undefined && former !== undefined && isSame(shown, former.digest);
      const isCurrent = shown !== undefined && digest !== undefined && isSame(shown, digest);
      if (!credential || !(isCurrent || isFormer)) throw new Refusal("credential.invalid");
      await act(unit, credential, isFormer);
    });
  }

  /** What took its place is nobody else's. */
  async #endFormer(unit: Unit, credential: Credential): Promise<void> {
    const after: Credential = { ...credential, former: undefined, version: credential.version + 1 };
    await noteSecret(this.#needs.rulings, unit, after);
    return this.#save(unit, after);
  }

  async #save(unit: Unit, credential: Credential): Promise<void> {
    await authorityIn(unit).save(credential);
    unit.afterCommit(() => this.#needs.spaces.apply(unit.scope.org, (space) => space.replace(credential)));
  }
}

/** Whether a secret that it still has stood where others may have read it. */
export const isExposed = (
  { exposed, digest, former }: Pick<Credential, "exposed" | "digest" | "former">,
  now: Instant,
): boolean =>
  exposed !== undefined &&
  (exposed.digest === digest.toHex() ||
    (former !== undefined && now < former.endsAt && exposed.digest === former.digest.toHex()));
