import { readLogoutToken } from "@holdfast/crypto";
import { isId, Refusal, type Clock, type Id, type Instant } from "@holdfast/kernel";
import { asPlatform, type Revocation } from "../authority/index.ts";
import { NotAccepted, Unreachable, type OpenId } from "../outbound/index.ts";
import type { Storage } from "../storage/index.ts";
import { Heeded } from "./heeded.ts";
import { leftOf, sidOf } from "./marks.ts";
import { subjectsIn } from "./postgres.ts";
import type { Open, SigningIn } from "./signing-in.ts";

type Needs = {
  readonly storage: Storage;
  readonly revocation: Revocation;
  readonly openId: OpenId;
  readonly signingIn: Pick<SigningIn, "open">;
  readonly clock: Clock;
};

const longestSession = 48 * 3_600_000; // milliseconds
const keysKept = 5 * 60_000;
const keysAtLeast = 30_000;
const mostKept = 1_000;

/** Somebody signed out at a provider, and it tells (OpenID Connect Back-Channel Logout 1.0). */
export class Leaving {
  readonly #needs: Needs;
  readonly #keys = new Map<Id<"provider">, { readonly set: unknown; readonly at: number }>();
  readonly #heeded: Heeded;

  constructor(needs: Needs) {
    this.#needs = needs;
    this.#heeded = new Heeded(needs);
  }

  /** @throws Refusal `request.malformed` for whatever is no such token of this provider */
  async heed(org: string, id: string, text: string): Promise<void> {
    const isNamed = isId("org", org) && isId("provider", id);
    const open = isNamed ? await this.#needs.signingIn.open(org, id) : undefined;
    const token = open && (await this.#read(open, text));
    if (!open || !token) {
      const message = "not a logout token of this provider";
      throw new Refusal("request.malformed", { faults: [{ path: "logout_token", message }] });
    }
    if (!this.#heeded.isNew(open.provider.id, token.jti)) return;
    const { storage, revocation, clock } = this.#needs;
    const { scope } = open.space;
    const { id: provider, issuer } = open.provider;
    const until = (clock.now() + longestSession) as Instant; // milliseconds both
    await storage.change(asPlatform(scope), async (unit) => {
      const { subject, sid } = token;
      const linked = subject === undefined ? undefined : await subjectsIn(unit).find(provider, { issuer, subject });
      unit.audit({ what: "provider.signedOut", about: linked?.person ?? provider, facts: { provider } });
      // A session that it names is the one that is over; else all of hers are.
      if (sid !== undefined) await revocation.in(unit, sidOf(scope, provider, sid), ["people"], until);
      else if (linked) await revocation.in(unit, leftOf(provider, linked.person), ["people"], until);
    });
  }

  async #read({ provider, registration }: Open, text: string) {
    const { clock } = this.#needs;
    const expected = { issuer: provider.issuer, audience: provider.clientId, now: clock.now() };
    const read = async (atMost: number) =>
      readLogoutToken(text, await this.#keysOf(provider.id, registration, atMost), expected);
    const token = await read(keysKept);
    const again = token === "unknownKey" ? await read(keysAtLeast) : token;
    return again === "unknownKey" ? undefined : again;
  }

  /** Not older than that: it may have got others since. */
  async #keysOf(id: Id<"provider">, registration: Open["registration"], atMost: number): Promise<unknown> {
    const now = this.#needs.clock.elapsed();
    const there = this.#keys.get(id);
    if (there && now - there.at < atMost) return there.set;
    try {
      const set = await this.#needs.openId.keysOf(registration);
      this.#keys.delete(id);
      this.#keys.set(id, { set, at: now });
      const [oldest] = this.#keys.keys();
      if (this.#keys.size > mostKept && oldest) this.#keys.delete(oldest);
      return set;
    } catch (error) {
      if (error instanceof Unreachable || error instanceof NotAccepted)
        throw new Refusal("provider.unreachable", { cause: error });
      throw error;
    }
  }
}
