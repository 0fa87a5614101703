import { locationOf } from "../map/index.ts";

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
