import type { IncomingMessage, ServerResponse } from "node:http";
import { constants, type Http2SecureServer, type Http2ServerRequest, type Http2ServerResponse } from "node:http2";
import type { TLSSocket } from "node:tls";
import type { Timers } from "@holdfast/kernel";
import type { Arrivals } from "../arrivals.ts";

/** Milliseconds from the handshake to the first request, head and all. The handshake has a deadline of its own. */
const untilFirst = 10_000;
/** Milliseconds from one answer to the next request. */
export const untilNext = 60_000;
/** Milliseconds that the rest of a request may still take to arrive after it was answered. Hanging up at once could lose the answer. */
export const linger = 2_000;

export type AnyRequest = IncomingMessage | Http2ServerRequest;
export type AnyResponse = ServerResponse | Http2ServerResponse;

/** Ends an answer at once, and of HTTP/2 no more than that: what waits for its reader is dropped. */
export function cut(response: AnyResponse): void {
  // Destroying it would be a polite end (NO_ERROR) to the client, and that waits for the reader.
  if ("stream" in response) response.stream?.close(constants.NGHTTP2_CANCEL);
  else response.destroy();
}

/** Whether its client has hung up. */
export const isGone = (response: AnyResponse): boolean =>
  // The types do not say that of HTTP/2 there is no stream any more behind an answer that is over.
  "stream" in response
    ? (response.stream as { destroyed: boolean } | undefined)?.destroyed !== false
    : response.destroyed;

/** What is hung up on: the socket of HTTP/1.1, the session of HTTP/2. */
interface Line {
  destroy(): unknown;
  once(event: "close", listener: () => void): unknown;
}

type State = { open: number; timer: { cancel(): void } };

type Needs = { readonly timers: Timers; readonly arrivals: Pick<Arrivals, "settle"> };

/**
 * Whoever holds a connection without asking anything is hung up on, however slowly the bytes of a head trickle in. Node's own
 * timers look at one of the two versions only, and know nothing of the platform's clock.
 */
export class Deadlines {
  readonly #timers: Timers;
  readonly #arrivals: Pick<Arrivals, "settle">;
  readonly #lines = new WeakMap<Line, State>();

  constructor({ timers, arrivals }: Needs) {
    this.#timers = timers;
    this.#arrivals = arrivals;
  }

  watch(server: Http2SecureServer): void {
    // A client of HTTP/2 shows itself by its session; everybody else on a secure connection speaks HTTP/1.1.
    server.on("session", (session) => this.#begin(session));
    server.on("secureConnection", (socket: TLSSocket) => {
      if (socket.alpnProtocol !== "h2") this.#begin(socket);
    });
    server.on("request", (request: AnyRequest, response: AnyResponse) => this.#asked(request, response));
    server.on("upgrade", (request: IncomingMessage) => this.#lines.get(request.socket)?.timer.cancel());
  }

  #begin(line: Line): void {
    const state: State = { open: 0, timer: this.#timers.after(untilFirst, () => void line.destroy()) };
    this.#lines.set(line, state);
    line.once("close", () => state.timer.cancel());
  }

  #asked(request: AnyRequest, response: AnyResponse): void {
    const session = "stream" in request ? request.stream.session : undefined;
    const line: Line = session ?? request.socket;
    const state = this.#lines.get(line);
    if (!state) return;
    this.#arrivals.settle(session?.socket ?? request.socket);
    state.open += 1;
    state.timer.cancel();
    // Of HTTP/2 the stream says when the answer was written: the response says so only when it is closed.
    const writer = "stream" in request ? request.stream : response;
    writer.once("finish", () => this.#letGo(request, response));
    response.once("close", () => {
      state.open -= 1;
      if (state.open === 0) state.timer = this.#timers.after(untilNext, () => void line.destroy());
    });
  }

  /** Answered before all of it was there. */
  #letGo(request: AnyRequest, response: AnyResponse): void {
    if (request.complete) return;
    // RFC 9113, 8.1: tells the client that the rest is not wanted. It has the answer.
    if ("stream" in request) return request.stream.close(constants.NGHTTP2_NO_ERROR);
    const { socket } = request;
    const timer = this.#timers.after(linger, () => socket.destroy());
    const stop = () => timer.cancel();
    request.once("end", stop);
    response.once("close", () => socket.once("close", stop));
  }
}
