import type { Http2SecureServer } from "node:http2";
import type { Socket } from "node:net";
import { credentialIn } from "@holdfast/crypto";
import { because, Refusal, type Clock, type Random, type Report, type Timers } from "@holdfast/kernel";
import type { Route } from "@holdfast/protocol";
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from "fastify";
import type { Accounts } from "../../accounting/index.ts";
import type { Caller, Download, Handler, Session } from "../../authority/index.ts";
import type { LiveRefusals, Strangers } from "../../live/index.ts";
import type { Arrivals } from "../arrivals.ts";
import type { Exposure } from "../exposure.ts";
import { wasRefused, type Guard } from "../guard.ts";
import { askedOf, sendReply } from "./answer.ts";
import type { ConsoleFiles } from "./console.ts";
import { errandIn, noErrand, refuseForeign } from "./cookie.ts";
import { credentialText, takeBasic } from "./credential-text.ts";
import { cut, linger } from "./deadlines.ts";
import { askingOf, socketOf } from "./asking.ts";
import { sendDownload } from "./download.ts";
import type { Entrance } from "./entrance.ts";
import type { Live } from "./live.ts";
import { Metering } from "./metering.ts";
import { isFromThisMachine } from "./nearby.ts";
import { faultOf, greeting, headersOf, newRequestId, problemOf, rawAnswer, refusalOf } from "./problem.ts";
import { sendProblem } from "./send-problem.ts";
import { Pages } from "./pages.ts";
import { Quotas } from "./quotas.ts";
import { refusedToDevice } from "./refused.ts";
import { forgetOver, sendSessionReply } from "./session-answer.ts";
import { silent } from "./silent.ts";
import { pathOf } from "./target.ts";
import type { Replays } from "./replays.ts";

export type ServingNeeds = {
  readonly entrance: Entrance;
  readonly accounts: Accounts;
  readonly handlers: readonly Handler[];
  readonly live: Live;
  readonly liveRefusals: Pick<LiveRefusals, "isWatched" | "tell">;
  readonly strangers: Strangers;
  readonly console: ConsoleFiles;
  readonly replays: Replays;
  readonly exposure: Exposure;
  readonly guard: Guard;
  readonly arrivals: Pick<Arrivals, "judge">;
  readonly clock: Clock;
  readonly random: Random;
  readonly timers: Timers;
  /** Bytes of a delivery of readings. What is managed needs less. */
  readonly maximumBody: number;
  readonly report: Report;
};

const managementBody = 256 * 1024; // bytes
const basic = 'Basic realm="holdfast", charset="UTF-8"';
const bodyDeadline = 30_000; // milliseconds for a body to arrive
const answerDeadline = 120_000; // milliseconds for an answer to be read: a mebibyte over a slow mobile network

/** Answers requests by their handlers. Translates between requests and verbs, and decides nothing. */
export async function serve(server: Http2SecureServer, needs: ServingNeeds): Promise<void> {
  await new Serving(server, needs).ready();
}

class Serving {
  readonly #needs: ServingNeeds;
  readonly #app: FastifyInstance;
  readonly #quotas: Quotas;
  readonly #metering = new Metering();
  readonly #pages: Pages;
  readonly #addresses: { pattern: RegExp; methods: readonly string[] }[] = [];
  readonly #routes = new WeakMap<FastifyRequest, Route>();
  readonly #callers = new WeakMap<FastifyRequest, Caller>();
  readonly #sessions = new WeakMap<FastifyRequest, Session>();
  /** Until when the body has to be there. */
  readonly #late = new WeakMap<FastifyRequest, { cancel(): void }>();

