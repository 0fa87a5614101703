import assert from "node:assert/strict";
import { test } from "node:test";
import { everyRoute, routes, type Route } from "@holdfast/protocol";
import { openapiOf } from "./openapi.ts";

type Media = { schema: unknown };
type Parameter = { name: string; in: string; required?: boolean; schema: { type?: string } };
type Operation = {
  operationId: string;
  summary: string;
  security: Record<string, unknown>[];
  parameters: Parameter[];
  requestBody?: { required: boolean; content: Record<string, Media> };
  responses: Record<string, { description: string; content: Record<string, Media>; headers?: Record<string, unknown> }>;
};
type Description = {
  openapi: string;
  info: { title: string; version: string };
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, unknown>; securitySchemes: Record<string, unknown> };
};

const every: readonly Route[] = Object.values(everyRoute);
const handlers = every.map((route) => ({ route, handle: async () => undefined }));
// As a client reads it.
const description = JSON.parse(JSON.stringify(openapiOf(handlers, "1.2.3"))) as Description;

test("the description has every operation, and no other", () => {
  const described = Object.entries(description.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  );
  assert.deepEqual(new Set(described), new Set(every.map(({ method, path }) => `${method} ${path}`)));
  assert.equal(described.length, every.length);
  assert.equal(description.openapi, "3.1.0");
  assert.equal(description.info.version, "1.2.3");
  const ids = Object.values(description.paths).flatMap((methods) => Object.values(methods).map((o) => o.operationId));
  assert.deepEqual(new Set(ids), new Set(Object.keys(everyRoute)));
});

for (const [name, route] of Object.entries(everyRoute)) {
  test(`${name} is described as it is served`, () => {
    const operation = description.paths[route.path]?.[route.method.toLowerCase()] ?? assert.fail();
    assert.equal(operation.summary, route.summary);
    const asksSession = route.session !== undefined && route.session !== "begins";
    assert.equal(operation.security.length > 0, route.needs !== "public" || asksSession);

    const named = (where: string) => operation.parameters.filter((parameter) => parameter.in === where);
    const inPath = [...route.path.matchAll(/\{(\w+)\}/g)].map(([, parameter]) => parameter);
    assert.deepEqual(
      named("path").map((parameter) => parameter.name),
      inPath,
    );
    assert.ok(named("path").every(({ required }) => required));
    assert.deepEqual(
      named("query").map((parameter) => parameter.name),
      [...Object.keys(route.query?.shape ?? {}), ...(route.pages ? ["key"] : [])],
    );
    for (const { schema, name: parameter } of operation.parameters) assert.ok(schema.type, `${parameter} has a type`);

    assert.equal(operation.requestBody !== undefined, route.body !== undefined);
    const form = operation.requestBody?.content["application/x-www-form-urlencoded"];
    const json = operation.requestBody?.content["application/json"];
    if (route.speaks === "influx") assert.ok(operation.requestBody?.content["text/plain"]);
    else if (route.speaks === "est" && route.body) assert.ok(operation.requestBody?.content["application/pkcs10"]);
    else if (route.body === "bytes") assert.ok(operation.requestBody?.content["application/senml+cbor"]);
    // RFC 6749, 3.2: what is not known in a form is passed over.
    else if (route.speaks && route.body) assert.partialDeepStrictEqual(form?.schema, { type: "object" });
    else if (route.body) assert.partialDeepStrictEqual(json?.schema, { type: "object", additionalProperties: false });

    const { [String(route.status ?? 200)]: success, default: refusal } = operation.responses;
    const kinds = route.status === 204 ? 0 : (route.media?.length ?? (route.csv ? 2 : 1));
    assert.ok(success?.description && Object.keys(success.content ?? {}).length === kinds);
    assert.equal(success.headers?.["Location"] !== undefined, route.location !== undefined);
    const problem = { $ref: "#/components/schemas/Problem" };
    if (route.speaks && route.speaks !== "est") {
      assert.partialDeepStrictEqual(refusal?.content["application/json"]?.schema, { allOf: [problem, {}] });
    } else assert.deepEqual(refusal?.content, { "application/problem+json": { schema: problem } });
    assert.equal(route.status === 201, route.location !== undefined, "what is made is somewhere");
  });
}

test("the live stream is described event by event, and each field that needs words has them", () => {
  const answer = description.paths["/v1/live"]?.["get"]?.responses["200"] ?? assert.fail();
  const events = Reflect.get(answer.content["text/event-stream"] ?? {}, "x-events") as Record<
    string,
    { properties: Record<string, { description?: string }>; required: string[] }
  >; // as the test above: what a client reads
  assert.deepEqual(Object.keys(events), Object.keys(routes.watch.events));
  for (const name of Object.keys(events)) assert.match(answer.description, new RegExp(`- \`${name}\`: .`));
  const { properties, required } = events["refused"] ?? assert.fail();
  assert.deepEqual(required, ["device", "at", "action", "transport", "code", "title"]);
  for (const field of ["action", "topic", "omitted", "because"]) assert.ok(properties[field]?.description, field);
});

test("every reference leads somewhere within the description", () => {
  const refs = [...JSON.stringify(description).matchAll(/"\$ref":"([^"]*)"/g)].map(([, ref = ""]) => ref);
  assert.ok(refs.length > 0);
  for (const ref of new Set(refs)) {
    assert.match(ref, /^#\//);
    let at: unknown = description;
    for (const step of ref.slice(2).split("/"))
      at = Reflect.get(Object(at), step.replaceAll("~1", "/").replaceAll("~0", "~"));
    assert.equal(typeof at, "object", ref);
  }
  for (const { security } of Object.values(description.paths).flatMap((methods) => Object.values(methods))) {
    for (const scheme of security.flatMap(Object.keys)) assert.ok(description.components.securitySchemes[scheme]);
  }
});
