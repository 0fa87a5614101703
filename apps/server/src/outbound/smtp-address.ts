import { isIP } from "node:net";
import { Refusal } from "@holdfast/kernel";

/** Where the mail server is, and how it is spoken to. */
export type SmtpAddress = {
  readonly host: string;
  readonly port: number;
  /** From the first byte; after STARTTLS, which then has to succeed; or not at all, within this machine. */
  readonly tls: "at once" | "upgraded" | "none";
  readonly user: string | undefined;
  readonly password: string | undefined;
};

/** Nothing of it leaves the machine. */
const isLoopback = (host: string): boolean =>
  host === "localhost" || host === "::1" || (isIP(host) === 4 && host.startsWith("127."));

/**
 * `smtp://user@mail.example.com:587`, which is TLS after STARTTLS (RFC 3207), or `smtps://…:465`, which is TLS at once (RFC 8314, 3.3). Only to this
 * machine mail goes without.
 * @throws Refusal `config.malformed`
 */
export function parseSmtpUrl(text: string): SmtpAddress {
  const url = URL.parse(text);
  if (!url || !["smtp:", "smtps:"].includes(url.protocol) || url.hostname === "")
    throw malformed("--smtp-url is smtp://USER@HOST:PORT or smtps://USER@HOST:PORT.");
  if (!/^\/?$/.test(url.pathname) || url.search !== "" || url.hash !== "")
    throw malformed("--smtp-url ends with the port: what follows it means nothing.");
  const host = decoded(url.hostname)
    .replace(/^\[(.*)\]$/, "$1")
    .toLowerCase();
  const isAtOnce = url.protocol === "smtps:";
  return {
    host,
    port: url.port === "" ? (isAtOnce ? 465 : 587) : Number(url.port),
    tls: isAtOnce ? "at once" : isLoopback(host) ? "none" : "upgraded",
    user: decoded(url.username) || undefined,
    password: decoded(url.password) || undefined,
  };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch (cause) {
    throw malformed("--smtp-url has a % that begins no character.", cause);
  }
}

/** `holdfast@example.com`, or with a name: `Works <holdfast@example.com>`. */
export type Sender = { readonly name: string; readonly address: string };

/** @throws Refusal `config.malformed` */
export function parseSender(text: string): Sender {
  const [, name = "", within] = /^([^<>\p{Cc}]*)<([^<>]*)>$/u.exec(text.trim()) ?? [];
  const address = within ?? text.trim();
  if (!isMailAddress(address)) throw malformed("--mail-from is ADDRESS, or NAME <ADDRESS>.");
  return { name: name.trim().replaceAll(/^"|"$/g, ""), address };
}

/** One address and nothing else: no list, no route, no comment, no line end. */
export const isMailAddress = (text: string): boolean =>
  text.length <= 254 && /^[^\s@<>()[\],;:\\"\p{C}]+@[^\s@<>()[\],;:\\"\p{C}]+$/u.test(text);

const malformed = (detail: string, cause?: unknown): Refusal => new Refusal("config.malformed", { detail, cause });
