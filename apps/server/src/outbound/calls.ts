import { request } from "node:https";
import { isIP, type LookupFunction } from "node:net";
import { getCACertificates } from "node:tls";
import type { IncomingMessage } from "node:http";
import { NameUnknown, type Names } from "./names.ts";
import { isPublicAddress } from "./public-address.ts";
import type { Timers } from "@holdfast/kernel";

type Needs = {
  readonly names: Pick<Names, "addresses">;
  /** What the operator lets be called although it is inside the house. */
  readonly isAllowed: (address: string) => boolean;
  /** Certificates (PEM) that are trusted beside those that the machine trusts. */
  readonly ca?: string | undefined;
  readonly timers: Timers;
  /** Of one answer, and milliseconds for the whole of one call; where more is brought than a list of keys. */
  readonly mostBytes?: number;
  readonly patience?: number;
};

/** What is asked, as `fetch` has it. How long it may take is decided here. */
type Asked = {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
};

const patience = 8_000; // milliseconds for the whole of one call
const mostBytes = 512 * 1_024; // of one answer: a list of keys has some thousands

/** Why a call was not made, or had no answer: a sentence for whoever wrote the address down, which tells nothing of what stands there. */
export class Unreachable extends Error {
  override readonly name = "Unreachable";
}

/**
 * Calls addresses that somebody of an organisation wrote down, who may do that to have us knock at doors inside the house. So it is HTTPS
 * alone; the name is asked for once, what is not public is passed over, and the connection goes to exactly what was looked at, so that
 * a name that changes in between changes nothing; a redirect is no answer; and an answer is short and soon.
 */
export class Calls {
  readonly #needs: Needs;
  readonly #trusted: string[];

  constructor(needs: Needs) {
    this.#needs = needs;
    this.#trusted = [...getCACertificates("default"), ...(needs.ca === undefined ? [] : [needs.ca])];
  }

  /** As the global one, for one whole answer. @throws Unreachable */
  readonly fetch = async (address: string, asked: Asked = {}): Promise<Response> => {
    const url = readUrl(address);
    const places = await this.#placesOf(url);
    const { status, headers, body } = await this.#ask(url, places, asked);
    if (status >= 300 && status < 400)
      throw new Unreachable(
        `${url.origin} answers with a redirect, which is not followed: name the address that it leads to`,
      );
    const isEmpty = status === 204 || status === 205;
    return new Response(isEmpty ? null : body, { status, headers });
  };

  /** Whether an address says by itself that it is inside the house; where a name leads is seen when it is called. @throws Unreachable */
  refuseInside(address: string): void {
    const host = hostOf(readUrl(address));
    const places = placesIn(host);
    if (places && this.#callable(places).length === 0) throw notCalled(host);
  }

  async #placesOf(url: URL): Promise<readonly string[]> {
    const host = hostOf(url);
    const all = isIP(host) === 0 ? await this.#lookUp(host) : [host];
    const places = this.#callable(all);
    if (places.length > 0) return places;
    throw notCalled(host);
  }

  #callable(places: readonly string[]): readonly string[] {
    return places.filter((one) => isPublicAddress(one) || this.#needs.isAllowed(one));
  }

  async #lookUp(host: string): Promise<readonly string[]> {
    try {
      return await this.#needs.names.addresses(host);
    } catch (error) {
      if (!(error instanceof NameUnknown)) throw error;
      throw error.isAnswered ? notCalled(host, error) : new Unreachable(error.message, { cause: error });
    }
  }

  #ask(url: URL, places: readonly string[], { method = "GET", headers = {}, body }: Asked): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const payload = payloadOf(body);
      const call = request(url, {
        method,
        headers: { ...headers, ...(payload && { "content-length": String(payload.length) }) },
        agent: false,
        ca: this.#trusted,
        minVersion: "TLSv1.2",
        lookup: pinned(places),
      });
      let answering: IncomingMessage | undefined;
      const late = this.#needs.timers.after(this.#needs.patience ?? patience, () =>
        (answering ?? call).destroy(new Unreachable(`${url.host} took too long`)),
      );
      const fail = (error: Error) => {
        late.cancel();
        reject(error instanceof Unreachable ? error : new Unreachable(inWords(url, error), { cause: error }));
      };
      call.on("error", fail);
      call.on("response", (response) => {
        answering = response;
        readWhole(response, url, this.#needs.mostBytes ?? mostBytes).then((whole) => {
          late.cancel();
          resolve({ status: response.statusCode ?? 0, headers: headersOf(response), body: whole });
        }, fail);
      });
      call.end(payload);
    });
  }
}

/** One sentence for a name that there is not and for one inside the house: else whoever asks learns which names there are inside, and where. */
const notCalled = (host: string, cause?: Error): Unreachable =>
  new Unreachable(`${host} has no address that this platform may call; one inside the house takes --outbound-allow`, {
    cause,
  });

const hostOf = (url: URL): string => url.hostname.replace(/^\[(.*)\]$/, "$1");

/** Where a host is that nobody needs to be asked about. RFC 6761, 6.3: `localhost`, and what ends with it, is this machine. */
function placesIn(host: string): readonly string[] | undefined {
  if (isIP(host) !== 0) return [host];
  return /(^|\.)localhost\.?$/.test(host) ? ["127.0.0.1", "::1"] : undefined;
}

type Answer = { readonly status: number; readonly headers: Headers; readonly body: Uint8Array<ArrayBuffer> };

function readUrl(address: string): URL {
  if (!URL.canParse(address)) throw new Unreachable("that is no address");
  const url = new URL(address);
  if (url.protocol !== "https:") throw new Unreachable(`${url.protocol}//${url.host} is not https`);
  if (url.username !== "" || url.password !== "") throw new Unreachable("a name or a password stands in the address");
  return url;
}

/** Whoever connects finds what was looked at, and nobody asks again. Node never asks about an address. */
const pinned =
  (places: readonly string[]): LookupFunction =>
  (_host, options, callback) => {
    const all = places.map((address) => ({ address, family: isIP(address) }));
    const [first] = all;
    if (options.all === true) callback(null, all);
    else if (first) callback(null, first.address, first.family);
  };

function payloadOf(body: unknown): Buffer | undefined {
  if (body === undefined || body === null) return undefined;
  if (body instanceof URLSearchParams || typeof body === "string") return Buffer.from(String(body));
  if (body instanceof Uint8Array) return Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  throw new TypeError("a call sends text, a form or bytes");
}

async function readWhole(response: IncomingMessage, url: URL, most: number): Promise<Uint8Array<ArrayBuffer>> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of response as AsyncIterable<Buffer>) {
    parts.push(part);
    size += part.length;
    if (size > most) {
      response.destroy();
      throw new Unreachable(`the answer of ${url.host} is too large`);
    }
  }
  return Buffer.concat(parts);
}

function headersOf({ headers }: IncomingMessage): Headers {
  const all = new Headers();
  for (const [name, value] of Object.entries(headers)) {
    for (const one of [value ?? []].flat()) all.append(name, one);
  }
  return all;
}

/** What a person who set up the other side can act on. */
function inWords({ host }: URL, error: Error): string {
  const code = "code" in error ? String(error.code) : "";
  if (code === "ECONNREFUSED") return `nobody listens at ${host}`;
  if (/^(CERT_|DEPTH_|SELF_|UNABLE_|ERR_TLS_CERT)/.test(code))
    return `the certificate of ${host} is not trusted (${code}); one of an authority of the house needs --outbound-ca`;
  return `${host} could not be reached${code === "" ? "" : ` (${code})`}`; // a message without a code may say where it is
}
