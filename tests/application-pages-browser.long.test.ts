import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { WebSocket } from "ws";
import { read } from "../tools/documents/markdown.ts";
import { atEnd, startTestPlatform } from "../apps/server/src/testing/index.ts";
import { Owner, textOf, type Key, type Thing } from "./authority.fixture.ts";
import { startBrowser, visit } from "./browser.fixture.ts";

// The pages of an application in a real browser: at sites that nobody serves, so that what is asked there is answered here, and what they ask
// of the platform goes over the network.
const platform = await startTestPlatform();
atEnd.after(() => platform.close());
const browser = await startBrowser();
atEnd.after(() => browser.close());
const { visitor } = platform;
const { url, caPem = "" } = platform.platform;
const owner = new Owner(visitor, await platform.setUp());
const shop = "https://shop.example";
const application = await owner.application("Shop");
await owner.asks.send("PATCH", `/v1/applications/${application.id}`, { body: { signUp: "open" } });
const published = await owner.asks.post<Key>(`/v1/applications/${application.id}/keys`, {
  name: "page",
  kind: "application",
  conditions: { origins: [shop] },
});
const key = textOf(published);

/** What the document says to write on a page, for this platform. */
const document_ = read(readFileSync(path.join(import.meta.dirname, "../docs/application-users.md"), "utf8"));
const script = document_.blocks
  .filter(({ language }) => language === "js")
  .map(({ text }) => text)
  .join("\n")
  .replace("https://holdfast.example:8443", url)
  .replace("key_….hfp_…", key);

/** A page of that site, and an authenticator in the machine that verifies whoever asks. */
async function at(origin: string) {
  const { context, page } = await visit(browser);
  await context.grantPermissions(["local-network-access"], { origin });
  await context.route(`${origin}/**`, (route) => route.fulfill({ contentType: "text/html", body: "<!doctype html>" }));
  await page.goto(`${origin}/`);
  const devtools = await context.newCDPSession(page);
  await devtools.send("WebAuthn.enable");
  const { authenticatorId } = await devtools.send("WebAuthn.addVirtualAuthenticator", {
    options: {
      protocol: "ctap2",
      transport: "internal",
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  });
  await page.addScriptTag({ content: script });
  return { context, page, devtools, authenticatorId };
}

test("in a browser somebody signs up with a passkey, signs in with it, and a verified person is asked for", async () => {
  const { page, context, devtools, authenticatorId } = await at(shop);
  const login = "ann@example.com";
  await page.evaluate(`signUp("${login}")`);
  type SignedIn = { user: string; accessToken: string };
  const nameless = await page.evaluate<SignedIn>("signIn()");
  const { user, accessToken } = await page.evaluate<SignedIn>(`signIn("${login}")`);
  assert.equal(user, nameless.user);
  const me = await page.evaluate<{ login: string }>(`ask("GET", users + "/me", undefined, "${accessToken}")`);
  assert.equal(me.login, login);
  await assert.rejects(page.evaluate('signIn("bob@example.com")'), /not known/);
  // An authenticator has one passkey of each user, and says so.
  await assert.rejects(page.evaluate(`addPasskey("${accessToken}", "Again")`), /InvalidStateError/);
  await devtools.send("WebAuthn.setUserVerified", { authenticatorId, isUserVerified: false });
  await assert.rejects(page.evaluate("signIn()"), /NotAllowedError/);
  await devtools.send("WebAuthn.setUserVerified", { authenticatorId, isUserVerified: true });
  // The same passkey with the counter of a copy.
  const { credentials } = await devtools.send("WebAuthn.getCredentials", { authenticatorId });
  const [copy] = credentials;
  assert.ok(copy);
  await devtools.send("WebAuthn.clearCredentials", { authenticatorId });
  await devtools.send("WebAuthn.addCredential", { authenticatorId, credential: { ...copy, signCount: 0 } });
  const refused = await page.evaluate("signIn().catch(({ code }) => code)");
  assert.equal(refused, "passkey.cloned");
  await context.close();
});

test("in a browser a page of the application follows its customer's devices live, and a page of another site does not", async () => {
  const login = "bob@example.com";
  const { id: user, code } = await owner.asks.post<Thing & { code: string }>(
    `/v1/applications/${application.id}/users`,
    { login },
  );
  const [mine, other] = [await owner.device(application.id), await owner.device(application.id)];
  await owner.asks.send("PUT", `/v1/devices/${mine.id}/user`, { body: { user } });
  const { page, context } = await at(shop);
  const password = "correct horse battery staple";
  const token = await page.evaluate<string>(`(async () => {
    const shown = { login: "${login}", password: "${password}" };
    await ask("POST", users + "/password", { ...shown, code: "${code}" });
    return (await ask("POST", users + "/sign-in", shown)).accessToken;
  })()`);
  const begin = `(async () => {
    globalThis.heard = { stream: "", socket: "" };
    const socket = followBySocket("${token}", (text) => (heard.socket += text));
    const closed = new Promise((gone) => (socket.onclose = ({ code }) => gone(code)));
    const ended = follow("${token}", (text) => (heard.stream += text)).catch(({ name }) => name);
    globalThis.over = Promise.all([ended, closed]);
  })()`;
  await page.evaluate(begin);
  await page.waitForFunction('heard.stream !== ""');
  const send = async (value: number, device: typeof mine) =>
    visitor.as(textOf(device.key)).post("/v1/me/telemetry", { temperature: value });
  // The socket says nothing until there is something to say: until both have heard it, once more.
  await send(99.25, other);
  const sending = setInterval(() => void send(21.5, mine), 200);
  await page.waitForFunction('["stream", "socket"].every((way) => heard[way].includes("21.5"))');
  clearInterval(sending);
  assert.equal(await page.evaluate('heard.stream.includes("99.25") || heard.socket.includes("99.25")'), false);
  const evil = await at("https://evil.example");
  await evil.page.evaluate(begin);
  assert.deepEqual(await evil.page.evaluate("over"), ["TypeError", 4_403]);
  const keyless = new Promise((gone) => {
    const socket = new WebSocket(`${url.replace("https", "wss")}/v1/live`, { ca: caPem, origin: shop });
    socket.once("open", () => socket.send(JSON.stringify({ token }))).once("close", gone);
  });
  assert.equal(await keyless, 4_403, "from its own page, but without the key that says so");
  assert.deepEqual(await evil.page.evaluate("heard"), { stream: "", socket: "" });
  await evil.context.close();

  await owner.asks.send("DELETE", `/v1/applications/${application.id}/users/${user}/sessions`);
  assert.deepEqual(await page.evaluate("over"), [undefined, 1_000], "both end with her session");
  await context.close();
});
