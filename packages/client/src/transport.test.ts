import assert from "node:assert/strict";
import http from "node:http";
import net, { type AddressInfo } from "node:net";
import { test, type TestContext } from "node:test";
import { routes } from "@holdfast/protocol";
import { Client, fetchTransport, type Distance } from "./index.ts";
import { nodeTransport } from "./node-transport.ts";
import { selfSigned } from "./testing/certificate.ts";
import { localhost, serve } from "./testing/server.ts";

async function fails(
  url: string,
  why: Distance,
  message: RegExp,
  ca: string | undefined = localhost.cert,
): Promise<void> {
  const client = new Client({ url, token: "hf_x", transport: nodeTransport({ ca }) });
  await assert.rejects(client.call(routes.healthz), { name: "NotReached", why, message });
  client.close();
}

async function listen(t: TestContext, server: net.Server): Promise<number> {
  t.after(() => server.close());
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return (server.address() as AddressInfo).port; // it listens on a port
}

test("a certificate is trusted because of the authority that was named, and of no other", async (t) => {
  let seen = 0;
  const url = await serve(t, (_, response) => {
    seen += 1;
    response.end('{"ok":true}');
  });
  const client = new Client({ url, transport: nodeTransport({ ca: localhost.cert }) });
  assert.deepEqual(await client.call(routes.healthz), { ok: true });
  client.close();
  await fails(url, "untrusted", /not signed by an authority/, "");
  await fails(url, "untrusted", /not signed by an authority/, selfSigned().cert);
  assert.equal(seen, 1);
});

test("a certificate for another name or of another time is not trusted", async (t) => {
  const other = selfSigned({ name: "other.example" });
  await fails(await serve(t, () => {}, other), "untrusted", /other names/, other.cert);
  const old = selfSigned({ until: "20210101000000Z" });
  await fails(await serve(t, () => {}, old), "untrusted", /expired/, old.cert);
});

test("nobody there, a host without an address, and something that is not TLS are said in words", async (t) => {
  const free = net.createServer();
  const port = await listen(t, free);
  await new Promise((resolve) => free.close(resolve));
  await fails(`https://127.0.0.1:${port}`, "unreachable", /Nothing listens at .*ECONNREFUSED/);
  await fails("https://no-such-host.invalid", "unreachable", /No address is known for no-such-host\.invalid/);
  const plain = await listen(t, http.createServer());
  await fails(`https://127.0.0.1:${plain}`, "unreachable", /does not speak TLS/);
  const rude = await listen(
    t,
    net.createServer((socket) => socket.destroy()),
  );
  await fails(`https://127.0.0.1:${rude}`, "unreachable", /hung up/);
});

test("a credential is not sent where everybody can read it", async (t) => {
  const port = await listen(
    t,
    http.createServer(() => assert.fail("nothing may arrive")),
  );
  await fails(`http://127.0.0.1:${port}`, "unencrypted", /https only/);
});

test("the transport of browsers does the same work", async (t) => {
  const server = http.createServer((request, response) => {
    if (request.url === "/healthz") response.end('{"ok":true}');
    else response.writeHead(200, { "content-type": "text/event-stream" }).end('event: end\ndata: {"because":"x"}\n\n');
  });
  const port = await listen(t, server);
  const client = new Client({ url: `http://127.0.0.1:${port}`, transport: fetchTransport() });
  assert.deepEqual(await client.call(routes.healthz), { ok: true });
  assert.deepEqual(await Array.fromAsync(client.watch()), [{ type: "end", data: { because: "x" } }]);
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await assert.rejects(client.call(routes.healthz), { name: "NotReached", why: "unreachable" });
});
