import { deviceFindings, deviceOrders, presenceFilters, type routes } from "@holdfast/protocol";
import type { Input } from "@holdfast/client";

type Query = NonNullable<Input<typeof routes.listDevices>["query"]>;
export type Filter = Pick<Query, "application" | "product" | "state" | "presence" | "finding" | "tag" | "q">;

const states = ["active", "suspended", "retired"] as const;
const among = <T extends string>(all: readonly T[], text: string): T | undefined => all.find((one) => one === text);

/**
 * Reads what is typed above a list: `status:offline finding:classical tag:floor=3 product:prd_… pump` and so on. Anything else is a word that the name, the
 * alias or the id has to contain.
 */
export function parseFilter(text: string): Filter {
  const filter: { -readonly [Name in keyof Filter]: Filter[Name] } = {};
  const tags: string[] = [];
  const words: string[] = [];
  for (const part of text.match(/\w+:"[^"]*"|"[^"]*"|\S+/g) ?? []) {
    const [, name = "", quoted = ""] = /^(\w+):(.+)$/.exec(part) ?? [];
    const value = quoted.replaceAll('"', "");
    const state = name === "status" ? among(states, value) : undefined;
    const presence = name === "status" ? among(presenceFilters, value) : undefined;
    const finding = name === "finding" ? among(deviceFindings, value) : undefined;
    if (state) filter.state = state;
    else if (finding) filter.finding = finding;
    else if (presence) filter.presence = presence;
    else if (name === "tag" && value.includes("=")) tags.push(value);
    else if (name === "product") filter.product = value as NonNullable<Filter["product"]>; // the platform says when it is none
    else if (name === "application") filter.application = value as NonNullable<Filter["application"]>; // likewise
    else words.push(part.replaceAll('"', ""));
  }
  if (tags.length > 0) filter.tag = tags.join(",");
  if (words.length > 0) filter.q = words.join(" ");
  return filter;
}

/** The text with one clause put in place of any of the same name: what a click on a list's filter does. */
export function withClause(text: string, name: string, value: string | undefined): string {
  const others = text.match(/\w+:"[^"]*"|"[^"]*"|\S+/g)?.filter((part) => !part.startsWith(`${name}:`)) ?? [];
  const clause = value === undefined ? [] : [`${name}:${/\s/.test(value) ? `"${value}"` : value}`];
  return [...clause, ...others].join(" ");
}

/** The value of a clause, as a click would have set it. */
export const clauseOf = (text: string, name: string): string | undefined =>
  new RegExp(`(?:^|\\s)${name}:("[^"]*"|\\S+)`).exec(text)?.[1]?.replaceAll('"', "");

export type Order = (typeof deviceOrders)[number];
export const parseOrder = (text: string | undefined): Order | undefined => among(deviceOrders, text ?? "");
