import assert from "node:assert/strict";
import { once } from "node:events";
import net from "node:net";
import { after, before, test } from "node:test";
import tls from "node:tls";
import { connect, listening, world } from "./tls.fixture.ts";

let platform: Awaited<ReturnType<typeof world>>;
let server: Awaited<ReturnType<typeof listening>>;

before(async () => {
  platform = await world();
  server = await listening(platform.certificates);
});
after(async () => {
  await server.close();
  await platform.certificates.close();
});

const connecting = (options: tls.ConnectionOptions) =>
  connect(server.port, { ca: platform.certificates.caPem, ...options });

test("a client that can do more gets TLS 1.3 and the hybrid of X25519 and ML-KEM", async () => {
  using client = await connecting({});
  assert.equal(client.socket.getProtocol(), "TLSv1.3");
  assert.ok(client.socket.authorized);
  assert.partialDeepStrictEqual(client.socket.getEphemeralKeyInfo(), { name: "X25519MLKEM768" });
});

test("the classic groups are there for clients that know no other, and no further ones", async () => {
  for (const [ecdhCurve, name] of [
    ["X25519", "X25519"],
    ["P-256", "prime256v1"],
  ] as const) {
    using client = await connecting({ ecdhCurve });
    assert.partialDeepStrictEqual(client.socket.getEphemeralKeyInfo(), { name });
  }
  await assert.rejects(connecting({ ecdhCurve: "P-384" }), { code: /ALERT_HANDSHAKE_FAILURE|ALERT_ILLEGAL/ });
});

test("TLS 1.2 is spoken with ephemeral keys and authenticated encryption only", async () => {
  for (const cipher of ["AES128-GCM-SHA256", "AES256-GCM-SHA384", "CHACHA20-POLY1305"]) {
    using client = await connecting({ maxVersion: "TLSv1.2", ciphers: `ECDHE-ECDSA-${cipher}` });
    assert.equal(client.socket.getProtocol(), "TLSv1.2");
    assert.equal(client.socket.getCipher().name, `ECDHE-ECDSA-${cipher}`);
  }
  const dated = [
    "ECDHE-ECDSA-AES128-SHA256",
    "ECDHE-ECDSA-AES256-SHA",
    "AES128-GCM-SHA256",
    "DHE-RSA-AES128-GCM-SHA256",
  ];
  for (const ciphers of dated) {
    const refused = { code: "ERR_SSL_SSL/TLS_ALERT_HANDSHAKE_FAILURE" };
    await assert.rejects(connecting({ maxVersion: "TLSv1.2", ciphers }), refused, ciphers);
  }
});

test("TLS 1.1 and older are refused", async () => {
  for (const version of ["TLSv1.1", "TLSv1"] as const) {
    // Without lowering its own guard the client would refuse first, and the test would show nothing.
    const dated = { minVersion: version, maxVersion: version, ciphers: "DEFAULT@SECLEVEL=0" };
    await assert.rejects(connecting(dated), { code: "ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION" });
  }
});

test("we choose the suite, except for a client that shows by its order that it has no AES hardware", async () => {
  using ours = await connecting({ ciphers: "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384" });
  assert.equal(ours.socket.getCipher().name, "TLS_AES_256_GCM_SHA384");
  using theirs = await connecting({ ciphers: "TLS_CHACHA20_POLY1305_SHA256:TLS_AES_256_GCM_SHA384" });
  assert.equal(theirs.socket.getCipher().name, "TLS_CHACHA20_POLY1305_SHA256");
});

test("a client may ask for our protocol or for none; asking for another is refused", async () => {
  using asked = await connecting({ ALPNProtocols: ["mqtt"] });
  using silent = await connecting({});
  assert.deepEqual([asked.socket.alpnProtocol, silent.socket.alpnProtocol], ["mqtt", false]);
  await assert.rejects(connecting({ ALPNProtocols: ["h2"] }), { code: /NO_APPLICATION_PROTOCOL/ });
});

test("a client that does not trust our authority is not fooled, and one that expects another name neither", async () => {
  await assert.rejects(connecting({ ca: [] }), { code: "UNABLE_TO_VERIFY_LEAF_SIGNATURE" });
  await assert.rejects(connecting({ servername: "elsewhere.example" }), { code: "ERR_TLS_CERT_ALTNAME_INVALID" });
});

test("each way of writing an address or name in the certificate is one that a client accepts", async () => {
  using client = await connecting({});
  const peer = client.socket.getPeerX509Certificate();
  for (const servername of ["localhost", "127.0.0.1", "::1"]) {
    const matches = net.isIP(servername) ? peer?.checkIP(servername) : peer?.checkHost(servername);
    assert.ok(matches, servername);
  }
});

test("whoever speaks plain text is hung up on, and the others do not notice", async () => {
  for (const text of [
    "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "\x10\x0c\x00\x04MQTT\x04\x02\x00\x3c\x00\x00",
    "\x00".repeat(64),
  ]) {
    const socket = net.connect(server.port, "127.0.0.1");
    let seen = "";
    socket.setEncoding("latin1").on("data", (text) => (seen += text));
    socket.end(text);
    await closed(socket);
    assert.doesNotMatch(seen, /hello|HTTP|MQTT/);
  }
  using client = await connecting({});
  assert.equal(await client.echo("well?"), "well?");
});

test("whoever has not finished the handshake in ten seconds is hung up on, also when bytes keep trickling in", async () => {
  assert.equal(platform.certificates.serverOptions(["mqtt"]).handshakeTimeout, 10_000);
  await using impatient = await listening(platform.certificates, { handshakeTimeout: 120 });
  const hello = await clientHello();
  for (const trickle of [0, 1]) {
    const socket = net.connect(impatient.port, "127.0.0.1");
    let sent = 0;
    const feeding = setInterval(() => socket.write(hello.subarray(sent, (sent += trickle))), 20);
    await closed(socket);
    clearInterval(feeding);
    assert.ok(sent < hello.length);
  }
});

/** However it came to that: a reset is as good as an end, and `once` of Node would throw it. */
const closed = (socket: net.Socket): Promise<void> => {
  socket.on("error", () => {});
  return new Promise((resolve) => socket.once("close", () => resolve()));
};

/** The first bytes that a TLS client says. */
async function clientHello(): Promise<Buffer> {
  const listener = net.createServer().listen(0, "127.0.0.1");
  await once(listener, "listening");
  const client = tls.connect({ port: (listener.address() as net.AddressInfo).port, host: "127.0.0.1" }); // it listens on a TCP port
  client.on("error", () => {}); // nobody will answer it
  const [socket] = (await once(listener, "connection")) as [net.Socket]; // that is what the event carries
  const [bytes] = (await once(socket, "data")) as [Buffer]; // no encoding is set
  client.destroy();
  socket.destroy();
  listener.close();
  return bytes;
}
