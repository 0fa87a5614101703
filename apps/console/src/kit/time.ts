import { words } from "../words/index.ts";

const minute = 60;
const hour = 60 * minute;
const day = 24 * hour;

/** A time in milliseconds as its distance from `now`: `3 min ago`, `in 2 d`. */
export function ago(time: number, now: number): string {
  const seconds = Math.round(Math.abs(now - time) / 1_000);
  if (seconds < 5) return words.time.justNow;
  const distance =
    seconds < minute
      ? words.time.seconds(seconds)
      : seconds < hour
        ? words.time.minutes(Math.round(seconds / minute))
        : seconds < 2 * day
          ? words.time.hours(Math.round(seconds / hour))
          : words.time.days(Math.round(seconds / day));
  return time <= now ? words.time.ago(distance) : words.time.in(distance);
}

/** `2026-01-31 13:45:09`, with its zone. */
export function exact(time: number, zone: "local" | "utc"): string {
  const at = new Date(time);
  if (Number.isNaN(at.getTime())) return "";
  const shifted = zone === "utc" ? at : new Date(time - at.getTimezoneOffset() * 60_000);
  const text = shifted.toISOString().slice(0, 19).replace("T", " ");
  if (zone === "utc") return `${text} UTC`;
  const offset = -at.getTimezoneOffset();
  const two = (n: number) => String(Math.trunc(Math.abs(n))).padStart(2, "0");
  return `${text} ${offset < 0 ? "-" : "+"}${two(offset / 60)}:${two(offset % 60)}`;
}
