import { readFileSync } from "node:fs";
import type { ConnectionOptions } from "node:tls";
import { Refusal } from "@holdfast/kernel";

/** Where a PostgreSQL is and as whom to come to it. `host` is a name, an address, or the folder of a Unix socket. */
export type Login = {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  /** Absent where the server trusts the socket or a client certificate. Never logged. */
  readonly password?: string | undefined;
  readonly database: string;
  /** `undefined` speaks plain text: for Unix sockets and this machine only, unless the URL says so. */
  readonly tls?: ConnectionOptions | undefined;
};

/** For people: where, and nothing that must not be in a log. */
export const placeOf = (login: Login): string => `${login.host}:${login.port}/${login.database}`;

/** `postgres://user@/database?host=/folder` is fine for libpq, and not for the URL standard. */
const hostless = /^(postgres(?:ql)?:\/\/(?:[^/?#]*@)?)(?=\/)/;
const noHost = "no-host.invalid";

const malformed = (detail: string) => new Refusal("config.malformed", { detail: `The URL of a database ${detail}` });

/**
 * Reads `postgres://user:password@host:port/database?sslmode=…&sslrootcert=…` (RFC 3986; the words of libpq, "Connection
 * URIs"). `host=/folder` in the query names a Unix socket. Without `sslmode` another machine is spoken to over verified TLS
 * only; `disable` and `no-verify` have to be said. The refusal never quotes the URL: it holds a password.
 * @throws Refusal `config.malformed`
 */
export function parseDatabaseUrl(text: string): Login {
  const url = URL.parse(text.replace(hostless, `$1${noHost}`)) ?? undefined;
  if (!url || !/^postgres(ql)?:$/.test(url.protocol))
    throw malformed("is not of the form postgres://user@host:port/database.");

  const named = url.hostname === noHost ? "" : decode(url.hostname.replace(/^\[(.*)\]$/, "$1"));
  const host = url.searchParams.get("host") ?? named;
  const database = decode(url.pathname.slice(1));
  const user = decode(url.username) || (url.searchParams.get("user") ?? "");
  const port = Number(url.port || (url.searchParams.get("port") ?? 5432));
  if (!host) throw malformed("names no host.");
  if (!user) throw malformed("names no user.");
  if (!database || database.includes("/")) throw malformed("names no database.");
  if (!Number.isInteger(port) || port < 1 || port > 65_535) throw malformed("names a port that is none.");

  return {
    host,
    port,
    user,
    password: decode(url.password) || (url.searchParams.get("password") ?? undefined),
    database,
    tls: tlsOf(host, url.searchParams),
  };
}

/** The same URL for people to read: `PASSWORD` stands where it has one. @throws Refusal `config.malformed` */
export function withoutPassword(text: string): string {
  const url = URL.parse(text.replace(hostless, `$1${noHost}`)) ?? undefined;
  if (!url) throw malformed("is not of the form postgres://user@host:port/database.");
  if (url.password) url.password = "PASSWORD";
  if (url.searchParams.has("password")) url.searchParams.set("password", "PASSWORD");
  return url.href.replace(noHost, "");
}

function tlsOf(host: string, query: URLSearchParams): ConnectionOptions | undefined {
  const isHere = host.startsWith("/") || host === "localhost" || host === "127.0.0.1" || host === "::1";
  const mode = query.get("sslmode") ?? (isHere ? "disable" : "verify-full");
  switch (mode) {
    case "disable":
      return undefined;
    case "no-verify":
      return { rejectUnauthorized: false };
    // libpq's `require` takes any certificate; who asks for TLS here gets one that was checked.
    case "require":
    case "verify-ca":
    case "verify-full":
      return { rejectUnauthorized: true, ...rootsIn(query.get("sslrootcert")) };
    default:
      throw malformed("has an sslmode that is not disable, no-verify, require, verify-ca or verify-full.");
  }
}

function rootsIn(file: string | null): { ca?: string } {
  if (file === null || file === "system") return {};
  try {
    return { ca: readFileSync(file, "utf8") };
  } catch (cause) {
    throw new Refusal("config.malformed", {
      cause,
      detail: "The file that the URL of a database names as sslrootcert cannot be read.",
    });
  }
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw malformed("has a % that stands for nothing.");
  }
}
