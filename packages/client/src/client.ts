import type { Route } from "@holdfast/protocol";
import { routes } from "@holdfast/protocol";
import type { z } from "zod";
import { addressOf, type Names } from "./address.ts";
import { readEvents } from "./events.ts";
import { fetchTransport } from "./fetch-transport.ts";
import { liveEventOf, type LiveEvent } from "./live.ts";
import { Patience } from "./patience.ts";
import { ApiProblem, jsonOr, problemFrom, StrangeReply } from "./problem.ts";
import type { ProvingKey } from "./proving-key.ts";
import type { Incoming, Transport } from "./transport.ts";

export type ClientOptions = {
  /** Where the platform is: `https://host:port`, with a path when it stands behind one. */
  readonly url: string | URL;
  /** An API token, or `keyId.secret`. Without it only public operations answer. */
  readonly token?: string | undefined;
  /** The key that the token is bound to: it signs each request. */
  readonly key?: ProvingKey | undefined;
  /** As a member of which organisation a signed-in person asks; a credential of programs and devices says that itself. */
  readonly org?: string | undefined;
  /** By default the platform's `fetch`, as in a browser. */
  readonly transport?: Transport | undefined;
  /** How long one call may take as a whole, and how long a stream may take to begin. By default 30 s. */
  readonly patienceMs?: number | undefined;
};

/** A body that is sent as it is. */
export type Payload = { readonly contentType: string; readonly content: string | Uint8Array<ArrayBuffer> };

type Options = {
  readonly signal?: AbortSignal | undefined;
  readonly idempotencyKey?: string | undefined;
  /** Do it only while the thing still has this version: else it is refused with `request.conflict`. */
  readonly ifVersion?: number | undefined;
};
type Params<R extends Route> = [Names<R["path"]>] extends [never]
  ? { readonly params?: undefined }
  : { readonly params: { readonly [Name in Names<R["path"]>]: string } };
type Query<R extends Route> = R extends { query: infer Q extends z.ZodType }
  ? Partial<z.input<Q>> extends z.input<Q>
    ? { readonly query?: z.input<Q> }
    : { readonly query: z.input<Q> }
  : { readonly query?: undefined };
type Body<R extends Route> = R extends { body: infer B extends z.ZodType }
  ? { readonly body: z.input<B> }
  : R extends { body: "bytes" }
    ? { readonly body: Payload }
    : { readonly body?: undefined };

/** What an operation is called with: its path's parameters, its query and its body, as far as it has them. */
export type Input<R extends Route> = Params<R> & Query<R> & Body<R> & Options;
/** What an operation answers: the type of its schema, or text. */
export type Reply<R extends Route> = R["reply"] extends infer T extends z.ZodType ? z.output<T> : string;
type Downloadable = Route & { readonly reply: "download" };
/** Every operation but streams and downloads. */
export type Callable = Route & { readonly reply: z.ZodType | "text" };

/** The platform says something at least every 15 s; after three beats without any nobody is there any more. */
const longestSilenceMs = 45_000;

/** Replies are read whole; a page of ten thousand points has a tenth of this. */
const mostReplyBytes = 32 * 1024 * 1024;

/** The HTTP API, typed by its routes. Works in Node and in browsers. */
export class Client {
  readonly #url: URL;
  readonly #token: string | undefined;
  readonly #key: ProvingKey | undefined;
  /** For the next proof: each answer of the platform has one. */
  #nonce: string | undefined;
  readonly #org: string | undefined;
  readonly #transport: Transport;
  readonly #patienceMs: number;

