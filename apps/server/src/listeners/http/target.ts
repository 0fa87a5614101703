/** The path of a request's target, which need not be one that a URL could be made of. */
export const pathOf = (url: string | undefined): string => (url ?? "").split("?", 1)[0] ?? "";
