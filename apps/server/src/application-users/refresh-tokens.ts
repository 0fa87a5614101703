import { digestSecret, isSecret } from "@holdfast/crypto";
import { idFrom, Refusal, type Clock, type Id } from "@holdfast/kernel";
import { asPlatform, upkeepIn, type Revocation, type Spaces } from "../authority/index.ts";
import type { Storage, Unit } from "../storage/index.ts";
import { endSession } from "./ending.ts";
import { sessionsIn } from "./postgres.ts";

type Needs = {
  readonly storage: Storage;
  readonly spaces: Spaces;
  readonly revocation: Revocation;
  readonly clock: Clock;
};

/** Of a session that is not over. */
type Owned = {
  readonly about: Id<"session">;
  tell(facts: Facts): Promise<void>;
  end(): Promise<void>;
};

type Facts = { readonly where: "url" | "topic" | "filter"; readonly address: string };

/** Refresh tokens that stood where others may have read them. */
export class RefreshTokens {
  readonly #needs: Needs;

  constructor(needs: Needs) {
    this.#needs = needs;
  }

  /** Of which session it is, or was: whoever shows an older one ends it. */
  async owned(text: string): Promise<Owned | undefined> {
    const { storage, spaces } = this.#needs;
    if (!isSecret(text, "refresh")) return undefined;
    const digest = digestSecret(text);
    const [row] = await storage.directory.call<{ org: string }>("org_of_refresh", [digest]);
    if (!row) return undefined;
    const allowed = asPlatform((await spaces.of(idFrom("org", row.org))).scope);
    const about = await storage.read(allowed, (unit) => sessionsIn(unit).ofRefresh(digest));
    if (about === undefined) return undefined;
    return {
      about,
      tell: (facts) => storage.change(allowed, (unit) => this.#exposed(unit, about, facts)),
      end: () => storage.change(allowed, (unit) => this.#leaked(unit, about)),
    };
  }

  /** Somebody handed it in. */
  async #leaked(unit: Unit, id: Id<"session">): Promise<void> {
    const session = await sessionsIn(unit).take(id);
    if (!session) return; // it has ended meanwhile
    unit.audit({ what: "applicationUser.leaked", about: session.user, facts: { session: id } });
    await endSession(this.#needs, unit, session);
  }

  /** The session is flagged, and ended where its organisation wants that of all that is exposed. */
  async #exposed(unit: Unit, id: Id<"session">, { where, address }: Facts): Promise<void> {
    const session = await sessionsIn(unit).take(id);
    if (!session) throw new Refusal("credential.invalid"); // it has ended meanwhile
    const { endExposed } = await upkeepIn(unit).own();
    const facts = { session: id, where, address, ...(endExposed && { ended: "all" }) };
    unit.audit({ what: "applicationUser.exposed", about: session.user, facts });
    if (endExposed) return endSession(this.#needs, unit, session);
    await sessionsIn(unit).save({ ...session, exposedAt: this.#needs.clock.now() });
  }
}
