import assert from "node:assert/strict";
import type { ServerResponse } from "node:http";
import { createServer } from "node:https";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { selfSigned } from "@holdfast/client/testing";
import { systemTimers } from "@holdfast/kernel";
import { atEnd, startNameServer, TestClock } from "../testing/index.ts";
import { Calls, Unreachable } from "./calls.ts";
import { Names } from "./names.ts";
import { isPublicAddress } from "./public-address.ts";

// A house with two machines, of which one may be called: 127.0.0.2. The other one, 127.0.0.1, has secrets.
const { cert, key } = selfSigned({ name: "provider.test" });
const served: { at: string | undefined; url: string | undefined; body: string }[] = [];
const server = createServer({ cert, key }, (request, response) => {
  const parts: Buffer[] = [];
  request.on("data", (part: Buffer) => parts.push(part));
  request.on("end", () => {
    served.push({ at: request.socket.localAddress, url: request.url, body: Buffer.concat(parts).toString() });
    switch (request.url) {
      case "/inside":
        return response.writeHead(302, { location: `https://127.0.0.1:${port}/secrets` }).end();
      case "/outside":
        return response.writeHead(307, { location: "https://example.com/" }).end();
      case "/endless":
        return endless(response);
      case "/silent":
        return response.flushHeaders();
      default:
        return response.setHeader("content-type", "application/json").end('{"here":true}');
    }
  });
});
function endless(response: ServerResponse): void {
  response.write("x".repeat(64 * 1_024), (error) => {
    if (!error) endless(response);
  });
}
server.listen(0, "0.0.0.0");
await once(server, "listening");
const { port } = server.address() as AddressInfo; // it listens on a port
const zone = new Map<string, readonly string[]>([
  ["provider.test", ["127.0.0.2"]],
  ["secrets.test", ["127.0.0.1"]],
  ["both.test", ["127.0.0.1", "127.0.0.2"]],
  ["nowhere.test", []],
]);
const names = await startNameServer((name, type) => (type === "A" ? zone.get(name) : zone.has(name) ? [] : undefined));
atEnd.after(async () => {
  names.close();
  server.closeAllConnections();
  server.close();
});

const isAllowed = (address: string) => address === "127.0.0.2";
const calls = new Calls({ names: new Names({ server: names.place }), isAllowed, ca: cert, timers: systemTimers });
const to = (host: string, path = "/") => `https://${host}:${port}${path}`;
const refused = (because: RegExp) => (error: unknown) => error instanceof Unreachable && because.test(error.message);

test("what is called is the address that was looked at, by TLS that is verified, and the whole answer comes back", async () => {
  const answer = await calls.fetch(to("provider.test", "/token"), {
    method: "POST",
    body: new URLSearchParams({ a: "1 2" }),
  });
  assert.equal(answer.status, 200);
  assert.deepEqual(await answer.json(), { here: true });
  assert.deepEqual(served.at(-1), { at: "127.0.0.2", url: "/token", body: "a=1+2" });
});

test("an address inside the house is not called unless whoever runs the platform lets it, however it is named", async () => {
  const before = served.length;
  for (const host of [
    "secrets.test",
    "127.0.0.1",
    "[::1]",
    "[::ffff:127.0.0.1]",
    "2130706433",
    "0x7f.1",
    "localhost.localdomain",
  ])
    await assert.rejects(calls.fetch(to(host)), refused(/has no address that this platform may call/), host);
  assert.equal(served.length, before, "nobody knocked");
});

test("an address that says by itself that it is inside the house is told as such before anybody calls it", () => {
  const inside = "127.0.0.1 10.0.0.1 [::1] [fe80::1] [::ffff:127.0.0.1] 2130706433 0x7f.1 127.0.0.1. localhost".split(
    " ",
  );
  for (const host of [...inside, "LOCALHOST.", "a.localhost"])
    assert.throws(() => calls.refuseInside(to(host)), refused(/has no address that this platform may call/), host);
  // The operator lets 127.0.0.2 be called; where a name leads is seen when it is called.
  for (const host of ["127.0.0.2", "1.1.1.1", "[2606:4700::1111]", "secrets.test", "notlocalhost", "localhost.test"])
    calls.refuseInside(to(host));
  const names = { addresses: async () => [] };
  const atHome = new Calls({ names, isAllowed: (one) => one === "::1", timers: systemTimers });
  atHome.refuseInside(to("localhost"));
});

