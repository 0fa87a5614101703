import { everyRoute, oauthErrors, orgHeader, problem, sessionCookie, type Route } from "@holdfast/protocol";
import { z } from "zod";
import type { Handler } from "../../authority/index.ts";

/** OpenAPI 3.1, from the same data that the listener serves by. */
export function openapiOf(handlers: readonly Handler[], version: string): Record<string, unknown> {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const { route } of handlers) {
    const methods = (paths[route.path] ??= {});
    methods[route.method.toLowerCase()] = operation(route);
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "Holdfast",
      version,
      description:
        "Errors are RFC 9457 problems with a stable `code`. `x-needs` names the action that a grant has to allow; " +
        "`public` needs no credential, `signedIn` any. `x-confirmed` asks whoever comes with a session's cookie to have proved within ten " +
        "minutes who she is (POST /v1/account/confirmation); other credentials are not asked.",
      license: { name: "Apache-2.0", identifier: "Apache-2.0" },
    },
    servers: [{ url: "/" }],
    paths,
    components: {
      schemas: { Problem: schema(problem, "output") },
      securitySchemes: {
        token: { type: "apiKey", in: "header", name: "X-Auth-Token" },
        bearer: { type: "http", scheme: "bearer" },
        session: {
          type: "apiKey",
          in: "cookie",
          name: sessionCookie,
          description:
            "A person's browser. What changes something needs an `Origin` that is the platform's own; beside another credential it is refused.",
        },
      },
    },
  };
}

const refusal = {
  description: "A refusal",
  content: { "application/problem+json": { schema: { $ref: "#/components/schemas/Problem" } } },
};

/** RFC 6749, 5.2; what stands in every refusal is there as well. */
const oauthRefusal = {
  description: "A refusal",
  content: {
    "application/json": {
      schema: {
        allOf: [
          { $ref: "#/components/schemas/Problem" },
          {
            type: "object",
            properties: { error: { enum: oauthErrors }, error_description: { type: "string" } },
            required: ["error"],
          },
        ],
      },
    },
  },
};

/** As its clients read it; what stands in every refusal is there as well. */
const influxRefusal = {
  description: "A refusal",
  content: {
    "application/json": {
      schema: {
        allOf: [
          { $ref: "#/components/schemas/Problem" },
          { type: "object", properties: { message: { type: "string" } }, required: ["message"] },
        ],
      },
    },
  },
};

const refusals = { holdfast: refusal, est: refusal, oauth: oauthRefusal, influx: influxRefusal } as const;

const names = new Map<Route, string>(Object.entries(everyRoute).map(([name, route]) => [route, name]));

function operation(route: Route): Record<string, unknown> {
  return {
    operationId: names.get(route),
    summary: route.summary,
    "x-needs": route.needs,
    ...(route.isConfirmed && { "x-confirmed": true }),
    security: securityOf(route),
    parameters: [...pathParameters(route), ...queryParameters(route), ...headerParameters(route)],
    ...(route.body !== undefined && { requestBody: bodyOf(route.body, route.speaks) }),
    responses: {
      [route.status ?? 200]: { ...replyOf(route), ...headersOf(route) },
      default: refusals[route.speaks ?? "holdfast"],
    },
  };
}

function securityOf({ needs, openTo, session }: Route): Record<string, never[]>[] {
  if (session !== undefined && session !== "begins") return [{ session: [] }];
  return needs === "public" ? [] : [...(openTo ? [{}] : []), { token: [] }, { bearer: [] }, { session: [] }];
}

function replyOf({ reply, csv, media = [], events = {}, status }: Route): Record<string, unknown> {
  if (status === 204) return { description: "Done" };
  if (reply === "stream") return { description: storyOf(events), content: { "text/event-stream": streamOf(events) } };
  if (reply === "text") return { description: "Text", content: { [media[0] ?? "text/plain"]: textSchema } };
  if (reply === "download")
    return { description: "A file", content: Object.fromEntries(media.map((type) => [type, binarySchema])) };
  const table = csv && { "text/csv": textSchema };
  return { description: "Done", content: { "application/json": { schema: schema(reply, "output") }, ...table } };
}

