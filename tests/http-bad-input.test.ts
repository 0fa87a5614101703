import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { atEnd, startTestPlatform } from "../apps/server/src/testing/index.ts";
import { dial, http2, placeOf, say } from "./clients.fixture.ts";

const platform = await startTestPlatform();
atEnd.after(() => platform.close());
const place = placeOf(platform);
const { visitor } = platform;
const owner = await platform.setUp();
const me = visitor.as(owner.token);
const application = await me.post<{ id: string }>("/v1/applications", { name: "Greenhouse" });

type Problem = { code: string; status: number; requestId: string; errors?: { path: string; message: string }[] };
type Made = { id: string; key: { id: string; secret: string } };
const device = await me.post<Made>("/v1/devices", { application: application.id, name: "Pump" });
const deviceToken = `${device.key.id}.${device.key.secret}`;
const pump = visitor.as(deviceToken);

const send = (bytes: string | Uint8Array, headers: Record<string, string> = {}, path = "/v1/applications") =>
  me.send<Problem>("POST", path, { bytes: Buffer.from(bytes), headers });

/** The head of a request of the owner's, as text, for bodies that no client would send. */
const head = (path: string, ...lines: string[]) =>
  [`POST ${path} HTTP/1.1`, "Host: localhost", `X-Auth-Token: ${owner.token}`, ...lines, "", ""].join("\r\n");

test("a body that is no JSON, no UTF-8 or no such object is named as what it is", async () => {
  for (const [bytes, path] of [
    ["{", "body"],
    ["", "name"],
    ["null", "body"],
    [Buffer.from([0x22, 0xff, 0xfe, 0x22]), "body"],
    ['{"name": 7}', "name"],
    ['{"name": ""}', "name"],
    ['{"name": "a", "extra": 1}', "body"],
    ['{"name": "\\u0000'.padEnd(300, "x") + '"}', "name"],
  ] as const) {
    const { status, body } = await send(bytes);
    assert.deepEqual([status, body.code, body.errors?.[0]?.path], [400, "request.malformed", path], String(bytes));
  }
});

test("JSON of a hundred thousand levels is refused at once, wherever it stands", async () => {
  const deep = "[".repeat(100_000) + "]".repeat(100_000);
  for (const body of [
    deep,
    "[".repeat(100_000),
    `{"name":${deep}}`,
    `{"name":${'{"a":'.repeat(40_000)}1${"}".repeat(40_000)}}`,
  ]) {
    assert.equal((await send(body)).body.code, "request.malformed");
  }
  const reading = await pump.send<Problem>("POST", "/v1/me/telemetry", { bytes: Buffer.from(`{"t":${deep}}`) });
  assert.equal(reading.body.code, "telemetry.tooDeep");
  const tags = await send(`{"application":"${application.id}","name":"x","tags":${deep}}`, {}, "/v1/devices");
  assert.equal(tags.body.code, "request.malformed");
});

test("a content type or encoding that nobody reads here is refused, and a bomb where one is read", async () => {
  for (const type of ["text/plain", "application/xml", "multipart/form-data; boundary=x", ";;", "application/jsonx"]) {
    const { status, body } = await send('{"name":"a"}', { "content-type": type });
    assert.deepEqual([status, body.code], [415, "request.mediaType"], type);
  }
  const typed = await send('{"name":"Typed"}', { "content-type": "application/json; charset=utf-8" });
  assert.equal(typed.status, 201);
  const bomb = gzipSync(Buffer.alloc(50 * 1024 * 1024));
  for (const encoding of ["gzip", "br", "deflate", "x-gzip, gzip"]) {
    const answer = await pump.send<Problem>("POST", "/v1/me/telemetry", {
      bytes: bomb,
      headers: { "content-encoding": encoding },
    });
    const wanted = encoding === "gzip" ? [413, "request.tooLarge"] : [415, "request.mediaType"];
    assert.deepEqual([answer.status, answer.body.code], wanted);
  }
});

test("a body that is too large is refused by its announced length, before a byte of it came", async () => {
  using line = await dial(place, place.port);
  line.socket.write(head("/v1/applications", "Content-Type: application/json", "Content-Length: 10000000000"));
  assert.match(await line.until(/request\.tooLarge/), /^HTTP\/1\.1 413 /);

  using client = http2(place);
  const stream = client.session.request({
    ":method": "POST",
    ":path": "/v1/me/telemetry",
    "x-auth-token": deviceToken,
    "content-length": "10000000000",
  });
  const [headers] = (await once(stream, "response")) as [Record<string, unknown>]; // what the event carries
  assert.equal(headers[":status"], 413);
  stream.resume();
  await once(stream, "close");
  assert.equal((await client.ask({ ":path": "/healthz" })).status, 200, "the connection goes on");
});

