import { spawnSync } from "node:child_process";
import net from "node:net";
import path from "node:path";
import type { TestContext } from "node:test";
import type { Browser, Page } from "playwright-core";
import type { TestPlatform } from "../apps/server/src/testing/index.ts";
import { visit, type Looks, type Visit } from "./browser.fixture.ts";
import { CookieBrowser } from "./cookie-browser.fixture.ts";

/** Builds the console when its sources have changed, as `npm start` does. */
export function buildConsole(): void {
  const program = path.join(import.meta.dirname, "../tools/console.mjs");
  const { status, stderr } = spawnSync(process.execPath, [program], { encoding: "utf8" });
  if (status !== 0) throw new Error(stderr);
}

/** Whom the test platform's `setUp` makes. */
export const owner = { email: "owner@example.com", password: "correct horse battery staple" };

/** From the page at which she is asked for it to the one she wanted. */
export async function signIn(page: Page, { email, password } = owner): Promise<void> {
  await page.getByLabel("E-mail").fill(email);
  await page.getByLabel("Password").first().fill(password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("button", { name: /^You are / }).waitFor();
}

/** Goes there without a load, as a link does it. */
export const follow = (page: Page, where: string): Promise<unknown> =>
  page.evaluate(`history.pushState(null, "", ${JSON.stringify(where)})`);

/** What this page asks of its session every few seconds, by itself, is sent once the function that this answers is called. */
export async function holdSession(page: Page): Promise<() => void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  await page.route(/\/v1\/session$/, async (route) => {
    await promise;
    await route.continue();
  });
  return resolve;
}

/** Who is signed in already enters here: the door has tests of its own, and a password takes its time. */
export class Entrance {
  readonly #browser: Browser;
  readonly #platform: TestPlatform;
  readonly #cookies = new Map<string, Promise<string>>();

  constructor(browser: Browser, platform: TestPlatform) {
    this.#browser = browser;
    this.#platform = platform;
  }

  /** A page of her own at this address, until the test ends. */
  async at(
    t: TestContext,
    url: string,
    { who = owner, ...looks }: { readonly who?: typeof owner } & Looks = {},
  ): Promise<Visit> {
    const visited = await visit(this.#browser, looks);
    t.after(() => visited.context.close());
    const value = await this.#cookieOf(who);
    const place = { url: new URL("/", url).href, secure: true, httpOnly: true, sameSite: "Strict" } as const;
    await visited.context.addCookies([{ name: "__Host-holdfast", value, ...place }]);
    await visited.page.goto(url);
    return visited;
  }

  #cookieOf(who: typeof owner): Promise<string> {
    let cookie = this.#cookies.get(who.email);
    if (!cookie) this.#cookies.set(who.email, (cookie = signedIn(this.#platform, who)));
    return cookie;
  }
}

async function signedIn(platform: TestPlatform, who: typeof owner): Promise<string> {
  const browser = new CookieBrowser(platform);
  await browser.signIn(who);
  if (browser.cookie === undefined) throw new Error("signing in gave no cookie");
  return browser.cookie;
}

/** The line between a browser and the platform, which a test can cut, and on which it can let answers wait. */
export class Line {
  readonly url: string;
  readonly #sockets: Set<net.Socket>;
  readonly #state: State;

  private constructor(url: string, sockets: Set<net.Socket>, state: State) {
    this.url = url;
    this.#sockets = sockets;
    this.#state = state;
  }

  static async to(url: string, atEnd: { after(work: () => Promise<void>): void }): Promise<Line> {
    const far = new URL(url);
    const sockets = new Set<net.Socket>();
    const state = { isUp: true };
    const server = net.createServer((near) => {
      if (!state.isUp) return void near.destroy();
      const there = net.connect(Number(far.port), "127.0.0.1");
      near.pipe(there);
      there.pipe(near);
      for (const socket of [near, there]) {
        sockets.add(socket);
        socket.on("error", () => undefined); // cutting is what this is for
        socket.on("close", () => {
          sockets.delete(socket);
          near.destroy();
          there.destroy();
        });
      }
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    atEnd.after(async () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    });
    const address = server.address();
    if (address === null || typeof address === "string") throw new Error("the line has no port");
    return new Line(`https://${far.hostname}:${address.port}`, sockets, state);
  }

  /** From now on nobody gets through, and who was is cut. */
  cut(): void {
    this.#state.isUp = false;
    for (const socket of this.#sockets) socket.destroy();
  }

  mend(): void {
    this.#state.isUp = true;
  }

  /** Nothing arrives any more, on lines that are kept open, until the function that this answers is called. */
  hold(): () => void {
    for (const socket of this.#sockets) socket.pause();
    return () => {
      for (const socket of this.#sockets) socket.resume();
    };
  }
}

type State = { isUp: boolean };
