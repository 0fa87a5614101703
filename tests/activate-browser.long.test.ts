import assert from "node:assert/strict";
import { spawn, type ChildProcessByStdio } from "node:child_process";
import { once } from "node:events";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import path from "node:path";
import type { Readable } from "node:stream";
import { test } from "node:test";
import { atEnd, startTestPlatform } from "../apps/server/src/testing/index.ts";
import { formTo } from "./activation.fixture.ts";
import { assertAccessible, startBrowser } from "./browser.fixture.ts";
import { buildConsole, Entrance } from "./console.fixture.ts";

// The command signs in by a browser: a real process, a real page, and what a person sees in between.
buildConsole();
const platform = await startTestPlatform();
atEnd.after(() => platform.close());
const browser = await startBrowser();
atEnd.after(() => browser.close());
const { org } = await platform.setUp();
const entrance = new Entrance(browser, platform);
const { url, caPem = "" } = platform.platform;
const { folder } = platform.database;
const program = path.join(import.meta.dirname, "../apps/cli/bin/holdfast.mjs");
writeFileSync(path.join(folder, "ca.pem"), caPem);

type Command = ChildProcessByStdio<null, Readable, Readable>;

const holdfast = (...argv: string[]): Command =>
  spawn(process.execPath, [program, ...argv], {
    stdio: ["ignore", "pipe", "pipe"],
    env: {
      PATH: process.env["PATH"],
      NODE_COMPILE_CACHE: process.env["NODE_COMPILE_CACHE"],
      HOME: folder,
      XDG_CONFIG_HOME: folder,
      HOLDFAST_URL: url,
      HOLDFAST_CA_FILE: path.join(folder, "ca.pem"),
      HOLDFAST_KEYRING: "no", // whoever runs the tests has one of her own
    },
  });

async function ended(command: Command): Promise<{ code: number; out: string; err: string }> {
  const texts = { out: "", err: "" };
  command.stdout.on("data", (text: Buffer) => (texts.out += text.toString()));
  command.stderr.on("data", (text: Buffer) => (texts.err += text.toString()));
  const [code] = (await once(command, "close")) as [number]; // the first of what the event has
  return { code, ...texts };
}

/** What it says to whoever runs it, as far as that goes. */
async function said(command: Command, pattern: RegExp): Promise<RegExpExecArray> {
  let text = "";
  for await (const part of command.stderr.iterator({ destroyOnReturn: false })) {
    text += String(part);
    const found = pattern.exec(text);
    if (found) return found;
  }
  throw new Error(`It said nothing of the kind: ${text}`);
}

test("the command signs in by a page that says what it is, and signs out again", async (t) => {
  const command = holdfast("login", "--json");
  t.after(() => command.kill());
  const [, link = "", code = ""] = await said(command, /Or follow (https:\S+#([A-Z-]{9})) and compare/);
  const coming = ended(command);
  assert.equal(link, `${url}/activate#${code}`);

  const { page, complaints } = await entrance.at(t, link);
  // What a link brings she looks at first.
  assert.equal(await page.getByLabel("The code that it shows").inputValue(), code);
  await page.getByRole("button", { name: "Go on" }).click();
  await page.getByText("Only if you started this yourself").waitFor();
  const text = await page.locator("main").innerText();
  for (const fact of [code, "holdfast-command", hostname(), "127.0.0.1", "owner@example.com"])
    assert.ok(text.includes(fact), `${fact} in ${text}`);
  assert.equal(await page.getByLabel("For how long").locator("option:checked").innerText(), "24 hours");
  await assertAccessible(page, "a program asks");
  await page.getByRole("button", { name: "Let it in" }).click();
  await page.getByRole("heading", { name: "It is let in" }).waitFor();

  const signedIn = await coming;
  assert.equal(signedIn.code, 0, signedIn.err);
  assert.partialDeepStrictEqual(JSON.parse(signedIn.out), { url, org, kept: "file" });
  const profile = path.join(folder, "holdfast", "profile.json");
  assert.equal(statSync(profile).mode & 0o777, 0o600);
  const { token } = JSON.parse(readFileSync(profile, "utf8"));
  assert.equal((await ended(holdfast("whoami"))).code, 0);

  await page.getByRole("link", { name: "To the credentials" }).click();
  await page.getByRole("link", { name: `holdfast-command on ${hostname()}` }).waitFor();
  assert.deepEqual(complaints, []);

  const out = await ended(holdfast("logout", "--json"));
  assert.deepEqual(JSON.parse(out.out), { signedIn: false, revoked: true });
  assert.equal((await platform.visitor.as(token).send("GET", "/v1/me")).status, 401);
});

const asked = async (more: Record<string, string> = {}) =>
  (
    await formTo<{ user_code: string; device_code: string }>(platform.visitor, "/v1/oauth/device_authorization", {
      client_id: "holdfast-command",
      ...more,
    })
  ).body;

test("whoever is not signed in comes back to the code; a wrong one is said so, and a program is refused, at 360 pixels in the dark", async (t) => {
  const { user_code } = await asked({ scope: "device.read telemetry.read", lifetime: "90m" });
  const { page, complaints } = await entrance.at(t, `${url}/activate`, { width: 360, scheme: "dark" });
  await page.context().clearCookies();
  await page.goto(`${url}/activate#${user_code}`);
  await page.reload();
  await page.getByLabel("E-mail").fill("owner@example.com");
  await page.getByLabel("Password").first().fill("correct horse battery staple");
  await page.getByRole("button", { name: "Sign in" }).click();
  const field = page.getByLabel("The code that it shows");
  await field.waitFor();
  assert.equal(await field.inputValue(), user_code);
  await field.fill("BBBB-BBBB");
  await page.getByRole("button", { name: "Go on" }).click();
  await page.getByText("This code is used, expired or mistyped.").waitFor();
  await assertAccessible(page, "a wrong code", "colours");
  await field.fill(user_code.toLowerCase());
  await page.getByRole("button", { name: "Go on" }).click();
  await page.getByText("This, and less as soon as you may less:").waitFor();
  assert.deepEqual(await page.locator("main li").allInnerTexts(), ["device.read", "telemetry.read"]);
  assert.equal(await page.getByLabel("For how long").locator("option:checked").innerText(), "90 minutes");
  assert.ok(
    await page.evaluate<boolean>("document.documentElement.scrollWidth <= 360"),
    "nothing is wider than the page",
  );
  await assertAccessible(page, "a program asks, in the dark", "colours");
  await page.getByRole("button", { name: "Refuse" }).click();
  await page.getByRole("heading", { name: "It is refused" }).waitFor();
  await page.getByRole("button", { name: "Another code" }).click();
  assert.equal(await page.getByLabel("The code that it shows").inputValue(), "");
  // The browser itself complains of each answer that is an error.
  assert.deepEqual(
    complaints.filter((text) => !text.includes("the server responded with a status of 4")),
    [],
  );
});
