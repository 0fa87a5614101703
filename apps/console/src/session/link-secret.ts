type Kind = "setup" | "invitation" | "call-off" | "reset" | "verify";

/** The secret of a link that was sent to somebody: it stands in the fragment, so that no server ever logs it. */
export const linkSecret = (kind: Kind, hash: string): string | undefined =>
  new RegExp(`^#?${kind}=([\\w-]+)$`).exec(hash)?.[1];
