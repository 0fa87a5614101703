import { isId, Refusal, type Id } from "@holdfast/kernel";
import { browserCookie, mostSessionMinutes, orgHeader, sessionCookie } from "@holdfast/protocol";

export type Headers = { readonly [name: string]: string | string[] | undefined };

/** No script reads it, no other site's page makes a browser send it (RFC 6265bis, 4.1.2). */
const cookie = (text: string, seconds: number, name = sessionCookie): string =>
  `${name}=${text}; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=${seconds}`;

/** Kept as long as a session may last; the platform goes by its own clock. */
export const sessionCookieOf = (text: string): string => cookie(text, mostSessionMinutes * 60);
export const noCookie = cookie("", 0);

/** Why a browser was sent elsewhere. The page that it comes back to is ours, and asks for the rest. */
const errandCookie = "__Host-holdfast-errand";
export const errandCookieOf = (text: string): string => cookie(text, 600, errandCookie);
export const noErrand = cookie("", 0, errandCookie);

/** As long as a browser keeps any (RFC 6265bis, 5.5). */
export const browserCookieOf = (text: string): string => cookie(text, 400 * 24 * 3_600, browserCookie);

/**
 * What a browser kept for us. Two of the name are nobody's: a browser that heeds `__Host-` has one, and which of two is the planted
 * one cannot be told.
 * @throws Refusal `credential.invalid`
 */
export function cookieIn(headers: Headers): string | undefined {
  const ours = namedIn(headers, sessionCookie);
  if (ours.length > 1) throw new Refusal("credential.invalid", { detail: "Two cookies of the same name were sent." });
  return ours[0];
}

const namedIn = ({ cookie: all }: Headers, name: string): readonly string[] =>
  String(all ?? "")
    .split(";")
    .map((pair) => pair.trim())
    .flatMap((pair) => (pair.startsWith(`${name}=`) ? [pair.slice(name.length + 1)] : []));

/** What a browser kept for whoever comes back: two of one name are none. */
export function errandIn(headers: Headers): string | undefined {
  const [one, ...others] = namedIn(headers, errandCookie);
  return others.length === 0 ? one : undefined;
}

/** The same for whoever signs in: two of one name are none, and it is no matter. */
export function cookiesOf(headers: Headers): { session: string | undefined; browser: string | undefined } {
  const only = ([one, ...others]: readonly string[]) => (others.length === 0 ? one : undefined);
  return { session: only(namedIn(headers, sessionCookie)), browser: only(namedIn(headers, browserCookie)) };
}

/** @throws Refusal `request.malformed` */
export function orgIn(headers: Headers): Id<"org"> {
  const org = headers[orgHeader.toLowerCase()];
  if (typeof org === "string" && isId("org", org)) return org;
  const message = org === undefined ? "missing: which organisation is asked (org_…)" : "not an identifier of org";
  throw new Refusal("request.malformed", { faults: [{ path: orgHeader, message }] });
}

/**
 * That a browser asks for a page of ours, and for nobody else's. `Origin` stands on whatever changes something (Fetch, 3.2); the
 * name that the request was sent to is ours, because the certificate is.
 * @throws Refusal `origin.foreign`
 */
export function refuseForeign(headers: Headers, origin: "demanded" | "where it is sent"): void {
  const { origin: from, "sec-fetch-site": site } = headers;
  const isForeign = from === undefined ? origin === "demanded" : from !== ownOrigin(headers);
  if (isForeign || (site !== undefined && site !== "same-origin" && site !== "none")) {
    throw new Refusal("origin.foreign");
  }
}

function ownOrigin(headers: Headers): string | undefined {
  const host = headers[":authority"] ?? headers["host"];
  const isName = typeof host === "string" && /^[\w.:[\]-]+$/.test(host);
  return isName && URL.canParse(`https://${host}`) ? new URL(`https://${host}`).origin : undefined;
}
