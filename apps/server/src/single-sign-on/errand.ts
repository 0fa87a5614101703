import { associated, open, seal } from "@holdfast/crypto";
import { isRefusal, Refusal, type Clock, type Id, type Random } from "@holdfast/kernel";
import type { Questions } from "../outbound/index.ts";
import type { Keyring } from "../storage/index.ts";

/** Why somebody was sent to a provider, and all that her way back has to match. */
export type Errand = Questions & {
  readonly org: Id<"org">;
  readonly provider: Id<"provider">;
  /** The provider is the one that it was then. */
  readonly since: number;
  /** Below it are the pages of this platform, as her browser knows it. */
  readonly origin: string;
  readonly isFresh: boolean;
  /** Where she goes then. */
  readonly to?: string | undefined;
  readonly why:
    | { readonly kind: "signIn" }
    /** She brings an invitation. */
    | { readonly kind: "invitation"; readonly secret: string }
    /** She is signed in by her own means, and wants to come by the provider as well. */
    | { readonly kind: "link"; readonly person: Id<"person"> };
};

type Needs = { readonly keys: Keyring; readonly clock: Clock; readonly random: Random };

const lifetime = 10 * 60_000; // milliseconds
const mostUsed = 100_000;

/** Not `errand`, which is what is done for somebody's account a moment later (identity/errands.ts). */
const purpose = "provider-errand";

/**
 * Errands are kept by the browsers that run them, sealed: strangers who begin one fill no table with it. One ends once: which have ended is
 * remembered for as long as they would be good.
 */
export class Errands {
  readonly #needs: Needs;
  /** By state, until when. */
  readonly #ended = new Map<string, number>();

  constructor(needs: Needs) {
    this.#needs = needs;
  }

  /** What no other errand has. */
  questions(): Questions {
    const text = () => this.#needs.random.bytes(32).toBase64({ alphabet: "base64url", omitPadding: true });
    return { state: text(), nonce: text(), verifier: text() };
  }

  begin(errand: Errand): string {
    const { keys, clock, random } = this.#needs;
    const body = { ...errand, until: clock.now() + lifetime };
    const sealed = seal(keys.instanceKey(purpose), place, new TextEncoder().encode(JSON.stringify(body)), random);
    return sealed.toBase64({ alphabet: "base64url", omitPadding: true });
  }

  /** What the browser kept. Whatever comes of it, it is over now. @throws Refusal `provider.stale` */
  end(text: string | undefined): Errand {
    const now = this.#needs.clock.now();
    for (const [state, until] of this.#ended) {
      if (until > now && this.#ended.size < mostUsed) break; // the oldest stand first
      this.#ended.delete(state);
    }
    const { until, ...errand } = this.#open(text);
    if (until <= now || this.#ended.has(errand.state)) throw new Refusal("provider.stale");
    this.#ended.set(errand.state, until);
    return errand;
  }

  #open(text: string | undefined): Errand & { readonly until: number } {
    try {
      const sealed = Uint8Array.fromBase64(text ?? "", { alphabet: "base64url" });
      return JSON.parse(new TextDecoder().decode(open(this.#needs.keys.instanceKey(purpose), place, sealed))) as never; // sealed by `begin`
    } catch (error) {
      const isNone = error instanceof SyntaxError || isRefusal(error, "seal.broken");
      throw isNone ? new Refusal("provider.stale", { cause: error }) : error;
    }
  }
}

const place = associated({ org: "instance", kind: purpose, row: "", version: 0 });