  /** @throws TypeError for an address or a token that cannot be sent; the message never shows the token. */
  constructor({ url, token, key, org, transport = fetchTransport(), patienceMs = 30_000 }: ClientOptions) {
    this.#url = new URL(url);
    if (this.#url.username || this.#url.password)
      throw new TypeError("A URL must not hold a credential: leave it out.");
    if (token !== undefined && !/^[\x21-\x7e]+$/.test(token))
      throw new TypeError("A token is one line of visible ASCII.");
    this.#token = token;
    this.#key = key;
    this.#org = org;
    this.#transport = transport;
    this.#patienceMs = patienceMs;
  }

  /**
   * Does one operation. Nothing is sent a second time by itself, except what only reads, and what was refused for its proof's nonce alone.
   * @throws ApiProblem when the platform says no; NotReached when nothing came back; StrangeReply when that was not the API
   */
  async call<const R extends Callable>(
    route: R,
    ...[input]: Partial<Input<R>> extends Input<R> ? [input?: Input<R>] : [input: Input<R>]
  ): Promise<Reply<R>> {
    using patience = new Patience(this.#patienceMs, input?.signal, this.#url.origin);
    // Awaited here, or the patience would be disposed of before the reply is there.
    return await patience.over(async (signal) => {
      const reply = await this.#send(route, input ?? {}, signal, "application/json");
      const text = await readText(reply);
      return parseReply(route, reply.status, text) as Reply<R>; // by the route's own schema, or text where that is the reply
    });
  }

  /**
   * Readings, refusals, and who comes and goes, as it happens, of one device or of all that the caller may read. Ends when the platform ends the stream;
   * connecting again is up to the caller.
   * @throws like `call`; the signal's reason when that ended it
   */
  async *watch(
    query: z.input<typeof routes.watch.query> = {},
    options: { readonly signal?: AbortSignal | undefined; readonly onOpen?: () => void } = {},
  ): AsyncGenerator<LiveEvent> {
    using patience = new Patience(this.#patienceMs, options.signal, this.#url.origin);
    const reply = await patience.over((signal) => this.#send(routes.watch, { query }, signal, "text/event-stream"));
    if (!reply.header("content-type")?.startsWith("text/event-stream")) {
      throw new StrangeReply(
        reply.status,
        "another program",
        "The address answered, but with no stream of events. Check the URL.",
      );
    }
    options.onOpen?.();
    for await (const event of readEvents(patience.between(reply.body, longestSilenceMs))) {
      const known = liveEventOf(event);
      if (known) yield known;
    }
  }

  /**
   * A file, piece by piece, as the platform writes it. Throws when it was cut off: then what came is not the whole.
   * @throws like `call`; `onOpen` hears what its headers say once it has begun
   */
  async *download<const R extends Downloadable>(
    route: R,
    input: Input<R>,
    onOpen: (header: (name: string) => string | undefined) => void = () => undefined,
  ): AsyncGenerator<Uint8Array> {
    using patience = new Patience(this.#patienceMs, input.signal, this.#url.origin);
    const reply = await patience.over((signal) => this.#send(route, input, signal, (route.media ?? []).join(", ")));
    onOpen((name) => reply.header(name));
    yield* patience.between(reply.body, longestSilenceMs);
  }

  /** Lets go of kept connections. */
  close(): void {
    this.#transport.close();
  }

  async #send(route: Route, input: Partial<Given>, signal: AbortSignal, accept: string): Promise<Incoming> {
    const { params = {}, query = {}, body, idempotencyKey, ifVersion } = input;
    const payload = body === undefined ? undefined : payloadOf(route, body);
    const url = addressOf(this.#url, route, params, query);
    const headers = {
      accept: route.reply === "text" ? "*/*" : `${accept}, application/problem+json`,
      ...(this.#org === undefined ? {} : { "holdfast-org": this.#org }),
      ...(payload === undefined ? {} : { "content-type": payload.contentType }),
      ...(idempotencyKey === undefined ? {} : { "idempotency-key": idempotencyKey }),
      ...(ifVersion === undefined ? {} : { "if-match": `"${ifVersion}"` }), // the version in quotes is the ETag
    };
    for (let isAgain = false; ; isAgain = true) {
      const shown = await this.#credential(route.method, url);
      const outgoing = { method: route.method, url, headers: { ...headers, ...shown }, body: payload?.content, signal };
      const reply = await this.#transport.send(outgoing);
      this.#nonce = reply.header("dpop-nonce") ?? this.#nonce;
      if (reply.status >= 200 && reply.status < 300) return reply;
      const problem = problemFrom(reply, await readText(reply));
      // RFC 9449, 8: it was refused before anything was done, and says which nonce to sign.
      const isStale = problem instanceof ApiProblem && problem.code === "proof.nonce";
      if (isAgain || !isStale || !this.#key) throw problem;
    }
  }

  /** What says who asks; a bound token with the proof of this request. */
  async #credential(method: string, url: URL): Promise<Record<string, string>> {
    const token = this.#token;
    if (token === undefined) return {};
    if (!this.#key) return { authorization: `Bearer ${token}` };
    const proof = await this.#key.proofFor({ method, url, token, nonce: this.#nonce });
    return { authorization: `DPoP ${token}`, dpop: proof };
  }
}

/** What every `Input` is, whatever its route. */
type Given = Options & {
  readonly params: Readonly<Record<string, string>> | undefined;
  readonly query: Readonly<Record<string, unknown>> | undefined;
  readonly body: unknown;
};

function payloadOf(route: Route, body: unknown): Payload {
  if (route.body === "bytes") return body as Payload; // by the type of Body
  if (route.speaks === "oauth") {
    const fields = Object.entries(body as Record<string, string | undefined>); // a form's fields are all text
    const given = fields.flatMap(([name, value]) => (value === undefined ? [] : [[name, value]]));
    return { contentType: "application/x-www-form-urlencoded", content: new URLSearchParams(given).toString() };
  }
  return { contentType: "application/json", content: JSON.stringify(body) };
}

async function readText(reply: Incoming): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of reply.body) {
    text += decoder.decode(chunk, { stream: true });
    if (text.length > mostReplyBytes)
      throw new StrangeReply(reply.status, "another program", "The reply is larger than any of the platform's.");
  }
  return text + decoder.decode();
}

function parseReply(route: Callable, status: number, text: string): unknown {
  if (route.reply === "text") return text;
  const json = text === "" ? {} : jsonOr(text, undefined); // 204 has no body
  if (json === undefined) {
    throw new StrangeReply(
      status,
      "another program",
      `The address answered ${status}, but not as Holdfast does. Check the URL.`,
    );
  }
  const read = route.reply.safeParse(json);
  if (read.success) return read.data;
  const where = read.error.issues.map(({ path }) => path.join(".")).filter(Boolean);
  const what = where.length > 0 ? ` (${where.slice(0, 3).join(", ")})` : "";
  const sentence = `The reply has not the form that this version expects${what}.`;
  throw new StrangeReply(status, "another version", sentence, { cause: read.error });
}
