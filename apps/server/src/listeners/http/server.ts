import { createSecureServer, type Http2SecureServer } from "node:http2";
import type { Duplex } from "node:stream";
import type { TLSSocket } from "node:tls";
import { credentialIn } from "@holdfast/crypto";
import { Refusal, type Clock, type Random } from "@holdfast/kernel";
import fastify, { type FastifyBaseLogger, type FastifyInstance, type FastifyReply, type FastifyRequest } from "fastify";
import type { Authentication, Caller, Handler } from "../../authority/index.ts";
import type { Certificates } from "../../tls/index.ts";
import { askedOf, callerOf, sendReply } from "./answer.ts";
import type { Exposure } from "./exposure.ts";
import type { Live } from "./live.ts";
import { faultOf, placeOf, problemOf, problemType, refusalOf } from "./problem.ts";
import { RateLimit } from "../rate.ts";
import type { Replays } from "./replays.ts";

export type HttpNeeds = {
  readonly certificates: Certificates;
  readonly authentication: Authentication;
  readonly handlers: readonly Handler[];
  readonly live: Live;
  readonly replays: Replays;
  readonly exposure: Exposure;
  /** Of addresses that guess. Shared with the other listeners. */
  readonly guard: RateLimit;
  readonly clock: Clock;
  readonly random: Random;
  readonly host: string;
  readonly port: number;
  readonly maximumBody: number;
  /** Whoever owns another path's upgrades; `false` when nobody does. */
  readonly upgrade: (request: FastifyRequest["raw"], socket: Duplex, head: Buffer) => boolean;
  readonly report: (message: string, about?: Readonly<Record<string, unknown>>) => void;
};

const requestDeadline = 30_000; // milliseconds for a whole request to arrive
const headersDeadline = 10_000;
const farewell = 2_000; // milliseconds that open connections have to end when the platform stops

/** HTTPS: HTTP/2 and 1.1 on one port. Translates between requests and verbs, and decides nothing. */
export class HttpListener {
  readonly #needs: HttpNeeds;
  readonly #app: FastifyInstance;
  readonly #server: Http2SecureServer;
  readonly #sockets = new Set<Duplex>();
  readonly #perCaller: RateLimit;

