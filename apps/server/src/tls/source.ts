import type { X509Certificate } from "node:crypto";
import type { Instant } from "@holdfast/kernel";
import type { CertificateInfo } from "./certificate.ts";

/** What a TLS server shows: the server's certificate first, then what leads to an authority. PEM. */
export type Identity = { readonly cert: string; readonly key: string; readonly leaf: X509Certificate };

/** Where the server's identity comes from: our own authority, or the operator's files. */
export interface Source {
  readonly kind: "builtIn" | "files";
  readonly identity: Identity;
  /** Whom clients have to trust beyond what their system trusts: current first, then coming. */
  readonly authorities: readonly CertificateInfo[];
  /** Says whether `identity` or `authorities` is another one now. Refuses `tls.unusable` and then keeps what it had. */
  renew(now: Instant): Promise<boolean>;
  /** Calls back when it may be time to renew earlier than planned. */
  watch(changed: () => void): { close(): void };
}
