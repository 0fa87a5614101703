import type { PublicKey } from "@holdfast/crypto";
import { Refusal } from "@holdfast/kernel";
import type { Authentication, Births, Caller, Came, Known, Session, Sessions } from "../../authority/index.ts";
import type { Guard } from "../guard.ts";
import { credentialText } from "./credential-text.ts";
import { cookieIn, orgIn, refuseForeign, type Headers } from "./cookie.ts";

type Needs = {
  readonly authentication: Authentication;
  readonly births: Births;
  readonly sessions: Sessions;
  /** Which hosts are ours: a proof for another is somebody else's who passes it on. */
  readonly certificates: { isFor(host: string): boolean };
  readonly guard: Guard;
};

/** A request, as far as it says who asks. */
export type Asking = {
  readonly headers: Headers;
  readonly address: string;
  readonly came: Came;
  readonly method: string;
  readonly path: string;
  /** Where a birth certificate counts: what the address says, or nothing; `undefined` where none does. */
  readonly birthAt?: string;
  /** It only looks: a page of another site that makes a browser ask learns nothing and does nothing. */
  readonly isSafe: boolean;
};

/** Who asks over HTTP: by a credential in a header, or by the cookie of a session, which counts only where a page of our own asks. */
export class Entrance {
  readonly #needs: Needs;

  constructor(needs: Needs) {
    this.#needs = needs;
  }

  /** @throws Refusal `credential.…`, `origin.foreign`, `org.unknown`, `request.malformed` */
  async caller(asking: Asking): Promise<Caller> {
    const { authentication, sessions, guard } = this.#needs;
    const { headers, address, came } = asking;
    const cookie = cookieOf(asking);
    const text = credentialText(headers);
    if (cookie === undefined) {
      const { certificate } = came;
      if (text === undefined && certificate) {
        const known = () => this.#shown(certificate, asking.birthAt);
        return guard.admit(address, async () => authentication.admit(await known(), came));
      }
      if (text === undefined) throw new Refusal("credential.missing");
      if (!isProved(headers)) return guard.admit(address, () => authentication.byText(text, came));
      const request = { proof: proofIn(headers), method: asking.method, url: this.#urlOf(asking) };
      return guard.admit(address, () => authentication.byProof(text, came, request));
    }
    return guard.admit(address, async () => sessions.callerIn(cookie, orgIn(headers), came));
  }

  /** One that a device signs in with goes first where the address says nothing of an organisation. @throws Refusal `credential.invalid` */
  async #shown(certificate: Uint8Array, birthAt: string | undefined): Promise<Known> {
    const { authentication, births } = this.#needs;
    const born = birthAt === undefined ? undefined : await births.shown(certificate, birthAt);
    return born ?? authentication.shownCertificate(certificate);
  }

  /** Where a cookie says who asks. @throws Refusal `confirmation.required` */
  async refuseUnconfirmed(asking: Asking): Promise<void> {
    const { sessions } = this.#needs;
    const cookie = cookieOf(asking);
    if (cookie !== undefined) await sessions.refuseUnconfirmed(cookie);
  }

  /** By the key that is published with pages, which stands in the address. @throws Refusal as `caller` */
  async page(text: string, { address, came }: Pick<Asking, "address" | "came">): Promise<Caller> {
    return this.#needs.guard.admit(address, () => this.#needs.authentication.byText(text, came));
  }

  /** The key of a proof that came with what asks for a credential; `undefined` where none came. @throws Refusal `proof.invalid`, `proof.nonce` */
  boundTo(asking: Asking): PublicKey | undefined {
    if (asking.headers["dpop"] === undefined) return undefined;
    const request = { proof: proofIn(asking.headers), method: asking.method, url: this.#urlOf(asking) };
    return this.#needs.authentication.keyOf(request);
  }

  /** For the next proof of a key. */
  get nonce(): string {
    return this.#needs.authentication.nonce;
  }

  /** As the client wrote it, where the host is one of ours. */
  #urlOf({ headers, path }: Asking): string | undefined {
    const written = headers[":authority"] ?? headers["host"];
    const url = typeof written === "string" ? `https://${written}${path}` : "";
    if (!URL.canParse(url)) return undefined;
    const { host, hostname, pathname } = new URL(url);
    return this.#needs.certificates.isFor(hostname) ? `https://${host}${pathname}` : undefined;
  }

  /** The session itself, whichever organisations it is good in; to ask about it is no sign of life. @throws Refusal `credential.…`, `origin.foreign` */
  async session(asking: Asking): Promise<Session> {
    const cookie = cookieOf(asking);
    if (cookie === undefined) throw new Refusal("credential.missing");
    return this.#needs.guard.admit(asking.address, () => this.#needs.sessions.byCookie(cookie));
  }
}

/** The cookie, if it counts. @throws Refusal `credential.invalid`, `origin.foreign` */
export function cookieOf({ headers, isSafe }: Asking): string | undefined {
  const cookie = cookieIn(headers);
  if (cookie === undefined) return undefined;
  refuseForeign(headers, isSafe ? "where it is sent" : "demanded");
  if (credentialText(headers) !== undefined) {
    throw new Refusal("credential.invalid", { detail: "A cookie and another credential were sent: show one of them." });
  }
  return cookie;
}

/** Whether the credential came by the scheme whose proofs are looked at. A proof beside another scheme proves nothing, and is not asked for. */
const isProved = ({ authorization }: Headers): boolean => /^DPoP /i.test(authorization?.toString() ?? "");

/** RFC 9449, 4.3: one, and no more. Several are joined by a comma, which is in none. */
const proofIn = ({ dpop }: Headers): string => (typeof dpop === "string" ? dpop : "");