test("whoever asks before sending a body is told to go on only if it will be read", async () => {
  using refused = await dial(place, place.port);
  refused.socket.write(head("/v1/applications", "Content-Length: 10000000", "Expect: 100-continue"));
  assert.match(await refused.until(/tooLarge/), /^HTTP\/1\.1 413 /);
  using stranger = await dial(place, place.port);
  stranger.socket.write(
    "POST /v1/me/telemetry HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n",
  );
  assert.match(await stranger.until(/credential/), /^HTTP\/1\.1 401 /);
  using taken = await dial(place, place.port);
  taken.socket.write(head("/v1/applications", "Content-Length: 18", "Expect: 100-continue"));
  assert.match(await taken.until(/\r\n\r\n/), /^HTTP\/1\.1 100 /);
  taken.socket.write('{"name": "Waited"}');
  assert.match(await taken.until(/HTTP\/1\.1 201/), /201 Created/);
});

test("a body without end is refused once it is too large, and not listened to for long", async () => {
  using line = await dial(place, place.port);
  line.socket.write(head("/v1/applications", "Content-Type: application/json", "Transfer-Encoding: chunked"));
  const chunk = `4000\r\n${"a".repeat(0x4000)}\r\n`;
  const feeding = setInterval(() => line.socket.write(chunk), 1);
  try {
    assert.match(await line.until(/request\.tooLarge/), /^HTTP\/1\.1 413 /);
    await line.toTheEnd();
  } finally {
    clearInterval(feeding);
  }
});

test("a client that is still sending when it is refused can read why", async () => {
  const bytes = Buffer.alloc(8 * 1024 * 1024, 0x20);
  const refused = [
    await visitor.send<Problem>("POST", "/v1/me/telemetry", { bytes }),
    await pump.send<Problem>("POST", "/v1/me/telemetry", { bytes }),
  ];
  assert.deepEqual(
    refused.map(({ body }) => body.code),
    ["credential.missing", "request.tooLarge"],
  );
});

test("a flood of headers is refused, and the platform serves on", async () => {
  const long = await say(place, `GET /healthz HTTP/1.1\r\nHost: x\r\nX-Long: ${"a".repeat(64 * 1024)}\r\n\r\n`);
  assert.match(long, /^HTTP\/1\.1 431 /);
  assert.match(long, /"code":"request.headersTooLarge"/);
  const many = Array.from({ length: 4_000 }, (_, at) => `X-${at}: a\r\n`).join("");
  assert.match(await say(place, `GET /healthz HTTP/1.1\r\nHost: x\r\n${many}\r\n`), /^HTTP\/1\.1 431 /);

  using client = http2(place);
  const headers = Object.fromEntries(Array.from({ length: 1_000 }, (_, at) => [`x-${at}`, "a"]));
  const answer = await client.ask({ ":path": "/healthz", ...headers }).then(
    ({ status }) => status,
    (error: NodeJS.ErrnoException) => error.code,
  );
  assert.ok(answer === 431 || String(answer).startsWith("ERR_HTTP2"), String(answer));
  assert.deepEqual(await visitor.get("/healthz"), { ok: true });
});

test("a request that could be read in two ways is refused", async () => {
  for (const lines of [
    "Content-Length: 3\r\nTransfer-Encoding: chunked",
    "Content-Length: 3\r\nContent-Length: 4",
    "Transfer-Encoding: chunked, identity",
    "Content-Length: -1",
    "Content-Length : 3",
  ]) {
    const answer = await say(place, `POST /v1/setup HTTP/1.1\r\nHost: x\r\n${lines}\r\n\r\nabc`);
    assert.match(answer, /^HTTP\/1\.1 400 /, lines);
    assert.match(answer, /"code":"request.malformed"/, lines);
  }
  assert.match(
    await say(place, "GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n"),
    /^HTTP\/1\.1 400 [^]*"path":"Host"/,
  );
});

