import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { Refusal, type Id, type Random, type Timers } from "@holdfast/kernel";
import { orgHeader, routes, watchHello } from "@holdfast/protocol";
import type { FastifyReply } from "fastify";
import type { RawData, WebSocket, WebSocketServer } from "ws";
import { silence, type Accounts, type Traffic } from "../../accounting/index.ts";
import { cameBy, type Caller } from "../../authority/index.ts";
import type { Arrivals } from "../arrivals.ts";
import { certificateOf, tlsOf } from "../port.ts";
import { wasRefused } from "../guard.ts";
import { webSocketServer } from "../web-sockets.ts";
import { allHeaders } from "./asking.ts";
import { cut } from "./deadlines.ts";
import { cookieOf, type Asking, type Entrance } from "./entrance.ts";
import { queryOf, refuseOtherPages } from "./pages.ts";
import { pathOf } from "./target.ts";
import { statusOf } from "./status.ts";
import type { Watcher, Watchers } from "./watchers.ts";

const heartbeat = 15_000; // milliseconds; so that proxies keep the stream, and dead ones are noticed
const helloDeadline = 10_000;

// RFC 6455, 7.4.2: 4000 to 4999 are ours. The HTTP status of the same refusal, plus 4,000.
const closeCode = (refusal: Refusal): number => 4_000 + statusOf[refusal.code];

type Needs = {
  readonly watchers: Watchers;
  readonly entrance: Entrance;
  readonly accounts: Accounts;
  readonly arrivals: Pick<Arrivals, "settle" | "judge">;
  readonly timers: Timers;
  readonly random: Random;
};

/** Strangers are looked out for by whoever sets devices up; customers have theirs. */
const maySeeStrangers = ({ credential }: Caller): boolean => credential.kind !== "applicationUser";

/** What somebody wants to watch. */
type Wish = {
  readonly device?: Id<"device"> | undefined;
  readonly devices?: readonly Id<"device">[] | undefined;
  readonly strangers?: "true" | "false" | undefined;
};

const namedBy = ({ device, devices }: Wish): ReadonlySet<Id<"device">> | undefined =>
  device || devices ? new Set([...(device ? [device] : []), ...(devices ?? [])]) : undefined;

/** `GET /v1/live`: readings as they are kept, refusals, and who comes and goes, as server-sent events or over a WebSocket. */
export class Live {
  readonly #needs: Needs;
  readonly #sockets: WebSocketServer;

  constructor(needs: Needs) {
    this.#needs = needs;
    this.#sockets = webSocketServer(needs.random, { maxPayload: 16 * 1024 });
  }

  /** Takes the answer over from Fastify: an event stream has no end of its own. */
  serve(asked: { caller: Caller; query: Wish }, reply: FastifyReply): void {
    const { watchers } = this.#needs;
    const { caller } = asked;
    const devices = namedBy(asked.query);
    for (const one of devices ?? []) caller.permit("telemetry.read", one);
    const out = reply.raw;
    const counters = silence();
    const watcher: Watcher = {
      caller,
      over: "eventStream",
      address: reply.request.ip,
      counters,
      devices,
      lookout: maySeeStrangers(caller) && asked.query.strangers === "true" ? reply.request.ip : undefined,
      waiting: () => out.writableLength,
      send: (event, json) => void out.write(counting(counters, `event: ${event}\ndata: ${json}\n\n`)),
      end: () => void out.end(),
      cut: () => cut(out),
    };
    watchers.add(watcher);
    reply.hijack();
    const beat = this.#every(heartbeat, () => void out.write(":\n\n"));
    out.on("error", () => out.destroy());
    out.once("close", () => {
      beat.cancel();
      watchers.remove(watcher);
    });
    const headers = Object.entries(reply.getHeaders()).filter(([, value]) => value !== undefined);
    out.writeHead(200, { ...Object.fromEntries(headers), "content-type": "text/event-stream; charset=utf-8" });
    out.write(": Readings follow as they are kept, and refusals as they happen.\n\n");
  }

