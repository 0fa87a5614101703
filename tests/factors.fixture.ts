import { createHmac } from "node:crypto";
import type { TestClock, TestPlatform } from "../apps/server/src/testing/index.ts";
import { CookieBrowser } from "./cookie-browser.fixture.ts";

export const step = 30_000; // milliseconds that a code lasts

export type Who = { readonly email: string; readonly password: string };

/** As an authenticator app makes it of the text that it is given: RFC 6238, written apart from the platform's own. */
export function codeOf(secret: string, at: number): string {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  const digits = Array.from(secret.replaceAll("-", ""), (digit) =>
    alphabet.indexOf(digit).toString(2).padStart(5, "0"),
  );
  const key = Uint8Array.from(digits.join("").match(/.{8}/g) ?? [], (byte) => Number.parseInt(byte, 2));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(at / step)));
  const digest = createHmac("sha1", key).update(counter).digest();
  const offset = (digest[19] ?? 0) % 16;
  return String((digest.readUInt32BE(offset) % 2 ** 31) % 1_000_000).padStart(6, "0");
}

/** Somebody at a browser, and the app in her hand. */
export class Somebody {
  readonly who: Who;
  readonly browser: CookieBrowser;
  readonly #clock: TestClock;
  secret = "";
  recoveryCodes: readonly string[] = [];

  constructor(platform: TestPlatform, clock: TestClock, who: Who) {
    this.who = who;
    // Where time is moved, a connection that waits is closed meanwhile.
    const each = { get: () => platform.visitor.anew() };
    this.browser = new CookieBrowser(Object.defineProperty({ ...platform }, "visitor", each));
    this.#clock = clock;
  }

  /** What her app shows now; another one each time, because each is good once. */
  code(): string {
    this.#clock.move(step);
    return codeOf(this.secret, this.#clock.now());
  }

  /** With a code once she has an app. */
  shown(): Who & { readonly code?: string } {
    return this.secret === "" ? this.who : { ...this.who, code: this.code() };
  }

  signIn = () => this.browser.signIn(this.shown());

  /** She proves once more who she is. */
  async confirm(): Promise<void> {
    const { email: _known, ...body } = this.shown();
    await this.browser.good("POST", "/v1/account/confirmation", body);
  }

  offer = () => this.browser.good<{ secret: string; uri: string; offer: string }>("POST", "/v1/account/totp/offer", {});

  /** She takes up codes of an app. */
  async enrol(): Promise<void> {
    const { secret, offer } = await this.offer();
    this.#clock.move(step);
    const code = codeOf(secret, this.#clock.now());
    const taken = await this.browser.good<{ recoveryCodes: string[] }>("PUT", "/v1/account/totp", { offer, code });
    [this.secret, this.recoveryCodes] = [secret, taken.recoveryCodes];
  }
}
