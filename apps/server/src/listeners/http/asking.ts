import { Http2ServerRequest } from "node:http2";
import type { IncomingHttpHeaders } from "node:http";
import type { FastifyRequest } from "fastify";
import { cameBy } from "../../authority/index.ts";
import { groupOf } from "../group.ts";
import { certificateOf, tlsOf } from "../port.ts";
import type { Asking } from "./entrance.ts";
import { pathOf } from "./target.ts";

/** Node keeps the first `Authorization` of several (http: message.headers), and whatever stands before us may have gone by another. */
export function allHeaders(request: {
  readonly headers: IncomingHttpHeaders;
  readonly rawHeaders: readonly string[];
}): Asking["headers"] {
  const { headers, rawHeaders } = request;
  const isName = (name: string, at: number) => at % 2 === 0 && name.toLowerCase() === "authorization";
  const authorization = rawHeaders.flatMap((name, at) => (isName(name, at) ? [rawHeaders[at + 1] ?? ""] : []));
  return authorization.length > 1 ? { ...headers, authorization } : headers;
}

/** Of a request, what says who asks. */
export const askingOf = (request: FastifyRequest): Asking => {
  const { ip, method, raw } = request;
  const { socket } = raw;
  const headers = allHeaders(raw);
  const way = cameBy("https", ip, tlsOf(socket), request.headers.origin);
  const came = { ...way, group: groupOf(socket), certificate: certificateOf(socket) };
  return {
    headers,
    address: ip,
    came,
    method,
    path: pathOf(request.url),
    isSafe: method === "GET" || method === "HEAD",
  };
};

/** Of HTTP/2 the one below its session. */
export const socketOf = ({ raw }: FastifyRequest): object =>
  (raw instanceof Http2ServerRequest && raw.stream.session?.socket) || raw.socket;
