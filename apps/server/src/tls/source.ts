import type { X509Certificate } from "node:crypto";
import type { Instant } from "@holdfast/kernel";
import type { CertificateInfo } from "./certificate.ts";

/** What a TLS server shows: the server's certificate first, then what leads to an authority. PEM. */
export type Identity = { readonly cert: string; readonly key: string; readonly leaf: X509Certificate };

/** Where the server's identity comes from: our own authority, or the operator's files. */
export interface Source {
  readonly kind: "builtIn" | "files";
  readonly identity: Identity;
  /** Whom clients have to trust beyond what their system trusts: current first, then coming, then the spare. */
  readonly authorities: readonly CertificateInfo[];
  /** Says whether `identity` or `authorities` is another one now. Refuses `tls.unusable` and then keeps what it had. */
  renew(now: Instant): Promise<boolean>;
  /** Calls back when it may be time to renew earlier than planned. */
  watch(changed: () => void): { close(): void };
  /** How the authorities are staged; `undefined` where they are somebody else's. */
  readonly staging: Staging | undefined;
}

/** What devices take their roots from, signed by roots that they trust already. */
export type Bundle = {
  /** Grows with each change; a device that knows one takes no older one. */
  readonly version: number;
  /** JSON: `purpose`, `instance`, `version` and `roots` in PEM. */
  readonly signed: string;
  readonly signatures: readonly {
    /** SHA-256 of the root's certificate, as in `CertificateInfo`. */
    readonly root: string;
    /** ECDSA with SHA-256 over the bytes of `signed`, in DER and base64: `openssl dgst -sha256 -verify` takes it. */
    readonly signature: string;
  }[];
};

/** To which root the platform goes over. */
export type Step = "coming" | "spare";

/** The platform's own authorities, each on its way from "made" to "past". */
export interface Staging {
  readonly bundle: Bundle;
  /** When the coming root takes over by itself, because the current one ends. */
  readonly switchesAt: Instant;
  /** Whether the spare's private key lies here, and not in a file that somebody keeps elsewhere. */
  isSpareHere(): Promise<boolean>;
  /**
   * From now on the coming root, or the spare, signs; those before it never do again.
   * @throws Refusal `roots.spareAway`
   */
  switchTo(step: Step, now: Instant): Promise<void>;
}