  private constructor(needs: HttpNeeds) {
    this.#needs = needs;
    this.#perCaller = new RateLimit({ perSecond: 200, burst: 2_000 }, needs.clock);
    const tls = { ...needs.certificates.serverOptions(["h2", "http/1.1"]), allowHTTP1: true };
    this.#server = createSecureServer(tls);
    needs.certificates.attach(this.#server, tls);
    this.#app = fastify({
      // Fastify gives its handler and we give the server: ours knows its certificates.
      serverFactory: (handler) => this.#server.on("request", handler as never) as never,
      loggerInstance: silent,
      bodyLimit: needs.maximumBody,
      requestTimeout: requestDeadline,
      genReqId: () => `req_${needs.random.bytes(8).toHex()}`,
      trustProxy: false,
      routerOptions: { caseSensitive: true, ignoreTrailingSlash: false, maxParamLength: 128 },
      exposeHeadRoutes: false,
      forceCloseConnections: false,
    }) as never; // one of Fastify's many instance types: for a server that speaks both versions
  }

  static async open(needs: HttpNeeds): Promise<HttpListener> {
    const listener = new HttpListener(needs);
    listener.#prepare();
    await listener.#app.ready();
    await listener.#listen();
    return listener;
  }

  get port(): number {
    const address = this.#server.address();
    if (address === null || typeof address === "string") throw new Error("an HTTPS listener has a port");
    return address.port;
  }

  /** Event streams get a last event, everybody else two seconds. */
  async close(): Promise<void> {
    this.#needs.live.close();
    this.#server.close();
    await new Promise<void>((resolve) => {
      const force = setTimeout(() => {
        for (const socket of this.#sockets) socket.destroy();
        resolve();
      }, farewell);
      const done = () => {
        clearTimeout(force);
        resolve();
      };
      if (this.#sockets.size === 0) done();
      else for (const socket of this.#sockets) socket.once("close", () => this.#sockets.size === 0 && done());
    });
  }

  #prepare(): void {
    const app = this.#app;
    const server = this.#server as Http2SecureServer & { headersTimeout?: number; requestTimeout?: number };
    server.headersTimeout = headersDeadline;
    server.requestTimeout = requestDeadline;
    server.setTimeout(120_000);
    server.on("connection", (socket: Duplex) => {
      this.#sockets.add(socket);
      socket.once("close", () => this.#sockets.delete(socket));
    });
    server.on("secureConnection", (socket: TLSSocket) => socket.setNoDelay(true));
    server.on("upgrade", (request: FastifyRequest["raw"], socket: Duplex, head: Buffer) => {
      socket.on("error", () => socket.destroy());
      if (!this.#needs.upgrade(request, socket, head))
        socket.end("HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\n");
    });

    app.removeAllContentTypeParsers();
    app.addContentTypeParser("*", { parseAs: "buffer" }, (_request, body, done) => done(null, body));
    app.addHook("onRequest", async (request, reply) => this.#greet(request, reply));
    app.setErrorHandler(async (error, request, reply) => this.#fail(error, request, reply));
    app.setNotFoundHandler(async (request, reply) => this.#fail(new Refusal("route.unknown"), request, reply));
    for (const handler of this.#needs.handlers) this.#serve(handler);
  }

  #serve(handler: Handler): void {
    const { route } = handler;
    this.#app.route({
      method: route.method,
      url: route.path.replaceAll(/\{(\w+)\}/g, ":$1"),
      handler: async (request, reply) => {
        const caller = await this.#caller(handler, request);
        this.#limit(handler, caller, request, reply);
        const asked = await askedOf(route, request, caller);
        if (route.reply === "stream") return this.#needs.live.serve(asked as never, request, reply);
        const key = request.headers["idempotency-key"];
        const answer = () => handler.handle(asked as never); // `on` paired the route with a handler of its shape
        const value =
          caller && route.method === "POST" && typeof key === "string"
            ? await this.#needs.replays.once(
                { caller, route, key, asked: { params: asked.params, body: asked.body } },
                answer,
                (header) => reply.header("Idempotency-Replayed", header),
              )
            : await answer();
        return sendReply(handler, reply, request.url, value);
      },
    });
  }

  async #caller({ route }: Handler, request: FastifyRequest): Promise<Caller | undefined> {
    this.#needs.guard.check(request.ip);
    try {
      return await callerOf(route, request, this.#needs.authentication);
    } catch (error) {
      if (error instanceof Refusal && error.code === "credential.invalid") this.#needs.guard.take(request.ip);
      throw error;
    }
  }

  #limit({ route }: Handler, caller: Caller | undefined, request: FastifyRequest, reply: FastifyReply): void {
    // Set-up and sign-in cost a slow hash each, so strangers get few of them.
    const guarded = route.needs === "public" && route.method === "POST";
    if (guarded) this.#needs.guard.take(request.ip);
    if (!caller) return;
    const left = this.#perCaller.take(caller.credential.id);
    void reply.header("RateLimit", `limit=${this.#perCaller.burst}, remaining=${left}`);
  }

  async #greet(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    void reply.headers({
      "Strict-Transport-Security": "max-age=63072000",
      "X-Content-Type-Options": "nosniff",
      "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
      "Referrer-Policy": "no-referrer",
      "Cache-Control": "no-store",
      "X-Request-Id": request.id,
    });
    if (credentialIn(request.url)) {
      await this.#needs.exposure.found(request.url, request.ip);
      throw new Refusal("credential.exposed");
    }
    const encoding = request.headers["content-encoding"];
    if (encoding !== undefined && encoding !== "identity") {
      throw new Refusal("request.mediaType", { detail: "Send the body as it is, without Content-Encoding." });
    }
  }

  async #fail(error: unknown, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const refusal = refusalOf(error);
    if (!refusal) {
      // The kind and place of our own fault; never its message, which may quote what was sent.
      this.#needs.report("a request failed by our own fault", {
        requestId: request.id,
        route: request.routeOptions.url,
        fault: placeOf(error),
      });
    }
    const problem = refusal ? problemOf(refusal, request.id) : faultOf(request.id);
    if (refusal?.retryAfterSeconds !== undefined) void reply.header("Retry-After", refusal.retryAfterSeconds);
    if (problem.status === 401) void reply.header("WWW-Authenticate", 'Bearer realm="holdfast"');
    return reply.code(problem.status).type(problemType).send(problem);
  }

  #listen(): Promise<void> {
    const { host, port } = this.#needs;
    return new Promise((resolve, reject) => {
      this.#server.once("error", (cause: NodeJS.ErrnoException) => {
        reject(
          cause.code === "EADDRINUSE"
            ? new Refusal("port.taken", { cause, detail: `HTTPS wants ${host}:${port}.` })
            : cause,
        );
      });
      this.#server.listen(port, host, resolve);
    });
  }
}

const silent = {
  level: "silent",
  fatal() {},
  error() {},
  warn() {},
  info() {},
  debug() {},
  trace() {},
  silent() {},
  child: () => silent,
} satisfies FastifyBaseLogger as FastifyBaseLogger;
