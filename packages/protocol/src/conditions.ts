import { z } from "zod";
import { transports } from "./transport.ts";

export const days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"] as const;
export type Day = (typeof days)[number];

const ofDay = /^(?:[01]\d|2[0-3]):[0-5]\d$/;

const hours = z.strictObject({
  days: z
    .array(z.enum(days))
    .min(1)
    .max(7)
    .default([...days]),
  from: z.string().regex(ofDay, "not a time of day such as 08:00"),
  to: z.string().regex(/^(?:(?:[01]\d|2[0-3]):[0-5]\d|24:00)$/, "not a time of day such as 18:00, or 24:00"),
  zone: z.string().min(1).max(64).describe("A name of the IANA time zone database: Europe/Berlin."),
});

/** From a time of day to another, on some days of the week, as clocks show it in a zone. One that ends before it begins ends on the day after. */
export type Hours = z.infer<typeof hours>;

const perMinute = z.number().int().min(1).max(60_000);

/** Where, when, how often and by what a credential may be used; each that is there has to hold. */
export const conditions = z.strictObject({
  addresses: z.array(z.string().min(1).max(64)).min(1).max(32).optional(),
  hours: z.array(hours).min(1).max(8).optional(),
  rate: z
    .strictObject({ perMinute, burst: perMinute.optional() })
    .optional()
    .describe("Requests, connections and messages; its children draw on the same."),
  origins: z
    .array(z.string().regex(/^https:\/\/[a-z0-9.:[\]-]+$/, "not an origin such as https://app.example"))
    .min(1)
    .max(16)
    .optional()
    .describe("Of pages that may show it."),
  transports: z.array(z.enum(transports)).min(1).max(transports.length).optional(),
});
export type Conditions = z.infer<typeof conditions>;

/** `mon-fri 08:00-18:00 Europe/Berlin`; without days it is every day, and days may also stand apart: `mon,wed,sat`. */
export function parseHours(text: string): Hours | undefined {
  const [, named, from = "", to = "", zone = ""] =
    /^(?:([a-z,-]+) +)?(\d\d:\d\d)-(\d\d:\d\d) +(\S+)$/i.exec(text.trim()) ?? [];
  const on = named === undefined ? [...days] : daysNamed(named.toLowerCase());
  return on && hours.safeParse({ days: on, from, to, zone }).data;
}

function daysNamed(text: string): Day[] | undefined {
  const named = new Set<Day>();
  for (const part of text.split(",")) {
    const [first = "", last = first, ...more] = part.split("-");
    const [from, to] = [first, last].map((name) => days.findIndex((day) => day === name));
    if (from === undefined || to === undefined || from < 0 || to < 0 || more.length > 0) return undefined;
    for (let at = from; ; at = (at + 1) % days.length) {
      named.add(days[at] ?? "mon");
      if (at === to) break;
    }
  }
  return days.filter((day) => named.has(day));
}

export function formatHours({ days: on, from, to, zone }: Hours): string {
  return `${on.length === days.length ? "" : `${formatDays(on)} `}${from}-${to} ${zone}`;
}

function formatDays(on: readonly Day[]): string {
  const at = on.map((day) => days.indexOf(day));
  const [first = 0] = at;
  const isRun = at.length > 2 && at.every((day, index) => day === first + index);
  return isRun ? `${on[0]}-${on.at(-1)}` : on.join(",");
}
