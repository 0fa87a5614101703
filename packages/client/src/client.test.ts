import assert from "node:assert/strict";
import type { ServerResponse } from "node:http";
import { test } from "node:test";
import { newId, systemRandom } from "@holdfast/kernel";
import { routes } from "@holdfast/protocol";
import { Client } from "./index.ts";
import { nodeTransport } from "./node-transport.ts";
import { bodyOf, localhost, serve } from "./testing/server.ts";

const device = newId("device", systemRandom);
const application = newId("application", systemRandom);
const org = newId("org", systemRandom);
const time = "2026-01-01T00:00:00.000Z";

function json(response: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}): void {
  response.writeHead(status, { "content-type": "application/json", ...headers }).end(JSON.stringify(body));
}

const connect = (url: string, token?: string, patienceMs?: number): Client =>
  new Client({ url, token, patienceMs, transport: nodeTransport({ ca: localhost.cert }) });

test("a call sends what the route says and answers what its schema says", async (t) => {
  const url = await serve(t, async (request, response) => {
    const { authorization, "content-type": type, "idempotency-key": key, "if-match": match } = request.headers;
    assert.deepEqual([request.method, request.url, authorization], ["POST", "/v1/devices", "Bearer hf_x"]);
    assert.deepEqual([type, key, match], ["application/json", "once", '"7"']);
    const body: unknown = JSON.parse(await bodyOf(request));
    assert.deepEqual(body, { application, name: "Pumpe 1 °C" });
    const made = {
      id: device,
      state: "active",
      name: "Pumpe 1 °C",
      application,
      tags: {},
      createdAt: time,
      presence: { state: "never", connected: false },
      version: 7,
    };
    json(response, 201, {
      ...made,
      key: { id: newId("key", systemRandom), secret: "hs_1" },
      later: "a field of a later version",
    });
  });
  using client = closing(connect(url, "hf_x"));
  const made = await client.call(routes.createDevice, {
    body: { application, name: "Pumpe 1 °C" },
    idempotencyKey: "once",
    ifVersion: 7,
  });
  assert.equal(made.id, device);
  assert.equal(made.key.secret, "hs_1");
  assert.ok(!("later" in made));
});

test("connections are kept, and one that was closed meanwhile does not fail a call that only reads", async (t) => {
  const ports = new Set<number | undefined>();
  let calls = 0;
  const url = await serve(t, (request, response) => {
    ports.add(request.socket.remotePort);
    calls += 1;
    if (calls === 3) request.socket.destroy();
    else json(response, 200, { id: org, name: "Works", createdAt: time });
  });
  using client = closing(connect(url));
  await client.call(routes.readOrg);
  await client.call(routes.readOrg);
  assert.equal(ports.size, 1);
  assert.equal((await client.call(routes.readOrg)).name, "Works");
  assert.equal(calls, 4);
});

test("a change is never sent twice by itself", async (t) => {
  let calls = 0;
  const url = await serve(t, (request, response) => {
    calls += 1;
    if (request.method === "PATCH") request.socket.destroy();
    else json(response, 200, { id: org, name: "Works", createdAt: time });
  });
  using client = closing(connect(url));
  await client.call(routes.readOrg);
  await assert.rejects(client.call(routes.updateOrg, { body: { name: "Other" } }), {
    name: "NotReached",
    why: "unreachable",
  });
  assert.equal(calls, 2);
});

test("a refusal arrives with its code, sentence, faults and request id", async (t) => {
  const url = await serve(t, (_, response) => {
    const title = "Too many requests.";
    const errors = [{ path: "name", message: "too long" }];
    const body = {
      type: "about:blank",
      title,
      detail: "Slow down.",
      status: 429,
      code: "rate.exceeded",
      requestId: "r-1",
      errors,
    };
    json(response, 429, body, { "content-type": "application/problem+json", "retry-after": "7" });
  });
  using client = closing(connect(url));
  await assert.rejects(client.call(routes.readDevice, { params: { device } }), {
    name: "ApiProblem",
    message: "Too many requests. Slow down.",
    code: "rate.exceeded",
    status: 429,
    requestId: "r-1",
    faults: [{ path: "name", message: "too long" }],
    retryAfterSeconds: 7,
  });
});

test("an answer that is not the platform's is told apart from a refusal", async (t) => {
  const url = await serve(t, (request, response) => {
    if (request.url === "/v1/org") response.writeHead(502).end("<h1>Bad Gateway</h1>");
    else if (request.url === "/v1/me") response.writeHead(302, { location: "https://elsewhere.example/" }).end();
    else json(response, 200, { items: [{ id: "dev_1" }] });
  });
  using client = closing(connect(url, "hf_x"));
  await assert.rejects(client.call(routes.readOrg), { name: "StrangeReply", status: 502, from: "another program" });
  await assert.rejects(client.call(routes.whoAmI), { name: "StrangeReply", status: 302 });
  await assert.rejects(client.call(routes.listDevices), { name: "StrangeReply", status: 200, message: /items\.0\.id/ });
});

test("text and empty replies are read too", async (t) => {
  const url = await serve(t, (request, response) => {
    if (request.method === "DELETE") response.writeHead(204).end();
    else response.end("up 1\n");
  });
  using client = closing(connect(url));
  assert.equal(await client.call(routes.metrics), "up 1\n");
  assert.deepEqual(await client.call(routes.revokeCredential, { params: { credential: "tok_1" } }), {});
});

