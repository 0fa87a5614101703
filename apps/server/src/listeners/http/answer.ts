import { isId, Refusal, type Fault } from "@holdfast/kernel";
import type { Route } from "@holdfast/protocol";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { z } from "zod";
import { permitReading, type Caller, type Handler, type Raw, type Visit } from "../../authority/index.ts";
import { cookiesOf } from "./cookie.ts";
import { formOf } from "./oauth.ts";
import { queryOf } from "./pages.ts";
import { sendTable, wantsTable } from "./table.ts";
import { etagOf, isKnown, versionsIn } from "./etag.ts";

/** What a handler gets, made from a request: who asks, the permit, and what was sent, each in the shape the route says. */
export function askedOf(route: Route, request: FastifyRequest, caller: Caller | undefined) {
  const params = request.params as Readonly<Record<string, string>>; // the router made it from the path
  // Leave comes first where it can: who has none is not told what is wrong with the rest.
  const isInBody = typeof route.on === "object" && "body" in route.on;
  const early = isInBody ? undefined : allowedOf(route, caller, params, undefined);
  const query = route.query ? parse(route.query, queryOf(route, request.query), "query") : undefined;
  const body = bodyOf(route, request);
  const allowed = early ?? allowedOf(route, caller, params, body);
  const versions = route.versioned ? versionsIn(request.headers["if-match"]) : undefined;
  const { ip: address, headers } = request;
  const visit: Visit = { address, agent: headers["user-agent"] ?? "", origin: headers.origin, ...cookiesOf(headers) };
  return { ...allowed, params, query, body, versions, address, visit };
}

function allowedOf(route: Route, caller: Caller | undefined, params: Readonly<Record<string, string>>, body: unknown) {
  const { needs, on, openTo } = route;
  if (needs === "public") return {};
  if (!caller && openTo !== undefined) return {}; // `serve` has seen from where
  if (!caller) throw new Refusal("credential.missing");
  if (needs === "publishedKey" || needs === "applicationUser") {
    caller.refuseUnless(needs === "publishedKey" ? "application" : needs);
    return { caller };
  }
  if (needs === "signedIn") {
    caller.refuseIfPublic();
    return { caller };
  }
  if (on === "reach") return { caller, reach: caller.reach(needs) };
  const id = idAskedAbout(route, caller, params, body);
  // The route table pairs an action with a path or field of its kind; an id of another kind is in none of the maps that are asked.
  // A watch asks again, for what is live.
  if (needs === "telemetry.read" && isId("device", id)) return { caller, permit: permitReading(caller, id) };
  return { caller, permit: caller.permit(needs, id as Parameters<typeof caller.permit<typeof needs>>[1]) };
}

function idAskedAbout(
  { needs, on }: Route,
  caller: Caller,
  params: Readonly<Record<string, string>>,
  body: unknown,
): string {
  if (on === "own" || on === undefined || on === "reach") return caller.org;
  if (on === "me") return caller.device;
  if ("path" in on) return params[on.path] ?? "";
  const field: unknown =
    typeof body === "object" && body !== null ? Object.entries(body).find(([name]) => name === on.body)?.[1] : "";
  if (typeof field !== "string") throw new Error(`${needs} is asked about a field of the body that is no id`);
  return field;
}

function bodyOf(route: Route, request: FastifyRequest): unknown {
  if (route.body === undefined) return undefined;
  const bytes = request.body instanceof Uint8Array ? request.body : new Uint8Array();
  const contentType = request.headers["content-type"] ?? "";
  if (route.body === "bytes")
    return { bytes, contentType, encoding: request.headers["content-encoding"] } satisfies Raw;
  if (route.speaks === "oauth") return parse(route.body, formOf(bytes, contentType), "body");
  const isThere = bytes.length > 0 || contentType !== "";
  if (isThere && !/^application\/([\w.-]+\+)?json\s*(;|$)/i.test(contentType)) throw new Refusal("request.mediaType");
  return parse(route.body, json(bytes), "body");
}

function json(bytes: Uint8Array): unknown {
  if (bytes.length === 0) return {};
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    // Without the cause: it quotes the body.
    throw new Refusal("request.malformed", { faults: [{ path: "body", message: "not JSON in UTF-8" }] });
  }
}

const mostFaults = 32;

function parse(shape: z.ZodType, value: unknown, where: string): unknown {
  const parsed = shape.safeParse(value);
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.slice(0, mostFaults).map((issue): Fault => ({
    path: issue.path.length > 0 ? issue.path.map(String).join(".") : where,
    message: issue.message,
  }));
  throw new Refusal("request.malformed", { faults });
}

export function sendReply({ route }: Handler, request: FastifyRequest, reply: FastifyReply, value: unknown) {
  if (route.csv && wantsTable(request)) return sendTable(route.csv, request, reply, value);
  if (route.status === 204) return reply.code(204).send();
  if (route.speaks === "est") void reply.header("Content-Transfer-Encoding", "base64"); // RFC 7030, 4.1.3
  if (route.reply === "text") return reply.type(route.media?.[0] ?? "text/plain; charset=utf-8").send(value);
  const fields = new Map<string, unknown>(typeof value === "object" && value !== null ? Object.entries(value) : []);
  const etag = route.versioned && etagOf(fields.get("version"));
  if (etag) {
    void reply.header("ETag", etag);
    if (route.method === "GET" && isKnown(request.headers["if-none-match"], etag)) return reply.code(304).send();
  }
  if (route.location !== undefined) {
    const named = new Map([...Object.entries(request.params as Readonly<Record<string, string>>), ...fields]); // the router made the former from the path
    const filled = (_: string, name: string) => String(named.get(name));
    void reply.header("Location", route.location.replaceAll(/\{(\w+)\}/g, filled));
  }
  return reply.code(route.status ?? 200).send(value);
}