  /**
   * A WebSocket shows its credential in a header, or, from a browser, in its first frame (`watchHello`). A browser sends a cookie
   * with it to whatever page asks, so its origin is looked at before anything else.
   */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const { headers } = request;
    const { remoteAddress: address = "" } = request.socket;
    const asking = {
      headers: allHeaders(request),
      address,
      came: {
        ...cameBy("wss", address, tlsOf(request.socket), headers.origin),
        certificate: certificateOf(request.socket),
      },
      method: "GET",
      path: pathOf(request.url),
      isSafe: false,
    };
    this.#sockets.handleUpgrade(request, socket, head, (connection) => {
      connection.on("error", () => connection.terminate());
      const begin = (read: () => Hello) => {
        const began = this.#begin(connection, asking, query["key"], read);
        began
          .then(() => {
            this.#needs.arrivals.settle(request.socket);
            this.#needs.arrivals.judge(request.socket, "welcome");
          })
          .catch((error: unknown) => {
            if (wasRefused(error)) this.#needs.arrivals.judge(request.socket, "refused");
            if (error instanceof Refusal) connection.close(closeCode(error), error.code);
            else connection.close(1011, "fault");
          });
      };
      const query = Object.fromEntries(new URLSearchParams((request.url ?? "").split("?", 2)[1] ?? ""));
      const wish = wishIn(query);
      if (hasCredential(request) || !counts(asking)) return begin(() => ({ ...wish() }));
      const deadline = this.#needs.timers.after(helloDeadline, () => connection.close(4_408, "request.tooSlow"));
      connection.once("close", () => deadline.cancel());
      connection.once("message", (data) => {
        deadline.cancel();
        begin(() => ({ ...wish(), ...helloIn(data) }));
      });
    });
  }

  close(): void {
    this.#needs.watchers.close();
    for (const connection of this.#sockets.clients) connection.close(1001, "stopping");
    this.#sockets.close();
  }

  async #begin(connection: WebSocket, asking: Asking, key: string | undefined, read: () => Hello): Promise<void> {
    const { watchers, entrance, accounts } = this.#needs;
    const { device: one, devices: several, strangers, ...shown } = read();
    const devices = namedBy({ device: one, devices: several });
    const caller = await entrance.caller({ ...asking, headers: { ...asking.headers, ...headersOf(shown) } });
    await refuseOtherPages(entrance, asking, key, caller);
    caller.draw();
    if (!devices) caller.reach("telemetry.read");
    for (const each of devices ?? []) caller.permit("telemetry.read", each);
    await accounts.ready(caller.space);
    if (connection.readyState !== connection.OPEN) return;
    const counters = silence();
    const watcher: Watcher = {
      caller,
      over: "webSocket",
      address: asking.address,
      counters,
      devices,
      lookout: maySeeStrangers(caller) && strangers === "true" ? asking.address : undefined,
      waiting: () => connection.bufferedAmount,
      send: (event, json) => connection.send(counting(counters, `{"event":"${event}",${json.slice(1)}`)),
      end: () => connection.close(1000),
      cut: () => connection.terminate(),
    };
    watchers.add(watcher);
    let isAlive = true;
    connection.on("pong", () => (isAlive = true));
    const beat = this.#every(heartbeat, () => {
      if (!isAlive) return connection.terminate();
      isAlive = false;
      connection.ping();
    });
    connection.once("close", () => {
      beat.cancel();
      watchers.remove(watcher);
    });
  }

  #every(milliseconds: number, pulse: () => void): { cancel(): void } {
    const next = (): { cancel(): void } =>
      this.#needs.timers.after(milliseconds, () => {
        timer = next();
        pulse();
      });
    let timer = next();
    return { cancel: () => timer.cancel() };
  }
}

/** A text that is sent, on its way. */
function counting(counters: Traffic, text: string): string {
  counters.messagesOut += 1;
  counters.bytesOut += Buffer.byteLength(text);
  return text;
}

/** What a first frame says, or the headers have said before. */
type Hello = Wish & { readonly token?: string; readonly org?: Id<"org"> };

const headersOf = ({ token, org }: Pick<Hello, "token" | "org">) => ({
  ...(token !== undefined && { "x-auth-token": token }),
  ...(org !== undefined && { [orgHeader.toLowerCase()]: org }),
});

const hasCredential = ({ headers }: IncomingMessage): boolean =>
  [headers["x-auth-token"], headers.authorization, headers[orgHeader.toLowerCase()]].some((one) => one !== undefined);

/** Whether a cookie, if there is one, may be looked at; the refusal follows when somebody is there to be told. */
function counts(asking: Asking): boolean {
  try {
    cookieOf(asking);
    return true;
  } catch (error) {
    if (error instanceof Refusal) return false;
    throw error;
  }
}

/** Read when somebody is there to be told that it is malformed. */
const wishIn = (query: Readonly<Record<string, string>>) => (): Wish => {
  const read = routes.watch.query.safeParse(queryOf(routes.watch, query));
  if (!read.success) throw new Refusal("request.malformed");
  return read.data;
};

function helloIn(data: RawData): Hello {
  try {
    const read = watchHello.safeParse(JSON.parse(Buffer.isBuffer(data) ? data.toString() : ""));
    if (read.success) return read.data;
  } catch {
    // Not JSON: the same as any other frame that is no hello.
  }
  throw new Refusal("credential.missing");
}
