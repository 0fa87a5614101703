/** The secret of a link that lets somebody in: it stands in the fragment, so that no server ever logs it. */
export const linkSecret = (kind: "setup" | "invitation" | "call-off", hash: string): string | undefined =>
  new RegExp(`^#?${kind}=([\\w-]+)$`).exec(hash)?.[1];
