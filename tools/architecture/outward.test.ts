import assert from "node:assert/strict";
import { test } from "node:test";
import { parse } from "./imports.ts";
import { outwardComplaints } from "./outward.ts";

const about = (file: string, text: string) => outwardComplaints(parse(file, text));
const file = "apps/server/src/registry/a.ts";

const connecting = [
  `await fetch(url);`,
  `const get = fetch;`,
  `start({ fetch });`,
  `globalThis.fetch(url);`,
  `new WebSocket(url);`,
  `import WebSocket from "ws"; new WebSocket(url);`,
  `import { WebSocket as Socket } from "ws"; new Socket(url);`,
  `import { request } from "node:https";`,
  `import { get as load } from "http";`,
  `import * as http from "node:http"; http.request(url);`,
  `import http from "node:http"; const { get } = http;`,
  `import net from "node:net"; net.connect(1);`,
  `import net from "node:net"; new net.Socket();`,
  `import { Socket } from "node:net"; new Socket();`,
  `import { connect } from "node:tls";`,
  `import http2 from "node:http2"; http2["connect"](url);`,
  `import { createSocket } from "node:dgram";`,
  `import { lookup } from "node:dns/promises";`,
  `import { request } from "undici";`,
  `export { connect } from "node:net";`,
  `export * from "node:tls";`,
  `await import("node:net");`,
  `process.getBuiltinModule("net");`,
  `import { createRequire } from "node:module";`,
  `import net from "node:net"; const n = net; n.connect(1);`,
  `import * as net from "node:net"; start(net);`,
  `import * as net from "node:net"; export { net };`,
  `import http from "node:http"; let get; ({ get } = http);`,
  `import http from "node:http"; http[name](url);`,
  `import http from "node:http"; const { [name]: go } = http;`,
  `import { getBuiltinModule } from "node:process";`,
  `const { getBuiltinModule } = process;`,
  `const { fetch: load } = globalThis;`,
  `const { WebSocket: Socket } = window;`,
  `const all = globalThis; all.fetch(url);`,
  `window.fetch(url);`,
  `new globalThis.EventSource(url);`,
  `import { connect } from "mqtt";`,
  `import nodemailer from "nodemailer/lib/mailer";`,
  `await import("axios");`,
  `import { S3Client } from "@aws-sdk/client-s3";`,
];

for (const text of connecting) {
  test(`a subject may not connect by itself: ${text}`, () => {
    assert.match(about(file, text)[0] ?? "nothing", /only apps\/server\/src\/outbound may/);
    assert.deepEqual(about("apps/server/src/outbound/a.ts", text), []);
    assert.deepEqual(about("tests/a.test.ts", text), []);
  });
}

const harmless = [
  `import { createServer, type Socket } from "node:net"; createServer().listen(0);`,
  `import type { ClientRequest } from "node:http";`,
  `import { WebSocketServer, WebSocket } from "ws"; if (one.readyState === WebSocket.OPEN) one.close();`,
  `store.fetch(1); const options = { fetch: store.read }; class Store { fetch() {} }`,
  `type Fetch = typeof fetch; interface Store { fetch: Fetch; read(): void }`,
  `import tls from "node:tls"; tls.createServer();`,
  `import net from "node:net"; let one: net.Socket; type Net = typeof net; const { createServer } = net;`,
  `import type { MqttClient } from "mqtt"; import "mqtt-packet";`,
  `const { env } = process; start(process); globalThis.queueMicrotask(work); const net = { net: 1 };`,
];

for (const text of harmless) {
  test(`accepting, and things that are only called alike, are no connection: ${text}`, () => {
    assert.deepEqual(about(file, text), []);
  });
}

test("the database's client belongs to the storage", () => {
  assert.match(about(file, `import { Pool } from "pg";`)[0] ?? "", /only apps\/server\/src\/storage\/ may/);
  assert.deepEqual(about("apps/server/src/storage/pool.ts", `import { Pool } from "pg";`), []);
  assert.deepEqual(about(file, `import type { QueryResult } from "pg";`), []);
});