test("names that mean something to JavaScript mean nothing here", async () => {
  for (const name of ["__proto__", "constructor", "toString", "hasOwnProperty"]) {
    const bytes = Buffer.from(
      `{"application":"${application.id}","name":"x","tags":{"${name}":"1"},"${name}":{"admin":true}}`,
    );
    const refused = await me.send<Problem>("POST", "/v1/devices", { bytes });
    assert.ok([201, 400].includes(refused.status), refused.text);
    for (const path of [`/v1/devices/${name}`, `/v1/applications/${name}`, `/v1/credentials/${name}`]) {
      assert.ok([400, 404].includes((await me.send("GET", path)).status), path);
    }
    assert.equal((await me.send("GET", `/v1/devices?${name}=1`)).status, 400);
    const explained = await me.send("POST", "/v1/explain", { body: { credential: "tok_x", action: name } });
    assert.equal(explained.status, 400);
  }
  assert.equal(Reflect.get({}, "admin"), undefined);
});

test("a name that cannot be kept is refused by name, in attributes and in tags, and any other is kept as it is", async () => {
  const declaring = (name: string) => ({
    name: "Sensor",
    attributes: JSON.parse(`{"${name}":{"type":"number"}}`) as object,
  });
  const tagging = (name: string) => ({
    application: application.id,
    name: "Tagged",
    tags: JSON.parse(`{"${name}":"1"}`) as object,
  });
  for (const name of ["constructor", "toString", "hasOwnProperty", "température", "\u{1f321}"]) {
    const product = await me.post<{ id: string; attributes: object }>("/v1/products", declaring(name));
    assert.deepEqual([product.attributes, Object.keys(product.attributes)], [{ [name]: { type: "number" } }, [name]]);
    const kept = await me.get<{ attributes: object }>(`/v1/products/${product.id}`);
    assert.deepEqual(kept.attributes, product.attributes);
    const { id } = await me.post<Made>("/v1/devices", tagging(name));
    assert.deepEqual((await me.get<{ tags: object }>(`/v1/devices/${id}`)).tags, { [name]: "1" });
  }
  for (const name of ["__proto__", "a\\ud800", "a\\u0007", ""]) {
    for (const [path, body, field] of [
      ["/v1/products", declaring(name), "attributes"],
      ["/v1/devices", tagging(name), "tags"],
    ] as const) {
      const refused = await me.send<Problem>("POST", path, { body });
      assert.deepEqual([refused.status, refused.body.code], [400, "request.malformed"], name);
      assert.deepEqual(
        refused.body.errors?.map((fault) => fault.path),
        [`${field}.${JSON.parse(`"${name}"`)}`],
      );
    }
  }
  const value = await me.send<Problem>("POST", "/v1/devices", {
    body: { application: application.id, name: "Tagged", tags: { site: "a\ud800" } },
  });
  assert.deepEqual([value.status, value.body.errors?.[0]?.path], [400, "tags.site"]);
});

test("nothing is made that would be over when it begins", async () => {
  for (const [path, more] of [
    ["/v1/tokens", { grants: ["telemetry.read"] }],
    ["/v1/operator-keys", {}],
    [`/v1/applications/${application.id}/keys`, {}],
  ] as const) {
    for (const expiresIn of ["0s", "0d", "000h"]) {
      const { status, body } = await me.send<Problem>("POST", path, { body: { name: "short", ...more, expiresIn } });
      assert.deepEqual(
        [status, body.code, body.errors?.map(({ path: field }) => field)],
        [400, "request.malformed", ["expiresIn"]],
      );
    }
  }
});

test("an alias that is none is told what one is, in words", async () => {
  const { body } = await me.send<Problem>("PATCH", `/v1/devices/${device.id}`, { body: { alias: "a/b" } });
  const message = "not an alias: letters, digits, . _ - and blanks within (64 at most)";
  assert.deepEqual(body.errors, [{ path: "alias", message }]);
});

test("a reporting interval that is no length of time is refused by name, of products and of devices", async () => {
  const product = await me.post<{ id: string }>("/v1/products", { name: "Meter" });
  for (const reportingInterval of ["often", "", "0s", "32d"]) {
    for (const [method, path, more] of [
      ["POST", "/v1/products", { name: "Meter" }],
      ["PATCH", `/v1/products/${product.id}`, {}],
      ["POST", "/v1/devices", { application: application.id, name: "Meter" }],
      ["PATCH", `/v1/devices/${device.id}`, {}],
    ] as const) {
      const { status, body } = await me.send<Problem>(method, path, { body: { ...more, reportingInterval } });
      const told = [status, body.code, body.errors?.map((error) => error.path)];
      assert.deepEqual(told, [400, "request.malformed", ["reportingInterval"]], `${path} ${reportingInterval}`);
    }
  }
});

