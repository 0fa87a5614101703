/** A value as it is written: numbers short enough to be read, with as many decimals as were asked for. */
export function said(value: unknown, decimals?: number): string {
  if (typeof value === "number")
    return decimals === undefined ? String(Number(value.toPrecision(5))) : value.toFixed(decimals);
  if (value === undefined || value === null) return "–";
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (typeof value === "string") return value;
  const at = locationOf(value);
  return at ? `${at.latitude.toFixed(4)}, ${at.longitude.toFixed(4)}` : JSON.stringify(value);
}

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