test("of several addresses only those are called that may be, and a name that changes once it was looked at changes nothing", async () => {
  const asks = { addresses: async () => zone.get("both.test") ?? [] };
  const called = new Calls({ names: asks, isAllowed, ca: cert, timers: systemTimers });
  assert.equal((await called.fetch(to("provider.test"))).status, 200);
  assert.equal(served.at(-1)?.at, "127.0.0.2");
  // Rebinding: whoever asks a second time is led inside.
  const asked = names.asked.length;
  const counted = await startNameServer((name, type) => {
    if (type !== "A") return [];
    return name === "provider.test" && counted.asked.filter((one) => one === "provider.test A").length === 1
      ? ["127.0.0.2"]
      : ["127.0.0.1"];
  });
  const rebound = new Calls({ names: new Names({ server: counted.place }), isAllowed, ca: cert, timers: systemTimers });
  assert.equal((await rebound.fetch(to("provider.test"))).status, 200);
  assert.equal(served.at(-1)?.at, "127.0.0.2");
  await assert.rejects(rebound.fetch(to("provider.test")), refused(/has no address that this platform may call/));
  assert.equal(names.asked.length, asked);
  counted.close();
});

test("a redirect is no answer, to the inside of the house or elsewhere", async () => {
  for (const path of ["/inside", "/outside"]) {
    await assert.rejects(calls.fetch(to("provider.test", path)), refused(/redirect, which is not followed/));
    assert.equal(served.at(-1)?.url, path);
  }
});

test("an answer is short, and soon", async () => {
  await assert.rejects(calls.fetch(to("provider.test", "/endless")), refused(/too large/));
  const clock = new TestClock();
  const impatient = new Calls({ names: new Names({ server: names.place }), isAllowed, ca: cert, timers: clock });
  const waited = assert.rejects(impatient.fetch(to("provider.test", "/silent")), refused(/took too long/));
  while (served.at(-1)?.url !== "/silent") await new Promise(setImmediate);
  clock.move(8_000);
  await waited;
});

test("nothing but HTTPS is spoken, with whom the machine or the operator trusts, and what is wrong is said in words", async () => {
  await assert.rejects(calls.fetch(`http://provider.test:${port}/`), refused(/is not https/));
  await assert.rejects(calls.fetch(`https://who:secret@provider.test:${port}/`), refused(/a name or a password/));
  await assert.rejects(calls.fetch("provider"), refused(/no address/));
  const said = await Promise.all(
    ["unknown.test", "nowhere.test", "secrets.test"].map(async (host) => {
      const error: unknown = await calls.fetch(to(host)).catch((failed: unknown) => failed);
      return error instanceof Unreachable ? error.message.replace(host, "HOST") : assert.fail(host);
    }),
  );
  assert.equal(new Set(said).size, 1, "a name inside the house is answered as one that there is not");
  assert.match(
    said[0] ?? "",
    /^HOST has no address that this platform may call; one inside the house takes --outbound-allow$/,
  );
  const distrustful = new Calls({ names: new Names({ server: names.place }), isAllowed, timers: systemTimers });
  await assert.rejects(distrustful.fetch(to("provider.test")), refused(/not trusted .*--outbound-ca/));
  zone.set("other.test", ["127.0.0.2"]);
  await assert.rejects(calls.fetch(to("other.test")), refused(/not trusted/), "a certificate of another name");
  const dead = new Names({ server: { address: "127.0.0.2", port: 9 } });
  const lost = new Calls({ names: dead, isAllowed, ca: cert, timers: systemTimers });
  await assert.rejects(lost.fetch(to("provider.test")), refused(/nobody answered where address of provider\.test is/));
});

test("only what may be anybody's on the internet is public", () => {
  const inside =
    `0.0.0.0 10.1.2.3 100.64.0.1 127.0.0.1 169.254.169.254 172.16.0.1 172.31.255.255 192.0.0.1 192.168.1.1 198.18.0.1
    203.0.113.9 224.0.0.1 255.255.255.255 :: ::1 ::127.0.0.1 fe80::1 fe80::1%eth0 fec0::1 fc00::1 fd12:3456::1 ff02::1
    ::ffff:127.0.0.1 ::ffff:7f00:1 ::ffff:10.0.0.1 64:ff9b::10.0.0.1 64:ff9b::a9fe:a9fe 64:ff9b:1::1 2001::1 2001:db8::1 2002:7f00:1::
    2002:a00:1:: 3fff::1 4000::1 none`.split(/\s+/);
  for (const address of inside) assert.equal(isPublicAddress(address), false, address);
  const outside =
    `1.1.1.1 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 172.15.0.1 172.32.0.0 ::ffff:8.8.8.8 64:ff9b::8.8.8.8
    2606:4700::1111 2a00:1450::1 2003::1`.split(/\s+/);
  for (const address of outside) assert.equal(isPublicAddress(address), true, address);
});

test("a text of several pieces is one, and that there is none differs from that nobody answers", async () => {
  const long = "x".repeat(300);
  const texts = await startNameServer((name, type) =>
    name === "a.test" ? (type === "TXT" ? [long, "short"] : []) : undefined,
  );
  const resolver = new Names({ server: texts.place });
  assert.deepEqual((await resolver.texts("a.test")).toSorted(), ["short", long]);
  await assert.rejects(resolver.texts("b.test"), { name: "NameUnknown", isAnswered: true });
  texts.close();
});