test("identifiers, cursors and queries that are none are refused, each under its own name", async () => {
  for (const id of ["x", `${device.id}0`, device.id.toUpperCase(), application.id, "dev_%00", "..", "a".repeat(500)]) {
    const { status, body } = await me.send<Problem>("GET", `/v1/devices/${id}`);
    assert.equal(status, 404, id);
    assert.match(body.code, /^(device|route)\.unknown$/);
  }
  const telemetry = `/v1/devices/${device.id}/telemetry?attribute=t`;
  for (const [path, code] of [
    ["/v1/devices?cursor=nonsense", "cursor.malformed"],
    ["/v1/audit?cursor=nonsense", "cursor.malformed"],
    ["/v1/audit?cursor=1e400", "cursor.malformed"],
    [`/v1/applications?cursor=1.${"-".repeat(33)}`, "cursor.malformed"],
    [`/v1/devices/${device.id}/commands?cursor=1.${"a".repeat(31)}-`, "cursor.malformed"],
    ["/v1/devices?limit=0", "request.malformed"],
    ["/v1/devices?limit=1001", "request.malformed"],
    ["/v1/devices?limit=ten", "request.malformed"],
    ["/v1/devices?limit=1&limit=2", "request.malformed"],
    ["/v1/devices?limt=5", "request.malformed"],
    ["/v1/devices?application=x", "request.malformed"],
    ["/v1/devices?state=gone", "request.malformed"],
    [`/v1/devices/${device.id}/telemetry`, "request.malformed"],
    [`${telemetry}&from=yesterday`, "request.malformed"],
    [`${telemetry}&from=2026-02-30T00:00:00Z`, "request.malformed"],
    [`${telemetry}&from=2026-02-01T24:00:00Z`, "request.malformed"],
    [`${telemetry}&from=2026-02-01T00:00:00Z&to=2026-01-01T00:00:00Z`, "telemetry.range"],
    [`${telemetry}&every=0s`, "request.malformed"],
    [`${telemetry}&aggregate=avg`, "request.malformed"],
    [`${telemetry}&every=1h&cursor=1`, "cursor.malformed"],
    [`${telemetry}&every=367d`, "request.malformed"],
    [`${telemetry}&every=1h&aggregate=median`, "request.malformed"],
  ] as const) {
    const { status, body, text } = await me.send<Problem>("GET", path);
    assert.ok(status === 400 || status === 422, text);
    assert.equal(body.code, code, `${path}: ${text}`);
  }
});

test("nothing of a body or a header stands in a refusal or in the log", async () => {
  const canary = "canary5551234567890";
  const answers = [
    await send(`{"name": {"${canary}": 1}`),
    await send(`{"name": ["${canary}"]}`),
    await send(`{"name": "a", "grants": "${canary}"}`, {}, "/v1/tokens"),
    await pump.send("POST", "/v1/me/telemetry", { bytes: Buffer.from(`{"a": "${canary}", "a": null}`) }),
    await pump.send("POST", "/v1/me/telemetry", { bytes: Buffer.from(canary) }),
    await visitor.as(canary).send("GET", "/v1/me"),
    await visitor.send("POST", "/v1/sign-in", { body: { email: canary, password: canary } }),
    await visitor.send("POST", "/v1/setup", {
      body: { secret: canary, email: "a@b.example", password: canary, org: canary },
    }),
    await send('{"name":"a"}', { "content-type": canary }),
    await send('{"name":"a"}', { "idempotency-key": canary.repeat(20) }),
  ];
  for (const { status, text } of answers) {
    assert.ok(status >= 400 && status < 500, text);
    assert.ok(!text.includes(canary), text);
    assert.doesNotMatch(text, /\bat \w|node_modules|\.ts\b/);
  }
  assert.ok(!platform.reports.join("\n").includes(canary));
});

test("a field's name is told, and no more of it than a person would read", async () => {
  const { body } = await send(JSON.stringify({ name: "a", ["x".repeat(100_000)]: 1 }));
  assert.equal(body.code, "request.malformed");
  assert.ok(JSON.stringify(body).length < 2_000);
});

