/** An object of JSON. */
export type Document = Readonly<Record<string, unknown>>;

const isDocument = (value: unknown): value is Document =>
  typeof value === "object" && value !== null && !Array.isArray(value);

export function documentIn(text: string): Document | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isDocument(value) ? value : undefined;
  } catch {
    return undefined; // it is being typed
  }
}

/** What has to be merged into the one so that it is the other (RFC 7396). */
export function patchBetween(before: Document, after: Document): Document {
  const patch: Record<string, unknown> = {};
  for (const name of Object.keys(before)) if (!Object.hasOwn(after, name)) patch[name] = null;
  for (const [name, value] of Object.entries(after)) {
    const was = before[name];
    if (isDocument(was) && isDocument(value)) {
      const within = patchBetween(was, value);
      if (Object.keys(within).length > 0) patch[name] = within;
    } else if (JSON.stringify(was) !== JSON.stringify(value)) patch[name] = value;
  }
  return patch;
}
