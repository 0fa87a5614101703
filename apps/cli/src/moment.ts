import { parseInstant, rfc3339, type Instant } from "@holdfast/kernel";
import { routes } from "@holdfast/protocol";
import { Misuse } from "./failure.ts";

/** A length of time such as `90d`, in milliseconds; by the grammar of the API. */
export function parseDuration(text: string): number {
  const read = routes.createToken.body.shape.expiresIn.safeParse(text);
  if (!read.success || read.data === undefined)
    throw new Misuse(`"${text}" is no length of time: write 90d, 24h, 15m or 30s`);
  return read.data;
}

/** `now`, `-24h` (so long ago), `+1h`, or RFC 3339 with an offset. */
export function parseMoment(text: string, now: Instant): Instant {
  if (text === "now") return now;
  const at = /^[+-]\d+[smhd]$/.test(text)
    ? ((now + (text.startsWith("-") ? -1 : 1) * parseDuration(text.slice(1))) as Instant) // whole milliseconds, as both are
    : parseInstant(text);
  if (at === undefined) throw new Misuse(`"${text}" is no time: write now, -24h, or 2026-01-31T12:00:00Z`);
  return at;
}

const units = [
  ["s", 1_000],
  ["min", 60_000],
  ["h", 3_600_000],
  ["d", 86_400_000],
] as const;

/** How long ago, or how soon, in the largest unit of which there are two: `5 min ago`, `in 36 h`. Months are dates. */
export function relative(time: string | undefined, now: Instant): string {
  if (time === undefined) return "";
  const at = parseInstant(time);
  if (at === undefined) return time;
  const distance = Math.abs(now - at);
  if (distance < 2_000) return "now";
  if (distance >= 100 * 86_400_000) return rfc3339(at).slice(0, 10);
  const [unit, size] = units.findLast(([, milliseconds]) => distance >= 2 * milliseconds) ?? units[0];
  const count = `${Math.floor(distance / size)} ${unit}`;
  return at < now ? `${count} ago` : `in ${count}`;
}
