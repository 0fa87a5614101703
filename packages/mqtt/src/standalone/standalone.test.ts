import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { test } from "node:test";
import mqtt from "mqtt";
import { parseOptions } from "./options.ts";

async function start(...args: string[]): Promise<{ child: ChildProcess; line: string }> {
  const child = spawn(process.execPath, [path.join(import.meta.dirname, "main.ts"), ...args]);
  const [line] = await once(child.stdout, "data");
  return { child, line: String(line) };
}

test("npm run mqtt says where it listens, serves everybody except with denied topics, and ends by SIGTERM", async () => {
  const { child, line } = await start("--port", "0", "--deny", "secret/#", "--max-keep-alive", "30");
  const url = /mqtt:\/\/127\.0\.0\.1:\d+/.exec(line)?.[0] ?? "";
  const client = await mqtt.connectAsync(url, { protocolVersion: 5, reconnectPeriod: 0, keepalive: 60 });
  const granted = await client
    .subscribeAsync(["open/#", "secret/a", "secret/#"], { qos: 1 })
    .catch((error: unknown) => error);
  assert.match(String(granted), /Not authorized/);
  const arrives = new Promise<string>((resolve) => client.once("message", resolve));
  await client.publishAsync("open/a", "x", { qos: 1 });
  assert.equal(await arrives, "open/a");
  await assert.rejects(client.publishAsync("secret/a", "x", { qos: 1 }), /Not authorized/);
  client.on("error", () => {});
  child.kill("SIGTERM");
  assert.deepEqual(await once(child, "exit"), [0, null]);
  await client.endAsync(true);
});

test("options that cannot be understood are said with a sentence", () => {
  assert.deepEqual(parseOptions(["--port", "0"]), { port: 0, tls: undefined, deny: [], maximumKeepAlive: undefined });
  assert.throws(() => parseOptions([]), /--port/);
  assert.throws(() => parseOptions(["--port", "70000"]), /65535/);
  assert.throws(() => parseOptions(["--port", "1", "--tls-port", "2"]), /--cert/);
  assert.throws(() => parseOptions(["--port", "1", "--max-keep-alive", "x"]), /--max-keep-alive/);
  assert.throws(() => parseOptions(["--port", "1", "--unknown"]));
});
