import { Refusal } from "@holdfast/kernel";
import type { Route } from "@holdfast/protocol";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Caller } from "../../authority/index.ts";
import { askingOf } from "./asking.ts";
import { credentialText } from "./credential-text.ts";
import type { Asking, Entrance } from "./entrance.ts";

// Pages of an application, which are other sites to us (Fetch, 3.2). Which origins may ask stands in the application's published key, so
// the key stands in the query: a browser that asks beforehand (preflight) shows no header of the page's.

const asked = "authorization, x-auth-token, content-type, dpop, if-match, if-none-match";
const told = "dpop-nonce, retry-after, ratelimit, ratelimit-policy, etag, www-authenticate, x-request-id";
const remembered = 600; // seconds

/** What the operation itself is asked: the key is the page's. */
export function queryOf(route: Route, query: unknown): unknown {
  if (!route.pages || typeof query !== "object" || query === null) return query;
  return Object.fromEntries(Object.entries(query).filter(([name]) => name !== "key"));
}

/** What pages of applications may ask, and who asks by them. */
export class Pages {
  readonly #entrance: Entrance;
  /** Which methods, by path. */
  readonly #methods = new Map<string, string[]>();
  readonly #keys = new WeakMap<FastifyRequest, Caller>();

  constructor(entrance: Entrance) {
    this.#entrance = entrance;
  }

  /** Answers what a browser asks before a page's request (preflight): only where pages may ask, elsewhere there is no such method. */
  add(app: Pick<FastifyInstance, "route">, route: Route): void {
    if (!route.pages) return;
    const there = this.#methods.get(route.path);
    if (there) return void there.push(route.method);
    const methods: string[] = [route.method];
    this.#methods.set(route.path, methods);
    app.route({
      method: "OPTIONS",
      url: route.path.replaceAll(/\{(\w+)\}/g, ":$1"),
      handler: async (request, reply) => {
        // Whoever asks no such thing asks for a method that there is not (Fetch, 3.2.2).
        if (request.headers["access-control-request-method"] === undefined) return reply.callNotFound();
        const key = pageKeyOf(route, request);
        if (key === undefined) throw new Refusal("credential.missing");
        return answerPreflight(await this.#entrance.page(key, askingOf(request)), methods, request, reply);
      },
    });
  }

  /** Who asks: by a credential as everywhere, or by the key in the address alone where nothing else is wanted. @throws Refusal as `Entrance.caller` */
  async caller(route: Route, request: FastifyRequest, reply: FastifyReply): Promise<Caller> {
    const params = request.params as Readonly<Record<string, string>>; // the router made it from the path
    const asking = { ...askingOf(request), ...(route.byBirth && { birthAt: params["label"] ?? "" }) };
    const key = pageKeyOf(route, request);
    const page = key === undefined ? undefined : await this.#entrance.page(key, asking);
    if (page) letRead(page, request, reply);
    if (page) this.#keys.set(request, page);
    const isEnough = page && route.needs === "publishedKey" && credentialText(asking.headers) === undefined;
    const caller = isEnough ? page : await this.#entrance.caller(asking);
    if (page) refuseOthers(page, caller);
    else if (route.needs === "publishedKey") letRead(caller, request, reply);
    return caller;
  }

  /** The key of the page that asks, in the address of this request. */
  of(request: FastifyRequest): Caller | undefined {
    return this.#keys.get(request);
  }
}

/**
 * A browser opens a WebSocket for whatever page asks, and tells the page nothing of CORS (RFC 6455, 10.2): so a customer's page shows here, too, that it
 * is one of her application. @throws Refusal `permit.missing`, and as `Entrance.page`
 */
export async function refuseOtherPages(
  entrance: Entrance,
  asking: Asking,
  key: string | undefined,
  caller: Caller,
): Promise<void> {
  if (key !== undefined) return refuseOthers(await entrance.page(key, asking), caller);
  const { credential } = caller;
  if (credential.kind !== "applicationUser" || asking.came.origin === "none") return;
  const detail = "A page shows the published key of its application as key in the address.";
  const refusal = new Refusal("permit.missing", { detail });
  throw caller.refuse("connect", credential.id, "asked from a page without its published key", refusal);
}

/** The published key in the address of an operation that pages may ask. */
function pageKeyOf(route: Route, { query }: Pick<FastifyRequest, "query">): string | undefined {
  if (!route.pages || typeof query !== "object" || query === null) return undefined;
  const key = new Map<string, unknown>(Object.entries(query)).get("key");
  return typeof key === "string" ? key : undefined;
}

/** The key is good, and was shown by a page of one of its origins: that page may read the answer. Cookies are never sent along. */
function letRead(key: Caller, request: FastifyRequest, reply: FastifyReply): void {
  const { origin } = request.headers;
  const { conditions } = key.credential;
  if (key.credential.kind !== "application" || origin === undefined || !conditions?.origins?.includes(origin)) return;
  void reply.headers({ "Access-Control-Allow-Origin": origin, "Access-Control-Expose-Headers": told, Vary: "Origin" });
}

/** @throws Refusal `permit.missing` */
function answerPreflight(key: Caller, methods: readonly string[], request: FastifyRequest, reply: FastifyReply) {
  key.refuseUnless("application");
  const method = request.headers["access-control-request-method"];
  if (method === undefined || !methods.includes(method)) throw new Refusal("route.method");
  letRead(key, request, reply);
  void reply.headers({
    "Access-Control-Allow-Methods": methods.join(", "),
    "Access-Control-Allow-Headers": asked,
    "Access-Control-Max-Age": String(remembered),
  });
  return reply.code(204).send();
}

/** A page reads what its own users read, and nothing that some other credential opens. @throws Refusal `permit.missing` */
function refuseOthers(key: Caller, caller: Caller): void {
  if (key === caller) return;
  key.refuseUnless("application");
  caller.refuseUnless("applicationUser");
  if (key.credential.application === caller.credential.application) return;
  throw caller.refuse(
    "connect",
    caller.credential.id,
    "showed the published key of another application",
    new Refusal("permit.missing", { detail: "This key is of another application." }),
  );
}