/** OpenAPI 3.1 has no words for the events of a stream: they stand in the text, and their schemas under a name of our own. */
const storyOf = (events: NonNullable<Route["events"]>): string =>
  [
    "Server-sent events, each with one JSON object as `data`. Pass over those whose name you do not know.",
    ...Object.entries(events).map(([name, shape]) => `- \`${name}\`: ${shape.description ?? ""}`),
  ].join("\n");

const streamOf = (events: NonNullable<Route["events"]>) => ({
  ...textSchema,
  "x-events": Object.fromEntries(Object.entries(events).map(([name, shape]) => [name, schema(shape, "output")])),
});

const binarySchema = { schema: {} };

const textSchema = { schema: { type: "string" } };

function headersOf({ method, versioned, location, session }: Route): { headers?: Record<string, unknown> } {
  const hasTag = versioned && method !== "DELETE";
  const hasCookie = session !== undefined && session !== "asks";
  if (!hasTag && location === undefined && !hasCookie) return {};
  return {
    headers: {
      ...(hasTag && { ETag: header("The version in quotes, for If-Match.") }),
      ...(location !== undefined && { Location: header("Where it is now.") }),
      ...(hasCookie && { "Set-Cookie": header("The session's cookie, or its end.") }),
    },
  };
}

/** What is read by its verb, where that is not readings. */
const bodies: Partial<Record<NonNullable<Route["speaks"]>, readonly string[]>> = {
  influx: ["text/plain"],
  est: ["application/pkcs10"],
};

const header = (description: string) => ({ description, ...textSchema });

const anyBytes = { schema: {} };
const deliverable = [
  "application/json",
  "application/x-ndjson",
  "application/senml+json",
  "application/senml+cbor",
  "application/cbor",
  "application/x-influxdb-line-protocol",
];

const bodyOf = (body: Exclude<Route["body"], undefined>, speaks: Route["speaks"]) => ({
  required: true,
  content:
    body === "bytes"
      ? Object.fromEntries((bodies[speaks ?? "oauth"] ?? deliverable).map((type) => [type, anyBytes]))
      : { [speaks ? "application/x-www-form-urlencoded" : "application/json"]: { schema: schema(body, "input") } },
});

const pathParameters = ({ path }: Route) =>
  [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name,
    in: "path",
    required: true,
    schema: { type: "string" },
  }));

const queryParameters = ({ query, pages }: Route) => [
  ...Object.entries(query?.shape ?? {}).map(([name, shape]) => ({
    name,
    in: "query",
    required: !(shape as z.ZodType).safeParse(undefined).success, // a query's fields are zod's own types
    schema: schema(shape as z.ZodType, "input"),
  })),
  ...(pages ? [{ ...header("For pages of an application: its published key."), name: "key", in: "query" }] : []),
];

function headerParameters({ method, needs, body, versioned, on }: Route) {
  const optional = (name: string, description: string) => ({ ...header(description), name, in: "header" });
  const changes = versioned && method !== "GET" && typeof on === "object" && "path" in on;
  return [
    ...(needs === "public"
      ? []
      : [optional(orgHeader, "With a session's cookie alone, and then needed: as a member of which organisation.")]),
    ...(method === "POST" && needs !== "public" && needs !== "publishedKey" && body !== "bytes"
      ? [optional("Idempotency-Key", "1 to 255 characters. The same request with the same key is done once.")]
      : []),
    ...(changes ? [optional("If-Match", "ETags: done only while the thing is in one of these versions.")] : []),
    ...(versioned && method === "GET" ? [optional("If-None-Match", "ETags that need not be sent again.")] : []),
  ];
}

const schema = (shape: z.ZodType, io: "input" | "output"): unknown => {
  const { $schema: _, ...rest } = z.toJSONSchema(shape, { io, unrepresentable: "any" });
  return rest;
};
