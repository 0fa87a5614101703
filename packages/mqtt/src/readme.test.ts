import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import mqtt from "mqtt";

test("the program in the README runs and serves a stock client", async () => {
  const readme = readFileSync(path.join(import.meta.dirname, "../README.md"), "utf8");
  const program = /```ts\n([\s\S]*?)```/.exec(readme)?.[1] ?? "";
  const folder = mkdtempSync(path.join(tmpdir(), "mqtt-readme-"));
  const file = path.join(folder, "main.ts");
  const core = pathToFileURL(path.join(import.meta.dirname, "index.ts")).href;
  // As it stands, but for where the package is, and a port that is free.
  const runnable = program
    .replace("@holdfast/mqtt", core)
    .replace("1883", "0")
    .concat(`server.on("listening", () => console.log(JSON.stringify(server.address())));\n`);
  writeFileSync(file, runnable);
  const child = spawn(process.execPath, [file]);
  try {
    const [line] = await once(child.stdout, "data");
    const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${JSON.parse(String(line)).port}`, { reconnectPeriod: 0 });
    await client.subscribeAsync("a", { qos: 2 });
    for (const qos of [0, 1, 2] as const) {
      const arrives = new Promise<string>((resolve) => {
        client.once("message", (topic, payload, packet) => resolve(`${topic} ${String(payload)} ${packet.qos}`));
      });
      await client.publishAsync("a", "x", { qos });
      assert.equal(await arrives, `a x ${qos}`);
    }
    await client.endAsync();
  } finally {
    child.kill();
    rmSync(folder, { recursive: true });
  }
});
