import { z } from "zod";

/**
 * How long the windows are that points are aggregated over. A day, a week, a month is as long as the calendar of a time zone has it: on the
 * days when clocks change, 23 or 25 hours.
 */
export type Step = { readonly unit: "millisecond" | "day" | "week" | "month"; readonly count: number };

/** What each unit is made of, and how many there may be. */
const units = {
  s: { unit: "millisecond", each: 1_000, most: 366 * 86_400 },
  m: { unit: "millisecond", each: 60_000, most: 366 * 1_440 },
  h: { unit: "millisecond", each: 3_600_000, most: 366 * 24 },
  d: { unit: "day", each: 1, most: 366 },
  w: { unit: "week", each: 1, most: 52 },
  mo: { unit: "month", each: 1, most: 120 },
  y: { unit: "month", each: 12, most: 10 },
} as const;
const written = /^(\d{1,8})(s|m|h|d|w|mo|y)$/;

/** `30s`, `15m`, `1h`, `1d`, `1w`, `1mo`, `1y`. Weeks begin on Mondays. */
export const step = z
  .string()
  .transform((text, context): Step => {
    const [, digits, name] = written.exec(text) ?? [];
    const of = name === undefined ? undefined : units[name as keyof typeof units]; // the expression admits these only
    const count = Number(digits);
    if (of && count >= 1 && count <= of.most) return { unit: of.unit, count: count * of.each };
    const message = of
      ? "takes 1s to 366d, 1w to 52w, 1mo to 120mo, 1y to 10y"
      : "not a length of a step such as 15m, 1h, 1d, 1w, 1mo, 1y";
    context.addIssue({ code: "custom", message });
    return z.NEVER;
  })
  .meta({ type: "string" });

/** A name of the IANA database, such as Europe/Zurich or Asia/Kathmandu. */
export const timeZone = z.string().refine(isTimeZone, "not a time zone such as Europe/Zurich");

/** Those names of the database that are three letters. ICU takes other abbreviations, which mean other zones in other countries (IST, CST). */
const ofThreeLetters = /^(CET|EET|EST|GMT|HST|MET|MST|PRC|ROC|ROK|UCT|UTC|WET)$/i;

function isTimeZone(name: string): boolean {
  try {
    if (/^[A-Za-z]{3}$/.test(name) && !ofThreeLetters.test(name)) return false;
    return /^[A-Za-z]/.test(name) && new Intl.DateTimeFormat("en", { timeZone: name }).format(0) !== "";
  } catch {
    return false; // a RangeError, by ECMA-402
  }
}
