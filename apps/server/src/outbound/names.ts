import { lookup, Resolver } from "node:dns/promises";
import { isIP } from "node:net";

/** Where a name of the internet is, or that nobody knows. */
export type Server = { readonly address: string; readonly port: number };

type Needs = {
  /** Who is asked in place of the machine's own. */
  readonly server?: Server | undefined;
};

/** Nobody knows the name, or nobody answered. */
export class NameUnknown extends Error {
  override readonly name = "NameUnknown";
  /** Somebody answered, and there is no such thing; else nobody did. */
  readonly isAnswered: boolean;

  constructor(about: string, isAnswered: boolean, cause: unknown) {
    super(isAnswered ? `there is no ${about}` : `nobody answered where ${about} is`, { cause });
    this.isAnswered = isAnswered;
  }
}

const patience = { timeout: 2_000, tries: 2 } as const; // milliseconds for each

/** c-ares and the system's resolver say so when a name is not there, or has nothing of that kind. */
const notThere = new Set(["ENOTFOUND", "ENODATA", "ENONAME", "EAI_NODATA", "EAI_NONAME"]);

/** Asks the domain name system. */
export class Names {
  readonly #server: Server | undefined;
  readonly #resolver = new Resolver(patience);

  constructor({ server }: Needs = {}) {
    this.#server = server;
    if (server)
      this.#resolver.setServers([
        isIP(server.address) === 6 ? `[${server.address}]:${server.port}` : `${server.address}:${server.port}`,
      ]);
  }

  /** Every address of a host, as its programs would find it. @throws NameUnknown */
  async addresses(host: string): Promise<readonly string[]> {
    if (!this.#server) {
      const all = await lookup(host, { all: true }).catch((error: unknown) => unknown(`address of ${host}`, error));
      return all.map(({ address }) => address);
    }
    const asked = await Promise.allSettled([this.#resolver.resolve4(host), this.#resolver.resolve6(host)]);
    const found = asked.flatMap((one) => (one.status === "fulfilled" ? one.value : []));
    const [failed] = asked.flatMap((one) => (one.status === "rejected" ? [one.reason as unknown] : []));
    return found.length > 0 ? found : unknown(`address of ${host}`, failed);
  }

  /** What stands in the TXT records of a name, each in one piece (RFC 7208, 3.3). @throws NameUnknown */
  async texts(name: string): Promise<readonly string[]> {
    const records = await this.#resolver
      .resolveTxt(name)
      .catch((error: unknown) => unknown(`TXT record of ${name}`, error));
    return records.map((pieces) => pieces.join(""));
  }
}

function unknown(about: string, error: unknown): never {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  throw new NameUnknown(about, notThere.has(code), error);
}
