import {
  digestForDpop,
  newNonce,
  readDpop,
  readFirstDpop,
  thumbprint,
  type DpopClaims,
  type PublicKey,
} from "@holdfast/crypto";
import { Refusal, type Clock, type CredentialId, type Random } from "@holdfast/kernel";

/** A request that a key speaks for (RFC 9449). */
export type DpopRequest = {
  readonly proof: string;
  readonly method: string;
  /** As the client addressed it, without query and fragment; `undefined` where that was no name of ours. */
  readonly url: string | undefined;
};

/** Nonces are good for one to two of these, in milliseconds. */
const life = 60_000;
/** Proofs that one nonce is good for. Beyond them there is another, so that what is remembered stays small and nothing is forgotten too early. */
const mostProofs = 50_000;
/** Seconds by which the clock of a client may differ from ours. */
const mostApart = 300;

type Said = Omit<DpopClaims, "ath">;

/** What is wrong with a proof, as far as its maker is told. */
export type WrongProof = "a wrong proof" | "a proof of another time";

type Round = { readonly nonce: string; readonly since: number; readonly used: Set<string> };

/** The nonces that proofs over HTTP have to hold, and which proofs were there already. In memory alone: after a start every nonce is another. */
export class Dpop {
  readonly #needs: { readonly clock: Clock; readonly random: Random };
  #current: Round;
  #last: Round | undefined;

  constructor(needs: { readonly clock: Clock; readonly random: Random }) {
    this.#needs = needs;
    this.#current = this.#begin();
  }

  /** For the next proof. */
  get nonce(): string {
    const passed = this.#needs.clock.elapsed() - this.#current.since;
    if (passed >= life || this.#current.used.size >= mostProofs) {
      this.#last = passed < 2 * life ? this.#current : undefined;
      this.#current = this.#begin();
    }
    return this.#current.nonce;
  }

  /**
   * What is wrong with it; `undefined` once for each proof.
   * @throws Refusal `proof.nonce` where only the nonce is missing or over
   */
  wrongIn(id: CredentialId, key: PublicKey, shown: string, request: DpopRequest): WrongProof | undefined {
    const claims = readDpop(request.proof, key);
    if (claims?.ath !== digestForDpop(shown)) return "a wrong proof";
    return this.#wrongIn(id, claims, request);
  }

  /** The key that signed, where what is asked for is yet to be bound to it. @throws Refusal as `wrongIn` */
  first(request: DpopRequest): PublicKey | WrongProof {
    const read = readFirstDpop(request.proof);
    return read ? (this.#wrongIn(thumbprint(read.key), read.claims, request) ?? read.key) : "a wrong proof";
  }

  #wrongIn(by: string, claims: Said, { method, url }: Pick<DpopRequest, "method" | "url">): WrongProof | undefined {
    if (url === undefined || claims.htm !== method || !isSameUrl(claims.htu, url)) return "a wrong proof";
    if (!this.#isOfNow(claims)) return "a proof of another time";
    const round = this.#roundOf(claims.nonce);
    if (!round) throw new Refusal("proof.nonce");
    const name = `${by} ${claims.jti}`;
    if (round.used.has(name)) return "a wrong proof";
    round.used.add(name);
    return undefined;
  }

  #isOfNow({ iat }: Said): boolean {
    return Math.abs(iat - this.#needs.clock.now() / 1_000) <= mostApart;
  }

  #roundOf(nonce: string | undefined): Round | undefined {
    if (nonce === undefined) return undefined;
    if (nonce === this.nonce) return this.#current;
    return nonce === this.#last?.nonce && this.#last.used.size < mostProofs ? this.#last : undefined;
  }

  #begin(): Round {
    const { clock, random } = this.#needs;
    return { nonce: newNonce(random), since: clock.elapsed(), used: new Set() };
  }
}

/** RFC 9449, 4.3: as RFC 3986 has it, without query and fragment. */
function isSameUrl(said: string, url: string): boolean {
  if (!URL.canParse(said)) return false;
  const { protocol, host, pathname, username, password } = new URL(said);
  return username === "" && password === "" && `${protocol}//${host}${pathname}` === url;
}
