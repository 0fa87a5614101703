import assert from "node:assert/strict";
import { once } from "node:events";
import net from "node:net";
import { test } from "node:test";
import { connectAsync, type IDisconnectPacket, type MqttClient } from "mqtt";
import { WebSocket } from "ws";
import { startTestPlatform } from "../apps/server/src/testing/index.ts";
import { dial, http2, placeOf } from "./clients.fixture.ts";

test("the platform stops within three seconds whatever is open, and tells those who listen", async () => {
  const platform = await startTestPlatform();
  const place = placeOf(platform);
  const { token } = await platform.setUp();

  using idle = await dial(place, place.port);
  idle.socket.write("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
  await idle.until(/ok/);
  using slowHead = await dial(place, place.port);
  slowHead.socket.write("GET /healthz HTTP/1.1\r\nX-Slow: ");
  using slowBody = await dial(place, place.port);
  slowBody.socket.write(`POST /v1/orgs HTTP/1.1\r\nHost: x\r\nX-Auth-Token: ${token}\r\nContent-Length: 9\r\n\r\n`);
  using mute = await dial(place, place.mqttPort);
  const halfOpen = [place.port, place.mqttPort].map((port) => net.connect(port, "127.0.0.1"));
  await Promise.all(halfOpen.map((socket) => once(socket, "connect")));

  using stream = await dial(place, place.port);
  stream.socket.write(`GET /v1/live HTTP/1.1\r\nHost: x\r\nX-Auth-Token: ${token}\r\n\r\n`);
  await stream.until(/Readings follow/);
  using second = http2(place);
  const streamed = second.ask({ ":path": "/v1/live", "x-auth-token": token });
  await second.ask({ ":path": "/healthz" });
  const socket = new WebSocket(`${place.url}/v1/live`, { ca: place.ca, headers: { "x-auth-token": token } });
  await once(socket, "open");

  const clients = await Promise.all(
    [platform.platform.mqttsUrl, `${place.url.replace("https", "wss")}/mqtt`].map((url) =>
      connectAsync(url, { ca: place.ca, username: "me", password: token, protocolVersion: 5, reconnectPeriod: 0 }),
    ),
  );
  const told = Promise.all(clients.map((client) => disconnected(client)));
  const socketClosed = once(socket, "close");

  const began = performance.now();
  await platform.platform.close();
  assert.ok(performance.now() - began < 3_000, `${performance.now() - began} ms`);
  await platform.close(); // with its database, which takes as long as the others of its server let it

  assert.match(await stream.toTheEnd(), /event: end\ndata: \{"because":"the platform is stopping"\}\n\n/);
  assert.match((await streamed).text, /event: end\n/);
  assert.deepEqual((await socketClosed)[0], 1000);
  for (const packet of await told) assert.equal(packet.reasonCode, 0x8b, "server shutting down");
  await Promise.all([idle, slowHead, slowBody, mute].map((line) => line.toTheEnd()));
  for (const socket of halfOpen) socket.destroy();
  for (const client of clients) client.end(true);
});

test("a platform without clients stops at once", async () => {
  let taken = Infinity;
  // Where others have the cores for a second, another platform is as good.
  for (let tries = 0; taken >= 1_000 && tries < 3; tries++) {
    const platform = await startTestPlatform();
    await platform.visitor.get("/healthz"); // its connection is idle now
    const began = performance.now();
    await platform.platform.close();
    taken = performance.now() - began;
    await platform.close();
  }
  assert.ok(taken < 1_000, `${taken} ms`);
});

const disconnected = (client: MqttClient): Promise<IDisconnectPacket> =>
  new Promise((resolve) => client.once("disconnect", resolve));
