/** Who a device is by a certificate: PEM, and what it calls itself. */
export type Shown = { readonly cert: string; readonly key: string; readonly name: string };

/** A key pair that was made here, and the certificate that the platform issues for it. On Node `openIdentity` of `@holdfast/device/node` is one. */
export interface Identity {
  /** What it shows; enrols first where it has no certificate yet, or none that is valid. */
  present(): Promise<Shown>;
  /** Gets the next certificate where it is time. Answers whether it did. */
  renewIfDue(): Promise<boolean>;
  /** The platform does not know what it showed: it was put back from a backup, say. */
  refused?(): void;
}
