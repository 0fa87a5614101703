import assert from "node:assert/strict";
import { once } from "node:events";
import net from "node:net";
import { test } from "node:test";
import tls from "node:tls";
import { everyRoute, routes, type Route } from "@holdfast/protocol";
import { atEnd, startTestPlatform } from "../apps/server/src/testing/index.ts";
import { caFile, dial, http2, placeOf, run, say } from "./clients.fixture.ts";

const platform = await startTestPlatform();
atEnd.after(() => platform.close());
const place = placeOf(platform);
const { visitor } = platform;
const owner = await platform.setUp();
const me = visitor.as(owner.token);
const application = await me.post<{ id: string; version: number }>("/v1/applications", { name: "Greenhouse" });

type Problem = { type: string; title: string; status: number; code: string; requestId: string; errors?: unknown[] };
type Made = { id: string; version: number; key: { id: string; secret: string } };
const makeDevice = (name: string) => me.post<Made>("/v1/devices", { application: application.id, name });

test("HTTP/1.1 and HTTP/2 are spoken on one port, as the client's ALPN asks", async () => {
  using client = http2(place);
  const second = await client.ask({ ":path": "/healthz" });
  const first = await visitor.send("GET", "/healthz");
  assert.deepEqual([second.status, first.status], [200, 200]);
  assert.equal(client.session.alpnProtocol, "h2");
  using line = await dial(place, place.port);
  assert.equal(line.socket.alpnProtocol, false, "a client that asks for nothing speaks HTTP/1.1");
  line.socket.write("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
  assert.match(await line.until(/\{"ok":true\}/), /^HTTP\/1\.1 200 /);
});

test("both ports speak TLS 1.2 with authenticated encryption at least, and say nothing in plain text", async () => {
  for (const port of [place.port, place.mqttPort]) {
    for (const ciphers of ["ECDHE-ECDSA-AES128-SHA256", "ECDHE-ECDSA-AES256-SHA", "AES128-GCM-SHA256"]) {
      const dated = tls.connect({ host: "127.0.0.1", port, ca: place.ca, maxVersion: "TLSv1.2", ciphers });
      await assert.rejects(once(dated, "secureConnect"), { code: /HANDSHAKE_FAILURE/ }, ciphers);
    }
    using older = await dial(place, port, { maxVersion: "TLSv1.2" });
    assert.match(older.socket.getCipher().name, /GCM|POLY1305/);
    for (const text of [
      "GET /v1/me HTTP/1.1\r\nHost: x\r\n\r\n",
      "\u0010\u000c\u0000\u0004MQTT\u0004\u0002\u0000\u003c\u0000\u0000",
    ]) {
      const plain = net.connect(port, "127.0.0.1");
      let seen = 0;
      plain.on("data", (bytes) => (seen += bytes.length)).on("error", () => {}); // a reset is as good as an end
      plain.write(text, "latin1");
      await new Promise((resolve) => plain.once("close", resolve));
      assert.ok(seen <= 7, "a TLS alert at most (RFC 8446, 6)");
    }
  }
});

test("whoever has no tree of its own is told whose key it takes", async () => {
  const { status, body } = await me.send<Problem & { detail: string }>("POST", "/v1/me/telemetry", {
    body: { given: 1 },
  });
  assert.deepEqual([status, body.code], [403, "permit.missing"]);
  assert.doesNotMatch(body.title, /grant named/);
  assert.match(body.detail, /^Show a device's key: /);
});

test("curl manages an application and sends a reading, over both versions", async (t) => {
  const trusted = caFile(platform);
  const curl = (...args: string[]) => run("curl", ["-q", "-sS", "--cacert", trusted, ...args]);
  const device = await makeDevice("Curl");
  const headers = [`X-Auth-Token: ${device.key.id}.${device.key.secret}`, "Content-Type: application/json"];
  const sent = [...headers.flatMap((line) => ["-H", line]), "-d", '{"temperature": 21.5}', "-w", " %{http_code}"];
  for (const version of ["--http1.1", "--http2"]) {
    const answer = await curl(version, ...sent, `${place.url}/v1/me/telemetry`);
    if (!answer) return t.skip("there is no curl on this machine");
    assert.deepEqual(answer, { code: 0, out: '{"accepted":1} 200' });
  }
});

test("every answer carries the security headers and a request id, refusals too", async () => {
  for (const [path, status] of [
    ["/healthz", 200],
    ["/nowhere", 404],
    ["/v1/devices", 401],
    ["/v1/devices/%zz", 400],
  ] as const) {
    const { headers, status: got, body } = await visitor.send<Partial<Problem>>("GET", path);
    assert.equal(got, status, path);
    assert.match(String(headers["strict-transport-security"]), /^max-age=\d{8}$/);
    assert.equal(headers["x-content-type-options"], "nosniff");
    assert.equal(headers["cache-control"], "no-store");
    assert.match(String(headers["content-security-policy"]), /default-src 'none'/);
    assert.match(String(headers["x-request-id"]), /^req_[0-9a-f]{16}$/);
    if (got >= 400) {
      assert.equal(headers["content-type"], "application/problem+json; charset=utf-8");
      assert.equal(body.requestId, headers["x-request-id"]);
      assert.deepEqual([body.status, body.type], [got, `urn:holdfast:${body.code}`]);
    }
  }
});

test("an address that does not exist is 404, one that takes other methods is 405 and says which", async () => {
  const unknown = await me.send<Problem>("GET", "/v1/nothing");
  assert.deepEqual([unknown.status, unknown.body.code], [404, "route.unknown"]);
  for (const [method, path, allow] of [
    ["PUT", "/v1/devices", "POST, GET, HEAD"],
    ["DELETE", "/healthz", "GET, HEAD"],
    ["OPTIONS", `/v1/devices/${application.id}`, "GET, HEAD, PATCH, DELETE"],
  ] as const) {
    const { status, headers, body } = await me.send<Problem>(method, path);
    assert.deepEqual([status, headers["allow"]], [405, allow], `${method} ${path}`);
    assert.equal(body.code, "route.method");
  }
  using client = http2(place);
  const head = await client.ask({ ":path": "/healthz", ":method": "HEAD" });
  assert.deepEqual([head.status, head.text, head.headers["content-length"]], [200, "", "11"]);
  const stream = await client.ask({ ":path": "/v1/live", ":method": "HEAD" });
  assert.deepEqual([stream.status, stream.headers["allow"]], [405, "GET"]);
});

test("who shows nothing, or something that is not good, is told how to come in", async () => {
  const device = await makeDevice("Door");
  const nothing = await visitor.send<Problem>("GET", "/v1/devices");
  assert.deepEqual([nothing.status, nothing.body.code], [401, "credential.missing"]);
  assert.equal(nothing.headers["www-authenticate"], 'Bearer realm="holdfast"');
  const wrong = `${device.key.id}.hfs_${"A".repeat(49)}`;
  for (const text of ["nonsense", "hf_nonsense", device.key.id, wrong, owner.token.slice(0, -1)]) {
    const { status, body, headers } = await visitor.as(text).send<Problem>("GET", "/v1/me");
    assert.deepEqual([status, body.code], [401, "credential.invalid"]);
    assert.equal(headers["www-authenticate"], 'Bearer realm="holdfast", error="invalid_token"');
  }
  const good = `${device.key.id}.${device.key.secret}`;
  const twice = await visitor
    .as(owner.token)
    .send<Problem>("GET", "/v1/me", { headers: { authorization: `Bearer ${good}` } });
  assert.deepEqual([twice.status, twice.body.code], [401, "credential.invalid"]);
  const bearer = await visitor.send<{ device: string }>("GET", "/v1/me", {
    headers: { authorization: `bearer ${good}` },
  });
  assert.deepEqual([bearer.status, bearer.body.device], [200, device.id]);
});

test("what is made answers 201 and says where it is", async () => {
  const made = [
    ["/v1/applications", { name: "Cellar" }],
    ["/v1/products", { name: "Probe" }],
    ["/v1/devices", { application: application.id, name: "Probe 1" }],
    ["/v1/tokens", { name: "reader", grants: ["telemetry.read"] }],
    ["/v1/operator-keys", { name: "admin" }],
    [`/v1/applications/${application.id}/keys`, { name: "program" }],
  ] as const;
  for (const [path, body] of made) {
    const answer = await me.send<{ id: string }>("POST", path, { body });
    assert.equal(answer.status, 201, answer.text);
    const found = await me.get<{ id: string }>(String(answer.headers["location"]));
    assert.equal(found.id, answer.body.id, path);
  }
});

test("a change may ask for the version that it starts from, and of two such changes one is refused", async () => {
  for (const [path, first] of [
    [`/v1/applications/${application.id}`, { name: "Greenhouse 2" }],
    [`/v1/devices/${(await makeDevice("Contested")).id}`, { name: "Mine" }],
    [`/v1/products/${(await me.post<Made>("/v1/products", { name: "Contested" })).id}`, { strict: true }],
  ] as const) {
    const read = await me.send<Made>("GET", path);
    const etag = String(read.headers["etag"]);
    assert.equal(etag, `"${read.body.version}"`);
    const change = (tag: string) =>
      me.send<Problem & Made>("PATCH", path, { body: first, headers: { "if-match": tag } });

    const both = await Promise.all([change(etag), change(etag)]);
    assert.deepEqual(new Set(both.map(({ status }) => status)), new Set([200, 412]), path);
    assert.equal(both.find(({ status }) => status === 412)?.body.code, "request.conflict");
    const now = String(both.find(({ status }) => status === 200)?.headers["etag"]);
    assert.notEqual(now, etag);

    for (const tag of [etag, `W/${now}`, '"other"', ""]) assert.equal((await change(tag)).status, 412, tag);
    assert.equal((await change(`"other", ${now}`)).status, 200);
    assert.equal((await change("*")).status, 200);

    const unchanged = await me.send("GET", path, { headers: { "if-none-match": `W/${etag}` } });
    assert.equal(unchanged.status, 200, "it has changed since");
    const again = await me.send("GET", path, { headers: { "if-none-match": String(unchanged.headers["etag"]) } });
    assert.deepEqual([again.status, again.text], [304, ""]);
  }
});

test("an end may ask for the version as well", async () => {
  const device = await makeDevice("Old");
  const end = (tag: string) => me.send<Problem>("DELETE", `/v1/devices/${device.id}`, { headers: { "if-match": tag } });
  assert.equal((await end('"99"')).body.code, "request.conflict");
  assert.equal((await end(`"${device.version}"`)).status, 200);
});

test("the platform says how it is, and how to report a vulnerability", async () => {
  assert.deepEqual(await visitor.get("/healthz"), { ok: true });
  assert.deepEqual(await visitor.get("/readyz"), { ready: true });
  const { text, headers } = await visitor.send("GET", "/.well-known/security.txt");
  assert.equal(headers["content-type"], "text/plain; charset=utf-8");
  const fields = new Map(
    text
      .trimEnd()
      .split("\n")
      .map((line) => line.split(/: (.*)/s, 2) as [string, string]),
  ); // name and value
  assert.match(fields.get("Contact") ?? "", /^(mailto|https):/);
  assert.ok(Date.parse(fields.get("Expires") ?? "") > performance.timeOrigin);
});

test("metrics are what Prometheus reads, and name nobody", async () => {
  const { text, headers } = await visitor.send("GET", "/metrics");
  assert.match(String(headers["content-type"]), /^text\/plain/);
  const samples = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  for (const sample of samples) {
    const [, name = "", value] =
      /^(holdfast_[a-z0-9_]+)(?:\{(?:status="\d{3}"|(?:reason|outcome)="[a-z_]+")\})? (-?[\d.e+-]+)$/.exec(sample) ??
      [];
    assert.ok(Number.isFinite(Number(value)), sample);
    const type = name.endsWith("_total") ? "counter" : "gauge";
    assert.ok(text.includes(`# TYPE ${name} ${type}\n`), sample);
    assert.ok(text.includes(`# HELP ${name} `), sample);
  }
  assert.ok(samples.length > 20);
  assert.match(text, /^holdfast_http_requests_total\{status="200"\} [1-9]\d*$/m);
  assert.doesNotMatch(text, /[a-z]{3}_[0-9a-f]{32}|Greenhouse|First/);
});

test("metrics of the whole deployment are for whoever runs it: on its machine, or with a grant that only an administrator can give", async () => {
  const get = (as: typeof visitor, headers = {}) => as.send<Problem>("GET", "/metrics", { headers });
  const { org } = await me.get<{ org: string }>("/v1/me");
  const other = await me.post<{ org: string; token: string }>("/v1/orgs", { name: "Another" });
  assert.notEqual(other.org, org);
  const { token } = await me.post<{ token: string }>("/v1/tokens", { name: "Prometheus", grants: ["metrics.read"] });
  assert.equal((await get(visitor)).status, 200);
  assert.equal((await get(visitor, { authorization: `Bearer ${token}` })).status, 200);
  // Whoever shows that he is somebody else is taken at his word, on this machine too.
  const device = await makeDevice("Curious");
  for (const stranger of [visitor.as(other.token), visitor.as(`${device.key.id}.${device.key.secret}`)]) {
    const { status, body } = await get(stranger);
    assert.deepEqual([status, body.code], [403, "permit.missing"]);
  }
  // A proxy on this machine asks for somebody elsewhere.
  for (const header of ["forwarded", "x-forwarded-for", "x-real-ip", "via"]) {
    const { status, body } = await get(visitor, { [header]: "192.0.2.7" });
    assert.deepEqual([status, body.code], [401, "credential.missing"], header);
    assert.equal((await get(visitor.as(token), { [header]: "192.0.2.7" })).status, 200);
  }
  const { status, body } = await visitor
    .as(other.token)
    .send<Problem>("POST", "/v1/tokens", { body: { name: "mine", grants: ["metrics.read"] } });
  assert.deepEqual([status, body.code], [403, "credential.amplifies"]);
});

test("each certificate to trust can be fetched, and is enough to trust the platform", async () => {
  const { certificates } = await visitor.get<{
    certificates: { pem: string; sha256: string; state: string; notAfter: string }[];
  }>("/security/certificates");
  const current = certificates.filter(({ state }) => state === "current");
  assert.equal(current.length, 1);
  for (const certificate of current) {
    const pem = await visitor.get<string>(certificate.pem);
    const socket = tls.connect({ host: "127.0.0.1", servername: "localhost", port: place.port, ca: pem });
    await once(socket, "secureConnect");
    assert.ok(socket.authorized);
    assert.equal(socket.getPeerCertificate(true).issuerCertificate.fingerprint256, certificate.sha256);
    socket.destroy();
  }
  const { status, body } = await visitor.send<Problem>("GET", "/security/certificates/..%2f..%2fetc%2fpasswd");
  assert.deepEqual([status, body.code], [404, "route.unknown"]);
});

test("bytes that are no request are refused in the same words", async () => {
  const answer = await say(place, "HELLO\r\n\r\n");
  assert.match(answer, /^HTTP\/1\.1 400 /);
  const problem = JSON.parse(answer.split("\r\n\r\n")[1] ?? "") as Problem;
  assert.equal(problem.code, "request.malformed");
  assert.match(answer, new RegExp(`X-Request-Id: ${problem.requestId}`));
  assert.doesNotMatch(answer, /HELLO|node|at /);
});

test("the platform describes exactly what it serves", async () => {
  const { paths, info } = await visitor.get<{ paths: Record<string, object>; info: { version: string } }>(
    "/openapi.json",
  );
  const described = Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  );
  assert.deepEqual(
    new Set(described),
    new Set(Object.values(everyRoute).map(({ method, path }) => `${method} ${path}`)),
  );
  assert.match(info.version, /^\d+\.\d+\.\d+/);
});

/** A group with the device in it, and a task on its board. */
async function grouped(device: { id: string }) {
  const groups = `/v1/applications/${application.id}/groups`;
  const { id } = await me.post<{ id: string }>(groups, { name: "described" });
  await me.put(`${groups}/${id}/members/${device.id}`, {});
  const task = await me.post<{ id: string }>(`${groups}/${id}/tasks`, { name: "described" });
  return [["group", id] as const, ["task", task.id] as const];
}

test("what the platform answers fits what it says it answers", async () => {
  const device = await makeDevice("Described");
  const tag = { key: "is", value: "described" };
  await me.patch(`/v1/devices/${device.id}`, { tags: { is: "described" } });
  const provider = { name: "House", issuer: "https://sign-in.example", clientId: "holdfast" };
  const params = new Map([
    ["person", (await me.get<{ person: string }>("/v1/me")).person],
    ["provider", (await me.post<{ id: string }>("/v1/providers", provider)).id],
    ["application", application.id],
    ["device", device.id],
    ["file", "none"],
    ["dashboard", (await me.post<{ id: string }>("/v1/dashboards", { name: "Described", widgets: [] })).id],
    ["role", (await me.post<{ id: string }>("/v1/roles", { name: "Described", grants: ["device.read"] })).id],
    ["command", (await me.post<{ id: string }>(`/v1/devices/${device.id}/commands`, { name: "blink" })).id],
    ["batch", (await me.post<{ id: string }>("/v1/command-batches", { to: { tag }, name: "blink" })).id],
    ...(await grouped(device)),
    ["rule", (await me.post<{ id: string }>("/v1/alert-rules", { name: "Described" })).id],
    ["entry", (await me.post<{ id: string }>("/v1/lists", { list: "deny", what: "address", value: "192.0.2.1" })).id],
  ]);
  const { headers } = await me.send("POST", `/v1/providers/${params.get("provider")}/domains`, {
    body: { domain: "house.example" },
  });
  assert.equal(headers["location"], `/v1/providers/${params.get("provider")}`, "of which it is a part");
  await me.put(`/v1/devices/${device.id}/door`, { size: 65_536, deny: { addresses: ["192.0.2.1"] } });
  const queries = new Map<Route, string>([
    [routes.readTelemetry, "?attribute=t"],
    [routes.previewRevocationUnder, `?about=${device.id}`],
  ]);
  for (const route of Object.values(everyRoute)) {
    const reply = route.reply;
    if (route.method !== "GET" || typeof reply === "string") continue;
    if (/\{(product|credential|user|alert)\}/.test(route.path) || route.session === "asks") continue;
    if (route.needs === "applicationUser") continue; // tried in `application-users`
    const path = route.path.replaceAll(/\{(\w+)\}/g, (_, name: string) => params.get(name) ?? "");
    const asks = route.on === "me" ? visitor.as(`${device.key.id}.${device.key.secret}`) : me;
    const answer = await asks.get(`${path}${queries.get(route) ?? ""}`);
    const read = reply.safeParse(answer);
    assert.ok(read.success, `${path}: ${read.error?.message}`);
  }
});