test("a credential in a URL is refused however it is written there, and its owner reads of it", async () => {
  const { id, token } = await me.post<{ id: string; token: string }>("/v1/tokens", {
    name: "leaky",
    grants: ["device.read"],
  });
  const before = platform.reports.length;
  using client = http2(place);
  const twice = encodeURIComponent(encodeURIComponent(token));
  const answers = [
    await visitor.send<Problem>("GET", `/v1/devices?token=${token}`),
    await visitor.send<Problem>("GET", `/v1/${token}/devices`),
    await me.send<Problem>("GET", `/v1/live?access_token=${twice.replaceAll("_", "%255F")}`),
    await client
      .ask({ ":path": `/mqtt?password=${token}` })
      .then(({ status, text }) => ({ status, body: JSON.parse(text) as Problem })),
    await visitor.send<Problem>("GET", `/?user=${device.key.id}&password=${device.key.secret}`),
  ];
  for (const { status, body } of answers) assert.deepEqual([status, body.code], [400, "credential.exposed"]);
  for (const about of [id, device.key.id]) {
    const { items } = await me.get<{ items: { what: string }[] }>(`/v1/audit?about=${about}`);
    const exposed = items.filter(({ what }) => what === "credential.exposed");
    assert.ok(exposed.length > 0 && exposed.length <= 3, `${about}: ${exposed.length}`);
  }
  const told = platform.reports.slice(before).join("\n");
  assert.ok(!told.includes(token) && !told.includes(device.key.secret));
});

test("a WebSocket with a credential in its URL is refused in the same way", async () => {
  for (const path of ["/v1/live", "/mqtt"]) {
    const upgrade = ["Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13"];
    const key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==";
    using line = await dial(place, place.port);
    line.socket.write([`GET ${path}?t=${owner.token} HTTP/1.1`, "Host: x", ...upgrade, key, "", ""].join("\r\n"));
    assert.match(await line.until(/\}/), /^HTTP\/1\.1 400 [^]*credential\.exposed/);
  }
});

test("a handshake that no WebSocket can come of is refused with a code, a sentence and the headers of every answer", async () => {
  const good = {
    Host: "localhost",
    Connection: "Upgrade",
    Upgrade: "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Protocol": "mqtt",
  };
  const shake = (request: string, lines: Readonly<Record<string, string>>): Promise<string> =>
    say(
      place,
      [`${request} HTTP/1.1`, ...Object.entries(lines).map(([name, text]) => `${name}: ${text}`), "", ""].join("\r\n"),
    );
  const { "Sec-WebSocket-Protocol": _protocol, ...withoutProtocol } = good;
  const { "Sec-WebSocket-Key": _key, ...withoutKey } = good;
  const answers = [
    await shake("GET /mqtt", withoutProtocol),
    await shake("GET /mqtt", withoutKey),
    await shake("GET /v1/live", withoutKey),
    await shake("GET /v1/live", { ...good, "Sec-WebSocket-Key": "short" }),
    await shake("GET /v1/live", { ...good, "Sec-WebSocket-Version": "7" }),
    await shake("GET /v1/live", { ...good, "Sec-WebSocket-Protocol": "a,,b" }),
  ];
  for (const answer of answers) {
    assert.match(answer, /^HTTP\/1\.1 400 Bad Request\r\n/);
    for (const header of [
      "Strict-Transport-Security: ",
      "X-Request-Id: req_",
      "Content-Type: application/problem+json",
    ]) {
      assert.ok(answer.includes(`\r\n${header}`), answer);
    }
    const problem: { code: string; errors: { message: string }[] } = JSON.parse(
      answer.slice(answer.indexOf("\r\n\r\n")),
    );
    assert.equal(problem.code, "request.malformed");
    assert.match(problem.errors[0]?.message ?? "", /Sec-WebSocket|mqtt/);
  }
  assert.match(
    await shake("POST /v1/live", { ...good, Connection: "Upgrade, close" }),
    /^HTTP\/1\.1 405 [^]*"code":"route\.method"/,
  );
});

test("targets that are no paths end no process", async () => {
  for (const target of [
    "//",
    "///x",
    "http://",
    "http://evil/v1/me",
    "*",
    "/%",
    "/%00",
    "/\u00ff",
    "/v1/devices/%ff%fe",
  ]) {
    for (const upgrade of [
      "",
      "Connection: Upgrade\r\nUpgrade: websocket\r\n",
      "Connection: Upgrade\r\nUpgrade: h2c\r\n",
    ]) {
      using line = await dial(place, place.port);
      line.socket.write(`GET ${target} HTTP/1.1\r\nHost: x\r\n${upgrade}\r\n`, "latin1");
      assert.match(await line.until(/\}|\r\n\r\n$/), /^HTTP\/1\.1 4\d\d /, `${target} ${upgrade}`);
    }
  }
  assert.deepEqual(await visitor.get("/healthz"), { ok: true });
});
