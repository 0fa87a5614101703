import type { Duplex } from "node:stream";
import { Refusal, type Random } from "@holdfast/kernel";
import { WebSocketServer, type ServerOptions } from "ws";
import { newRequestId, rawAnswer } from "./http/problem.ts";

/** For connections that were HTTP until now. What cannot become a WebSocket is refused as any other request is: `ws` would answer in HTML. */
export function webSocketServer(random: Random, options: ServerOptions): WebSocketServer {
  const server = new WebSocketServer({ noServer: true, perMessageDeflate: false, ...options });
  // Its messages are constants that name a header.
  return server.on("wsClientError", ({ message }, socket) =>
    refuseHandshake(random, socket, { path: "Upgrade", message }),
  );
}

export function refuseHandshake(random: Random, socket: Duplex, fault: { path: string; message: string }): void {
  // RFC 6455, 4.4: whoever is refused is told which versions are spoken.
  const spoken = { "Sec-WebSocket-Version": "13, 8" };
  const refusal = new Refusal("request.malformed", { faults: [fault] });
  socket.once("finish", () => socket.destroy());
  socket.end(rawAnswer(refusal, newRequestId(random), spoken));
}
