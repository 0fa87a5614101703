import assert from "node:assert/strict";
import { existsSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import path from "node:path";
import axe from "axe-core";
import chromium from "@sparticuz/chromium";
import {
  chromium as driver,
  errors,
  type Browser,
  type BrowserContext,
  type Locator,
  type Page,
} from "playwright-core";

/** Where it unpacks itself: each user of a machine has a place of their own. */
const place = path.join(tmpdir(), `holdfast-browser-${userInfo().uid}`);

/** Unpacked once, beside and then moved: files that begin at the same time must not find half of it. */
async function unpacked(): Promise<string> {
  if (!existsSync(place)) {
    const beside = mkdtempSync(`${place}-`);
    await unpackInto(beside);
    try {
      renameSync(beside, place);
    } catch (error) {
      if (!existsSync(place)) throw error;
      rmSync(beside, { recursive: true }); // another was faster
    }
  }
  return unpackInto(place);
}

async function unpackInto(folder: string): Promise<string> {
  const before = process.env["TMPDIR"];
  process.env["TMPDIR"] = folder;
  try {
    return await chromium.executablePath();
  } finally {
    if (before === undefined) delete process.env["TMPDIR"];
    else process.env["TMPDIR"] = before;
  }
}

/** Chromium as npm brings it. `hosts`: names that are this machine to it. */
export async function startBrowser(hosts: readonly string[] = []): Promise<Browser> {
  return driver.launch({
    executablePath: await unpacked(),
    headless: true,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--disable-dev-shm-usage",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      "--no-first-run",
      ...(hosts.length > 0 ? [`--host-resolver-rules=${hosts.map((host) => `MAP ${host} 127.0.0.1`).join(", ")}`] : []),
    ],
  });
}

/**
 * Milliseconds. A password is hashed by threads that give way to whatever else the machine does, and what a page asks again by itself is
 * mostly asked after fifteen seconds. Less than the minute after which the page of a link asks, which has to be told before.
 */
const patience = 40_000;

/**
 * The driver looks after 20, 50, 100, 100 and then every 500 ms, which is most of what a test here would wait for; but every 100 ms
 * where it may wait for less than 2.5 s. So one wait is made of several short ones.
 */
function lookOften(page: Page): void {
  const glance = 2_400;
  const locators = Object.getPrototypeOf(page.locator("html")) as Locator; // all have one prototype
  if (Object.hasOwn(locators, looksOften)) return;
  const { waitFor } = locators;
  const inGlances: Locator["waitFor"] = async function (this: Locator, { timeout = patience, ...rest } = {}) {
    for (let left = timeout; ; left -= glance) {
      try {
        return await waitFor.call(this, { ...rest, timeout: Math.min(glance, left) });
      } catch (error) {
        if (!(error instanceof errors.TimeoutError) || left <= glance) throw error;
      }
    }
  };
  Object.assign(locators, { waitFor: inGlances, [looksOften]: true });
}

const looksOften = Symbol("looks often");

export type Visit = {
  readonly context: BrowserContext;
  readonly page: Page;
  /** What the browser complained of: policy, missing files, faults of scripts. */
  readonly complaints: string[];
};

export type Looks = {
  readonly width?: number;
  readonly scheme?: "light" | "dark";
  /** Her time goes on by itself, and `page.clock` can move it. */
  readonly isMovable?: boolean;
};

/** A person at a browser of her own. The platform's authority is the test's, which no browser knows. */
export async function visit(
  browser: Browser,
  { width = 1440, scheme = "light", isMovable = false }: Looks = {},
): Promise<Visit> {
  const context = await browser.newContext({
    ignoreHTTPSErrors: true,
    locale: "en-GB",
    colorScheme: scheme,
    viewport: { width, height: 900 },
    reducedMotion: "reduce",
  });
  if (isMovable) await context.clock.install();
  const page = await context.newPage();
  page.setDefaultTimeout(patience);
  lookOften(page);
  const complaints: string[] = [];
  page.on("console", (message) => {
    const of = message.text().startsWith("Failed to load") ? ` (${message.location().url})` : "";
    if (message.type() === "error" || message.type() === "warning") complaints.push(`${message.text()}${of}`);
  });
  page.on("pageerror", (error) => complaints.push(String(error)));
  return { context, page, complaints };
}

const rules = {
  /** WCAG 2.2 AA, and what axe's makers advise. */
  all: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
  /** Those of them that look at colours: all that another theme can change. */
  colours: { type: "rule", values: ["color-contrast", "link-in-text-block"] },
};

/** Nobody is shut out, as far as a program can tell. */
export async function assertAccessible(page: Page, where: string, only: keyof typeof rules = "all"): Promise<void> {
  // Of a page that is still on its way there is nothing to say.
  await page.getByRole("main").first().waitFor();
  // By the debugger, past the page's policy, which lets nothing else in.
  if (!(await page.evaluate<boolean>('"axe" in window'))) await page.evaluate(`${axe.source}\nvoid 0`);
  // No copies of styles and media, and of what is found only what is wrong: that takes half the time.
  const options = JSON.stringify({ runOnly: rules[only], resultTypes: ["violations"], preload: false });
  const told = await page.evaluate<string[]>(`axe.run(document, ${options}).then(({ violations }) =>
    violations.map(({ id, nodes }) => id + ": " + nodes.map(({ html }) => html.slice(0, 160)).join(" | ")))`);
  assert.deepEqual(told, [], where);
}
