import { allActions, problem, type Route } from "@holdfast/protocol";
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
      description: `Errors are RFC 9457 problems with a stable \`code\`. Actions: ${allActions.join(", ")}.`,
      license: { name: "Apache-2.0", identifier: "Apache-2.0" },
    },
    paths,
    components: {
      schemas: { Problem: schema(problem, "output") },
      securitySchemes: {
        token: { type: "apiKey", in: "header", name: "X-Auth-Token" },
        bearer: { type: "http", scheme: "bearer" },
      },
    },
  };
}

function operation(route: Route): Record<string, unknown> {
  const { needs, reply } = route;
  const secured = needs === "public" ? [] : [{ token: [] }, { bearer: [] }];
  const success =
    reply === "stream"
      ? { description: "Server-sent events", content: { "text/event-stream": {} } }
      : reply === "text"
        ? { description: "Text", content: { "text/plain": {} } }
        : { description: "Done", content: { "application/json": { schema: schema(reply, "output") } } };
  return {
    summary: route.summary,
    "x-needs": needs,
    security: secured,
    parameters: [...pathParameters(route), ...queryParameters(route)],
    ...(route.body !== undefined && { requestBody: bodyOf(route.body) }),
    responses: {
      [route.status ?? 200]: success,
      default: {
        description: "A refusal",
        content: { "application/problem+json": { schema: { $ref: "#/components/schemas/Problem" } } },
      },
    },
  };
}

const bodyOf = (body: Exclude<Route["body"], undefined>) =>
  body === "bytes"
    ? {
        required: true,
        content: {
          "application/json": {},
          "application/senml+json": {},
          "application/senml+cbor": {},
          "application/cbor": {},
        },
      }
    : { required: true, content: { "application/json": { schema: schema(body, "input") } } };

const pathParameters = ({ path }: Route) =>
  [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name,
    in: "path",
    required: true,
    schema: { type: "string" },
  }));

const queryParameters = ({ query }: Route) =>
  Object.entries(query?.shape ?? {}).map(([name, shape]) => ({
    name,
    in: "query",
    required: !(shape as z.ZodType).safeParse(undefined).success, // a query's fields are zod's own types
    schema: schema(shape as z.ZodType, "input"),
  }));

const schema = (shape: z.ZodType, io: "input" | "output"): unknown => {
  const { $schema: _, ...rest } = z.toJSONSchema(shape, { io, unrepresentable: "any" });
  return rest;
};
