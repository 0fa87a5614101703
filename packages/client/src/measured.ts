/** A value as people read it in a line: a location by its coordinates, a document of JSON as its text. */
export function measuredText(value: unknown): string {
  if (typeof value === "string") return value;
  const place = typeof value === "object" && value !== null ? placeText(value) : undefined;
  return place ?? JSON.stringify(value);
}

/** `47.3769, 8.5417, 408 m high, within 5 m`; `undefined` where it is no location. */
function placeText(value: object): string | undefined {
  const fields = new Map<string, unknown>(Object.entries(value));
  const number = (name: string) => {
    const field = fields.get(name);
    fields.delete(name);
    return typeof field === "number" ? field : undefined;
  };
  const [latitude, longitude] = [number("latitude"), number("longitude")];
  const [altitude, accuracy] = [number("altitude"), number("accuracy")];
  if (latitude === undefined || longitude === undefined || fields.size > 0) return undefined;
  return [
    `${latitude}, ${longitude}`,
    ...(altitude === undefined ? [] : [`${altitude} m high`]),
    ...(accuracy === undefined ? [] : [`within ${accuracy} m`]),
  ].join(", ");
}
