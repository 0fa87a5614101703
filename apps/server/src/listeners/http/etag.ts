/** A thing's version in quotes: strong, because the version changes with anything that is shown (RFC 9110, 8.8.3). */
export const etagOf = (version: unknown): string | undefined =>
  typeof version === "number" ? `"${version}"` : undefined;

/**
 * The versions that If-Match names; `undefined` when any will do. What is no version of ours (a weak tag, somebody else's) matches
 * nothing, as RFC 9110, 13.1.1 wants.
 */
export function versionsIn(ifMatch: string | undefined): readonly number[] | undefined {
  if (ifMatch === undefined || ifMatch.trim() === "*") return undefined;
  return tagsIn(ifMatch)
    .filter((tag) => /^"\d{1,15}"$/.test(tag))
    .map((tag) => Number(tag.slice(1, -1)));
}

/** Whether If-None-Match says that the client has this already (RFC 9110, 13.1.2: compared weakly). */
export const isKnown = (ifNoneMatch: string | undefined, etag: string): boolean =>
  ifNoneMatch !== undefined &&
  (ifNoneMatch.trim() === "*" || tagsIn(ifNoneMatch).some((tag) => tag.replace(/^W\//, "") === etag));

const tagsIn = (list: string): readonly string[] => list.split(",").map((tag) => tag.trim());
