export type Location = { readonly latitude: number; readonly longitude: number };

/** A value that is a place on earth. */
export function locationOf(value: unknown): Location | undefined {
  if (typeof value !== "object" || value === null || !("latitude" in value) || !("longitude" in value))
    return undefined;
  return onEarth(value.latitude, value.longitude);
}

export function onEarth(latitude: unknown, longitude: unknown): Location | undefined {
  if (typeof latitude !== "number" || typeof longitude !== "number") return undefined;
  return Math.abs(latitude) <= 90 && Math.abs(longitude) <= 180 ? { latitude, longitude } : undefined;
}
