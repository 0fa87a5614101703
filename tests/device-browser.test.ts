import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { atEnd, startTestPlatform } from "../apps/server/src/testing/index.ts";
import { Owner } from "./authority.fixture.ts";
import { startBrowser } from "./browser.fixture.ts";
import { eventually } from "./messages.fixture.ts";

// packages/device in a browser: examples/browser, as a bundler makes it and a page runs it.
const platform = await startTestPlatform();
atEnd.after(() => platform.close());
const owner = new Owner(platform.visitor, await platform.setUp());
const application = await owner.application();
const browser = await startBrowser();
atEnd.after(() => browser.close());
const folder = mkdtempSync(path.join(tmpdir(), "device-browser-"));
atEnd.after(async () => rmSync(folder, { recursive: true }));
const root = path.join(import.meta.dirname, "..");
const vite = path.join(root, "node_modules/vite/bin/vite.js");
execFileSync(
  process.execPath,
  [vite, "build", path.join(root, "examples/browser"), "--outDir", folder, "--logLevel", "warn"],
  { stdio: "inherit" },
);

const types: Readonly<Record<string, string>> = { ".html": "text/html", ".js": "text/javascript" };

// From this machine, as the platform is: a browser lets no page from elsewhere connect to it.
const server = createServer((request, response) => {
  const file = path.join(folder, request.url === "/" ? "index.html" : path.normalize(request.url ?? ""));
  if (!existsSync(file)) return response.writeHead(404).end();
  return response.writeHead(200, { "content-type": types[path.extname(file)] ?? "" }).end(readFileSync(file));
}).listen(0, "127.0.0.1");
atEnd.after(async () => void server.close());
await once(server, "listening");
const { port } = server.address() as AddressInfo; // it listens

test("what a page loads of the package is as much as its README says", () => {
  const scripts = globSync(path.join(folder, "assets/*.js")).map((file) => gzipSync(readFileSync(file)).length);
  const size = scripts.reduce((sum, one) => sum + one, 0) / 1_000;
  const readme = readFileSync(path.join(root, "packages/device/README.md"), "utf8");
  const told = Number(/a page loads (\d+) kB/.exec(readme)?.[1]);
  assert.ok(Math.abs(size - told) <= 2, `It is ${size.toFixed(1)} kB, and the README says ${told}.`);
});

test("a page sends a reading over a WebSocket, from a place of its own, and runs a command", async () => {
  const made = await owner.device(application.id);
  // The browser knows no authority of the test's.
  const context = await browser.newContext({ ignoreHTTPSErrors: true });
  const page = await context.newPage();
  const errors: string[] = [];
  page.on("pageerror", ({ message }) => errors.push(message));
  page.on("dialog", (dialog) => void dialog.accept("by hand"));
  await page.goto(`http://localhost:${port}/`);
  await page.getByLabel("Address").fill(`${platform.platform.url.replace("https", "wss")}/mqtt`);
  await page.getByLabel("Key").fill(made.key.id);
  await page.getByLabel("Secret").fill(made.key.secret);
  await page.getByRole("button").click();
  await page.getByText("The platform has it.").waitFor();
  const { items } = await owner.asks.get<{ items: { value: unknown }[] }>(
    `/v1/devices/${made.id}/telemetry?attribute=temperature`,
  );
  assert.deepEqual(
    items.map(({ value }) => value),
    [21.5],
  );
  type Command = { id: string; result?: unknown };
  const { id } = await owner.asks.post<Command>(`/v1/devices/${made.id}/commands`, { name: "ask", body: "How?" });
  const commandRead = () => owner.asks.get<Command>(`/v1/devices/${made.id}/commands/${id}`);
  await eventually(
    async () => (await commandRead()).result === "by hand",
    () => "it did not answer",
  );
  assert.deepEqual(errors, []);
  await context.close();
});
