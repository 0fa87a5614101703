import { Refusal } from "@holdfast/kernel";
import type { Route } from "@holdfast/protocol";

/** The names in braces of a route's path. */
export type Names<Path extends string> = Path extends `${string}{${infer Name}}${infer Rest}`
  ? Name | Names<Rest>
  : never;

/**
 * The full address of an operation below `base` (which may have a path of its own). A parameter is always exactly one
 * segment: what could climb or vanish (`.`, `..`, nothing) is refused instead of asking about something else.
 * @throws Refusal `id.malformed`
 */
export function addressOf(
  base: URL,
  route: Pick<Route, "path">,
  params: Readonly<Record<string, string>>,
  query: Readonly<Record<string, unknown>>,
): URL {
  const path = route.path.replaceAll(/\{(\w+)\}/g, (_, name: string) => segment(name, params[name]));
  const url = new URL(base);
  url.pathname = base.pathname.replace(/\/$/, "") + path;
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined) continue;
    url.searchParams.set(name, typeof value === "string" ? value : JSON.stringify(value));
  }
  return url;
}

function segment(name: string, value: string | undefined): string {
  if (value === undefined || /^\.{0,2}$/.test(value) || !value.isWellFormed()) {
    throw new Refusal("id.malformed", { faults: [{ path: name, message: "is no name of anything" }] });
  }
  return encodeURIComponent(value);
}
