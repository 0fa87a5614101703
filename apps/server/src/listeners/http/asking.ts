import type { FastifyRequest } from "fastify";
import { cameBy } from "../../authority/index.ts";
import { certificateOf, tlsOf } from "../port.ts";
import type { Asking } from "./entrance.ts";
import { pathOf } from "./target.ts";

/** Of a request, what says who asks. */
export const askingOf = (request: FastifyRequest): Asking => {
  const { headers, ip, method } = request;
  const { socket } = request.raw;
  const came = { ...cameBy("https", ip, tlsOf(socket), headers.origin), certificate: certificateOf(socket) };
  return {
    headers,
    address: ip,
    came,
    method,
    path: pathOf(request.url),
    isSafe: method === "GET" || method === "HEAD",
  };
};