test("a body is sent as it is where the route takes bytes", async (t) => {
  const url = await serve(t, async (request, response) => {
    assert.equal(request.headers["content-type"], "application/senml+json");
    json(response, 200, { accepted: JSON.parse(await bodyOf(request)).length });
  });
  using client = closing(connect(url));
  const body = { contentType: "application/senml+json", content: '[{"n":"t","v":1}]' };
  assert.deepEqual(await client.call(routes.sendTelemetry, { body }), { accepted: 1 });
});

test("a call ends when its time or its caller says so", async (t) => {
  const url = await serve(t, (request, response) => {
    if (request.url === "/v1/org") response.writeHead(200).write("{"); // begins an answer and never ends it
  });
  using hasty = closing(connect(url, undefined, 50));
  await assert.rejects(hasty.call(routes.whoAmI), { name: "NotReached", why: "timedOut" });
  await assert.rejects(hasty.call(routes.readOrg), { name: "NotReached", why: "timedOut" });
  using client = closing(connect(url));
  const controller = new AbortController();
  const call = client.call(routes.readOrg, { signal: controller.signal });
  controller.abort(new Error("enough"));
  await assert.rejects(call, { message: "enough" });
});

const reading = { device, time, values: { a: 1, b: "on", c: true }, transport: "http", size: 24 };
const readingEvent = `event: reading\ndata: ${JSON.stringify(reading)}\n\n`;
const refused = { device, at: time, action: "connect", transport: "avian", code: "new.one", title: "No.", omitted: 2 };
const refusedEvent = `event: refused\ndata: ${JSON.stringify({ ...refused, added: "later" })}\n\n`;
const stream = { "content-type": "text/event-stream; charset=utf-8" };

test("a stream outlives the patience for one call, passes over what it does not know, and ends as the platform ends it", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  let end = () => {};
  const url = await serve(t, (request, response) => {
    assert.equal(request.url, `/v1/live?device=${device}`);
    response.writeHead(200, stream).write(`: hello\n\nevent: later\ndata: ?\n\n${readingEvent}${refusedEvent}`);
    end = () => response.end('event: end\ndata: {"because":"stopping"}\n\n');
  });
  using client = closing(connect(url, "hf_x", 1_000));
  const events: unknown[] = [];
  for await (const event of client.watch({ device })) {
    events.push(event);
    t.mock.timers.tick(120_000); // the reader takes its time
    if (events.length === 2) end();
  }
  assert.deepEqual(events, [
    { type: "reading", data: reading },
    { type: "refused", data: refused },
    { type: "end", data: { because: "stopping" } },
  ]);
});

test("a stream in which even the heartbeat is missing is given up", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const url = await serve(t, (_, response) => response.writeHead(200, stream).write(readingEvent));
  using client = closing(connect(url));
  const events = client.watch();
  assert.ok(!(await events.next()).done);
  const next = assert.rejects(events.next(), { name: "NotReached", why: "timedOut" });
  await new Promise((resolve) => setImmediate(resolve));
  t.mock.timers.tick(46_000);
  await next;
});

test("a stream that breaks says so, and one that is left lets go of its connection", async (t) => {
  let calls = 0;
  const left = Promise.withResolvers<void>();
  const url = await serve(t, (request, response) => {
    calls += 1;
    if (calls === 1) request.socket.on("close", () => left.resolve());
    response.writeHead(200, stream).write(readingEvent, () => calls === 2 && request.socket.destroy());
  });
  using client = closing(connect(url));
  for await (const event of client.watch()) {
    assert.equal(event.type, "reading");
    break;
  }
  await left.promise;
  await assert.rejects(Array.fromAsync(client.watch()), { name: "NotReached", why: "unreachable" });
});

test("a reading of another form than expected is not passed on", async (t) => {
  const url = await serve(t, (_, response) => response.writeHead(200, stream).end("event: reading\ndata: {}\n\n"));
  using client = closing(connect(url));
  await assert.rejects(Array.fromAsync(client.watch()), { name: "StrangeReply", from: "another version" });
});

test("a stream that is refused, or is none, says so before anything is read", async (t) => {
  let calls = 0;
  const url = await serve(t, (_, response) => {
    calls += 1;
    if (calls === 2) return json(response, 200, {});
    const problem = { type: "about:blank", title: "No.", status: 403, code: "permit.missing", requestId: "r-2" };
    json(response, 403, problem);
  });
  using client = closing(connect(url));
  await assert.rejects(Array.fromAsync(client.watch()), { code: "permit.missing", requestId: "r-2" });
  await assert.rejects(Array.fromAsync(client.watch()), { name: "StrangeReply" });
});

test("what cannot be a token or an address is refused without showing it", () => {
  const secret = "hf_secret\nx: y";
  const notShown = (error: unknown): boolean => error instanceof TypeError && !error.message.includes("secret");
  assert.throws(() => new Client({ url: "https://localhost", token: secret }), notShown);
  assert.throws(() => new Client({ url: "https://me:secret@localhost" }), notShown);
});

function closing(client: Client): Client & Disposable {
  return Object.assign(client, { [Symbol.dispose]: () => client.close() });
}

// @ts-expect-error the device of a path must be named
export const _noParams = (client: Client) => client.call(routes.readDevice);
// @ts-expect-error an identifier of an application is no identifier of a device
export const _wrongKind = (client: Client) => client.watch({ device: application });
// @ts-expect-error a stream is watched, not called
export const _stream = (client: Client) => client.call(routes.watch);