  constructor(server: Http2SecureServer, needs: ServingNeeds) {
    this.#needs = needs;
    this.#quotas = new Quotas(needs.clock);
    this.#pages = new Pages(needs.entrance);
    this.#app = fastify({
      // Fastify gives its handler and we give the server: ours knows its certificates.
      serverFactory: (handler) => server.on("request", handler as never) as never,
      loggerInstance: silent,
      genReqId: () => this.#newId(),
      trustProxy: false,
      routerOptions: { caseSensitive: true, ignoreTrailingSlash: false, maxParamLength: 128 },
      frameworkErrors: (error, request, reply) => void this.#failEarly(error, request, reply as never), // a reply of this server
      clientErrorHandler: (error, socket) => this.#unreadable(error, socket),
    }) as never; // one of Fastify's many instance types: for a server that speaks both versions
    // Without this Node says "continue" to bodies that would be refused by what stands in the head.
    server.on("checkContinue", (request, response) => server.emit("request", request, response));
    server.on("checkExpectation", (request, response) => server.emit("request", request, response));
    this.#prepare();
  }

  async ready(): Promise<void> {
    await this.#app.ready();
  }

  #prepare(): void {
    const app = this.#app;
    app.removeAllContentTypeParsers();
    app.addContentTypeParser("*", { parseAs: "buffer" }, (_request, body, done) => done(null, body));
    app.addHook("onRequest", async (request, reply) => {
      await this.#greet(request, reply);
      if (request.is404 && this.#needs.console.answer(request, reply)) return reply;
      return this.#look(request, reply);
    });
    // A download, which goes another way, may take as long as its reader takes some of it.
    app.addHook("onSend", async (_request, reply) => {
      const late = this.#needs.timers.after(answerDeadline, () => cut(reply.raw));
      reply.raw.once("close", () => late.cancel());
    });
    app.addHook("onResponse", async (request, reply) => this.#metering.weigh(request, reply));
    app.setErrorHandler(async (error, request, reply) => this.#fail(error, request, reply));
    app.setNotFoundHandler(async (request, reply) => this.#fail(this.#notFound(request, reply), request, reply));
    for (const handler of this.#needs.handlers) this.#add(handler);
  }

  #add(handler: Handler): void {
    const { route } = handler;
    const hasHead = route.method === "GET" && route.reply !== "stream";
    this.#addresses.push({
      pattern: new RegExp(`^${route.path.replaceAll(".", "\\.").replaceAll(/\{\w+\}/g, "[^/]+")}$`),
      methods: hasHead ? ["GET", "HEAD"] : [route.method],
    });
    this.#pages.add(this.#app, route);
    this.#app.route({
      method: route.method,
      url: route.path.replaceAll(/\{(\w+)\}/g, ":$1"),
      // RFC 9110, 9.1: whoever serves GET serves HEAD. A stream has no head to look at.
      exposeHeadRoute: hasHead,
      bodyLimit: route.body === "bytes" ? this.#needs.maximumBody : managementBody,
      // Before the body is read: strangers do not fill our memory.
      onRequest: async (request, reply) => this.#admit(route, request, reply),
      preParsing: async (request, reply, payload) => {
        this.#expect(route, request, reply);
        return payload;
      },
      handler: async (request, reply) => this.#answer(handler, request, reply),
    });
  }

  async #greet(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    void reply.headers(greeting(request.id));
    if (credentialIn(request.url)) {
      await this.#needs.exposure.inUrl(request.url, request.ip);
      throw new Refusal("credential.exposed");
    }
  }

  /** What can be said before anybody is asked anything. */
  #look(request: FastifyRequest, reply: FastifyReply): void {
    if (request.headers.host === undefined && request.raw.httpVersion === "1.1") {
      throw new Refusal("request.malformed", { faults: [{ path: "Host", message: "missing (RFC 9112, 3.2)" }] });
    }
    if (request.is404) throw this.#notFound(request, reply);
  }

  async #admit(route: Route, request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const { guard, entrance, accounts, arrivals } = this.#needs;
    const { needs, method, openTo, session, errand } = route;
    this.#routes.set(request, route);
    if (route.speaks === "est") takeBasic(request.headers);
    if (session !== undefined && session !== "begins") {
      await this.#admitSession(route, request, reply);
      if (route.isCostly) guard.charge(request.ip);
      return;
    }
    if (needs === "public") {
      // Else a page of another site could sign a browser in as somebody who waits for what she writes there.
      if (errand || session === "begins") refuseForeign(request.headers, errand ? "demanded" : "where it is sent");
      if (method === "POST" && !route.isPolled && !route.isCounted) guard.charge(request.ip); // a slow hash each
      return;
    }
    const isOpen = openTo === "thisMachine" && isFromThisMachine(request.ip, request.headers);
    if (isOpen && credentialText(request.headers) === undefined) return;
    if (request.headers["dpop"] !== undefined) void reply.header("DPoP-Nonce", entrance.nonce); // RFC 9449, 8.2
    const caller = await this.#pages.caller(route, request, reply).catch((error: unknown) => {
      if (wasRefused(error)) arrivals.judge(socketOf(request), "refused");
      throw error;
    });
    if (route.isCostly) guard.charge(request.ip);
    arrivals.judge(socketOf(request), "welcome");
    this.#callers.set(request, caller);
    const account = await accounts.ready(caller.space);
    this.#quotas.draw(caller, request.ip, (headers) => void reply.headers(headers));
    this.#metering.count(caller, { request, reply, needs }, account);
  }

  async #admitSession(route: Route, request: FastifyRequest, reply: FastifyReply): Promise<void> {
    try {
      const session = await this.#needs.entrance.session(askingOf(request));
      // What belongs to a person is not for whoever an organisation's provider says is that person.
      if (session.by && route.session !== "ends" && !route.alsoByProvider) throw new Refusal("provider.limited");
      this.#sessions.set(request, session);
    } catch (error) {
      forgetOver(error, reply);
      throw error;
    }
  }

  /** A body is about to arrive. */
  #expect(route: Route, request: FastifyRequest, reply: FastifyReply): void {
    const encoding = request.headers["content-encoding"];
    // What is delivered may be compressed: its verb inflates it, within its ceilings.
    if (route.body !== "bytes" && encoding !== undefined && encoding !== "identity")
      throw new Refusal("request.mediaType", { detail: "Send the body as it is, without Content-Encoding." });
    const limit = route.body === "bytes" ? this.#needs.maximumBody : managementBody;
    if (Number(request.headers["content-length"]) > limit) throw new Refusal("request.tooLarge");
    // Fastify takes a body of HTTP/2 without type and length for none.
    if (route.body !== undefined && !route.speaks) request.headers["content-type"] ??= "application/json";
    if (/^100-continue$/i.test(request.headers.expect ?? "")) reply.raw.writeContinue();
    if (request.method === "GET" || request.method === "HEAD") return; // whose body nobody reads
    const late = this.#needs.timers.after(bodyDeadline, () => {
      if (request.raw.httpVersionMajor === 1) void reply.header("Connection", "close"); // HTTP/2 knows no such thing
      void this.#fail(new Refusal("request.tooSlow"), request, reply);
    });
    this.#late.set(request, late);
    reply.raw.once("close", () => late.cancel());
  }

  async #answer(handler: Handler, request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
    const { route } = handler;
    this.#late.get(request)?.cancel();
    const caller = this.#callers.get(request);
    const boundTo = route.needs === "publishedKey" ? this.#needs.entrance.boundTo(askingOf(request)) : undefined;
    const page = this.#pages.of(request);
    const errand = route.errand === "ends" ? errandIn(request.headers) : undefined;
    // Whatever comes of it: it is good for one end.
    if (route.errand === "ends") void reply.header("Set-Cookie", noErrand);
    const asked = { ...askedOf(route, request, caller), session: this.#sessions.get(request), boundTo, page, errand };
    // After all else that is asked of it: what would be refused anyway asks nobody who she is.
    if (route.isConfirmed) await this.#needs.entrance.refuseUnconfirmed(askingOf(request));
    if (route.reply === "stream") return this.#needs.live.serve(asked as never, reply); // the one stream there is
    if (route.reply === "download") {
      const file = (await handler.handle(asked as never)) as Download; // by the route's type
      const { timers, report } = this.#needs;
      void sendDownload(reply, file, { timers, report, sent: (bytes) => this.#metering.sent(request, bytes) });
      return reply;
    }
    const handle = () => handler.handle(asked as never); // `on` paired the route with a handler of its shape
    const work = route.isPolled ? () => this.#needs.guard.admit(request.ip, handle) : handle;
    const key = request.headers["idempotency-key"];
    const mayReplay =
      caller &&
      route.method === "POST" &&
      route.needs !== "publishedKey" &&
      route.body !== "bytes" &&
      typeof key === "string";
    if (route.session !== undefined || route.errand !== undefined)
      return sendSessionReply(handler, request, reply, await work());
    if (!mayReplay) return sendReply(handler, request, reply, await work());
    const { params, query, body } = asked;
    const question = { caller, route, key, asked: { params, query, body } };
    const { reply: value, isReplay } = await this.#needs.replays.once(question, work);
    if (isReplay) void reply.header("Idempotency-Replayed", "true");
    return sendReply(handler, request, reply, value);
  }

  /** RFC 9110, 15.5.6: an address that takes other methods says which. */
  #notFound({ url }: FastifyRequest, reply: FastifyReply): Refusal {
    const path = pathOf(url);
    const methods = this.#addresses.filter(({ pattern }) => pattern.test(path)).flatMap((address) => address.methods);
    if (methods.length === 0) return new Refusal("route.unknown");
    void reply.header("Allow", methods.join(", "));
    return new Refusal("route.method");
  }

  async #fail(error: unknown, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const refusal = refusalOf(error);
    if (!refusal) {
      const about = { requestId: request.id, route: request.routeOptions.url };
      this.#needs.report("a request failed by our own fault", { ...because(error), ...about });
    }
    if (refusal) this.#tell(refusal, request);
    const problem = refusal ? problemOf(refusal, request.id) : faultOf(request.id);
    if (refusal) void reply.headers({ ...headersOf(refusal), ...this.#nonceFor(refusal) });
    const route = this.#routes.get(request);
    // Its clients send a password when they are asked for one.
    if (route?.speaks === "est" && problem.status === 401) void reply.header("WWW-Authenticate", basic);
    return sendProblem(reply, problem, route);
  }

  /** RFC 9449, 8: what the next proof has to hold. */
  #nonceFor({ code }: Refusal): Readonly<Record<string, string>> {
    return code.startsWith("proof.") ? { "DPoP-Nonce": this.#needs.entrance.nonce } : {};
  }

  /** Whoever watches the device that it was refused to sees it, and, if it is nobody's, whoever looks out for strangers. */
  #tell(refusal: Refusal, request: FastifyRequest): void {
    const { liveRefusals, strangers } = this.#needs;
    const route = this.#routes.get(request);
    if (!route) return;
    const { body, headers } = request;
    const size = body instanceof Uint8Array ? body.length : Number(headers["content-length"] ?? Number.NaN);
    const refused = refusedToDevice({
      route,
      params: request.params as Readonly<Record<string, string>>, // the router made it from the path
      caller: this.#callers.get(request),
      refusal,
      size: Number.isInteger(size) ? size : undefined,
    });
    if (refused) liveRefusals.tell(refused);
    else if (route.needs !== "public" && !this.#callers.has(request))
      strangers.tellRefused(refusal, { address: request.ip, transport: "http" });
  }

  /** What the router refuses comes here without having been greeted. */
  async #failEarly(error: Error, request: FastifyRequest, reply: FastifyReply): Promise<void> {
    try {
      await this.#greet(request, reply);
      await this.#fail(error, request, reply);
    } catch (refused) {
      await this.#fail(refused, request, reply);
    }
  }

  /** HTTP/1.1 only: bytes that are no request, heads that are too large, requests that Node gave up waiting for. */
  #unreadable(error: Error, socket: Socket): void {
    const refusal = refusalOf(error);
    if (!socket.writable || !refusal) return void socket.destroy();
    socket.end(rawAnswer(refusal, this.#newId()));
    this.#needs.timers.after(linger, () => socket.destroy()); // at once would lose the answer while more comes in
  }

  #newId(): string {
    return newRequestId(this.#needs.random);
  }
}
