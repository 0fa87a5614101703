import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { isId, Refusal, type Id, type Timers } from "@holdfast/kernel";
import type { FastifyReply, FastifyRequest } from "fastify";
import { WebSocketServer, type WebSocket } from "ws";
import type { Authentication, Caller } from "../../authority/index.ts";
import { credentialText } from "./answer.ts";
import type { Watchers } from "./watchers.ts";

const heartbeat = 15_000; // milliseconds between comments, so that proxies keep the stream and dead ones are noticed
const authenticationDeadline = 10_000;

/** `GET /v1/live`: readings as they are kept, as server-sent events or over a WebSocket. */
export class Live {
  readonly #needs: { watchers: Watchers; authentication: Authentication; timers: Timers };
  readonly #sockets = new WebSocketServer({ noServer: true, maxPayload: 16 * 1024, perMessageDeflate: false });

  constructor(needs: { watchers: Watchers; authentication: Authentication; timers: Timers }) {
    this.#needs = needs;
  }

  /** Takes the connection over from Fastify: an event stream has no end of its own. */
  serve(
    asked: { caller: Caller; query: { device?: Id<"device"> } },
    _request: FastifyRequest,
    reply: FastifyReply,
  ): void {
    const { caller, query } = asked;
    const device = refuseUnreadable(caller, query.device);
    reply.hijack();
    const out = reply.raw;
    const headers = Object.entries(reply.getHeaders()).filter(([, value]) => value !== undefined);
    out.writeHead(200, { ...Object.fromEntries(headers), "content-type": "text/event-stream; charset=utf-8" });
    out.write(": Readings follow as they are kept.\n\n");
    const stop = this.#needs.watchers.add({
      caller,
      device,
      waiting: () => out.writableLength,
      send: (event, data) => void out.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`),
      end: () => out.end(),
    });
    const beat = this.#beat(() => void out.write(":\n\n"));
    out.once("close", () => {
      stop();
      beat.cancel();
    });
    out.on("error", () => out.destroy());
  }

  /** A WebSocket shows its credential in a header, or, from a browser, in its first frame: `{"token": "…", "device"?: "dev_…"}`. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    this.#sockets.handleUpgrade(request, socket, head, (connection) => {
      const deadline = this.#needs.timers.after(authenticationDeadline, () =>
        connection.close(4401, "no credential was shown"),
      );
      connection.once("close", () => deadline.cancel());
      connection.on("error", () => connection.terminate());
      const device = new URL(request.url ?? "/", "https://localhost").searchParams.get("device") ?? undefined;
      const begin = (token: string, wanted: unknown) => {
        deadline.cancel();
        this.#begin(connection, token, wanted).catch((error: unknown) => {
          connection.close(error instanceof Refusal ? 4403 : 1011, error instanceof Refusal ? error.code : "fault");
        });
      };
      try {
        const shown = credentialText(request.headers);
        if (shown !== undefined) return begin(shown, device);
      } catch {
        return connection.close(4403, "credential.invalid");
      }
      connection.once("message", (data: Buffer) => {
        const first = firstFrame(data);
        if (first) begin(first.token, first.device ?? device);
        else connection.close(4401, "credential.missing");
      });
    });
  }

  close(): void {
    this.#needs.watchers.close();
    for (const connection of this.#sockets.clients) connection.close(1001, "stopping");
    this.#sockets.close();
  }

  async #begin(connection: WebSocket, token: string, wanted: unknown): Promise<void> {
    const caller = await this.#needs.authentication.byText(token);
    caller.reach("telemetry.read");
    if (wanted !== undefined && (typeof wanted !== "string" || !isId("device", wanted)))
      throw new Refusal("id.malformed");
    const device = refuseUnreadable(caller, wanted);
    if (connection.readyState !== connection.OPEN) return;
    const stop = this.#needs.watchers.add({
      caller,
      device,
      waiting: () => connection.bufferedAmount,
      send: (event, data) => connection.send(JSON.stringify({ event, ...Object(data) })),
      end: () => connection.close(1000),
    });
    const beat = this.#beat(() => connection.ping());
    connection.once("close", () => {
      stop();
      beat.cancel();
    });
  }

  #beat(pulse: () => void): { cancel(): void } {
    const again = () =>
      this.#needs.timers.after(heartbeat, () => {
        pulse();
        timer = again();
      });
    let timer = again();
    return { cancel: () => timer.cancel() };
  }
}

function refuseUnreadable(caller: Caller, device: Id<"device"> | undefined): Id<"device"> | undefined {
  if (device !== undefined) caller.permit("telemetry.read", device);
  return device;
}

function firstFrame(data: Buffer): { token: string; device?: unknown } | undefined {
  try {
    const frame: unknown = JSON.parse(data.toString());
    if (typeof frame !== "object" || frame === null || !("token" in frame) || typeof frame.token !== "string")
      return undefined;
    return { token: frame.token, ...("device" in frame && { device: frame.device }) };
  } catch {
    return undefined; // not JSON: the same as no credential
  }
}
