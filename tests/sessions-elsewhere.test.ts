import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { WebSocket } from "ws";
import { atEnd } from "../apps/server/src/testing/index.ts";
import { startOrgs, textOf, unknown, type Problem } from "./authority.fixture.ts";
import { CookieBrowser } from "./cookie-browser.fixture.ts";
import { mqtt } from "./revocation.fixture.ts";

// Where else a cookie may stand: beside a WebSocket it counts, over MQTT and in a URL it does not.
const { platform, visitor, ours, theirs, our } = await startOrgs();
atEnd.after(() => platform.close());
const { token } = ours;

async function browserOf(): Promise<CookieBrowser> {
  const browser = new CookieBrowser(platform);
  browser.org = ours.org;
  await browser.signIn({ email: "owner@example.com", password: "correct horse battery staple" });
  return browser;
}

test("a page opens a WebSocket with its cookie and says in the first frame as a member of what; no other page does", async () => {
  const browser = await browserOf();
  const { url, caPem = "" } = platform.platform;
  const open = async (headers: Record<string, string>, hello: object | undefined) => {
    const socket = new WebSocket(`${url}/v1/live?device=${our.device.id}`, { ca: caPem, headers });
    await once(socket, "open");
    if (hello) socket.send(JSON.stringify(hello));
    return socket;
  };
  const told = async (socket: WebSocket): Promise<string> => {
    const value = 7_007;
    const said = Promise.race([
      once(socket, "message").then(() => "reading"),
      once(socket, "close").then(([code, reason]) => `${code} ${String(reason)}`),
    ]);
    let answer: string | undefined;
    void said.then((it) => (answer = it));
    while (answer === undefined) {
      await visitor.as(textOf(our.device.key)).post("/v1/me/telemetry", { temperature: value });
      await new Promise(setImmediate);
    }
    socket.terminate();
    return answer;
  };
  const cookie = { cookie: `__Host-holdfast=${browser.cookie}` };
  const page = { ...cookie, origin: browser.origin };
  assert.equal(await told(await open(page, { org: ours.org })), "reading");
  assert.equal(await told(await open(page, { org: theirs.org })), "4404 device.unknown");
  assert.equal(await told(await open(page, { org: unknown("org") })), "4404 org.unknown");
  assert.equal(await told(await open(page, {})), "4401 credential.missing");
  assert.equal(await told(await open(page, { token })), "4401 credential.invalid");
  assert.equal(await told(await open({ origin: browser.origin }, { org: ours.org })), "4401 credential.missing");
  for (const foreign of [
    cookie,
    { ...cookie, origin: "https://example.com" },
    { ...page, "sec-fetch-site": "cross-site" },
  ])
    assert.equal(await told(await open(foreign, undefined)), "4403 origin.foreign");
  // A program in a browser elsewhere shows its token, and no cookie of ours.
  assert.equal(await told(await open({ origin: "https://example.com" }, { token })), "reading");
});

test("nobody comes in by a cookie over MQTT", async () => {
  const { cookie = "" } = await browserOf();
  const headers = { cookie: `__Host-holdfast=${cookie}`, "holdfast-org": ours.org, origin: platform.platform.url };
  const refused = /refused|authorized|password/i;
  await assert.rejects(mqtt(platform, { over: "wss", wsOptions: { headers }, protocolVersion: 5 }), refused);
  await assert.rejects(mqtt(platform, { username: "me", password: cookie, protocolVersion: 5 }), refused);
  await assert.rejects(mqtt(platform, { username: cookie, protocolVersion: 4 }), refused);
});

test("a cookie in a URL is refused, and every organisation of its person told", async () => {
  const browser = await browserOf();
  const answer = await visitor.send<Problem>("GET", `/v1/org?session=${browser.cookie}`);
  assert.deepEqual([answer.status, answer.body.code], [400, "credential.exposed"]);
  for (const it of [ours, theirs]) {
    browser.org = it.org;
    const entries = await it.audited((await browser.good<{ credential: string }>("GET", "/v1/me")).credential);
    assert.ok(entries.some(({ what }) => what === "credential.exposed"));
  }
});
