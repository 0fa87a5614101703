import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import { test } from "node:test";
import { listeningPorts } from "./ports.ts";

async function listen(host: string): Promise<{ port: number; end(): void }> {
  const server = createServer();
  await once(server.listen(0, host), "listening");
  const { port } = server.address() as AddressInfo; // a TCP server that listens has an AddressInfo
  return { port, end: () => server.close() };
}

test("ports that are open to others are known, and those that only the machine itself reaches are left out", async (t) => {
  if (process.platform !== "linux") return t.skip("only Linux tells");
  const [open, inside] = [await listen("0.0.0.0"), await listen("127.0.0.1")];
  const ports = listeningPorts() ?? [];
  assert.ok(ports.includes(open.port));
  assert.ok(!ports.includes(inside.port));
  open.end();
  inside.end();
});
