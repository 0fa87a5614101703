import assert from "node:assert/strict";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import tls from "node:tls";
import { selfSigned } from "@holdfast/client/testing";
import fc from "fast-check";
import { groupIn, groupOf } from "./group.ts";

const shown = selfSigned();
const { key, cert } = shown;

test("both ends know the same group, in both versions, with a client's certificate, and of whoever comes back with a ticket", async (t) => {
  const server = tls.createServer({
    key,
    cert,
    ecdhCurve: "X25519MLKEM768:X25519:P-256",
    requestCert: true,
    rejectUnauthorized: false,
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo; // a TCP server that listens has an AddressInfo
  const meet = async (options: tls.ConnectionOptions) => {
    const accepted = once(server, "secureConnection");
    const client = tls.connect({ port, host: "127.0.0.1", ca: cert, checkServerIdentity: () => undefined, ...options });
    let session: Buffer | undefined;
    client.on("session", (ticket) => (session = ticket));
    const [socket] = (await accepted) as [tls.TLSSocket]; // what the event brings
    const groups = [groupOf(socket), groupOf(socket)];
    assert.equal(groups[0], groups[1]);
    socket.end("."); // a client of TLS 1.3 reads the ticket with the first bytes
    await once(client.resume(), "close");
    return { group: groups[0], session, isResumed: socket.isSessionReused() };
  };
  for (const [options, group] of [
    [{}, 0x11ec],
    [{ ecdhCurve: "X25519" }, 0x001d],
    [{ ecdhCurve: "P-256" }, 0x0017],
    [{ maxVersion: "TLSv1.2", ecdhCurve: "X25519:P-256" }, 0x001d],
    [{ maxVersion: "TLSv1.2", ecdhCurve: "P-256" }, 0x0017],
    [{ key, cert }, 0x11ec],
  ] as const) {
    const first = await meet(options);
    assert.deepEqual([first.group, first.isResumed], [group, false], JSON.stringify(options));
    const again = await meet({ ...options, session: first.session ?? assert.fail("there was no ticket") });
    assert.deepEqual([again.group, again.isResumed], [group, true], JSON.stringify(options));
  }
});

test("of what is no TLS connection, and of any bytes that are no session, nothing is known", () => {
  assert.equal(groupOf({}), undefined);
  assert.equal(groupOf({ getSession: () => undefined }), undefined);
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => void groupIn(bytes)));
  const session = [0x30, 0x0a, 0x02, 0x01, 0x01, 0xb3, 0x05, 0x02, 0x03, 0x00, 0x11, 0xec];
  assert.equal(groupIn(Uint8Array.from(session)), 0x11ec);
  for (let length = 0; length < session.length; length += 1)
    assert.equal(groupIn(Uint8Array.from(session.slice(0, length))), undefined);
});
