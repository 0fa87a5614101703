import assert from "node:assert/strict";
import { setTimeout as wait } from "node:timers/promises";
import { systemClock } from "@holdfast/kernel";
import {
  linkIn,
  Mailbox,
  startTestPlatform,
  TestClock,
  type FreshDatabase,
  type TestPlatform,
} from "../apps/server/src/testing/index.ts";
import { Owner, type Problem } from "./authority.fixture.ts";

/** A platform that hands its mail to a real mail server of the test's; clock and timers are the test's. */
export class Mailed {
  readonly platform: TestPlatform;
  readonly box: Mailbox;
  readonly clock: TestClock;

  private constructor(platform: TestPlatform, box: Mailbox, clock: TestClock) {
    this.platform = platform;
    this.box = box;
    this.clock = clock;
  }

  static async start(given: { database?: FreshDatabase; clock?: TestClock; box?: Mailbox } = {}): Promise<Mailed> {
    const box = given.box ?? (await Mailbox.open());
    const clock = given.clock ?? new TestClock(systemClock.now());
    const server = { host: "localhost", port: box.port, tls: "none", user: undefined, password: undefined } as const;
    const from = { name: "", address: "holdfast@example.com" };
    const platform = await startTestPlatform({
      clock,
      timers: clock,
      config: { mail: { server, from, passwordFile: undefined, caFile: undefined } },
      ...(given.database && { database: given.database }),
    });
    // Time passes by seconds, as many as a letter takes, which closes connections that wait: one that is kept may be closed in the moment in which it is used.
    return new Mailed({ ...platform, visitor: platform.visitor.unkept() }, box, clock);
  }

  async owner(): Promise<Owner> {
    const owner = new Owner(this.platform.visitor, await this.platform.setUp());
    await this.mailTo("owner@example.com", "Is this your address?");
    return owner;
  }

  /** The next letter to this address with this subject. */
  async mailTo(address: string, subject: string): Promise<{ readonly text: string; readonly link: string }> {
    const text = await this.letterTo(address, subject);
    return { text, link: linkIn({ text }) };
  }

  /** The text of one that may have no link. */
  async letterTo(address: string, subject: string): Promise<string> {
    let found: { readonly text: string } | undefined;
    const fits = ({ to, headers }: { to: readonly string[]; headers: ReadonlyMap<string, string> }) =>
      to.includes(address) && decodedWord(headers.get("subject") ?? "") === subject;
    const waiting = this.box.take(fits).then((one) => (found = one));
    const end = performance.now() + 20_000;
    while (!found) {
      assert.ok(performance.now() < end, `no letter to ${address}: ${subject}`);
      await this.pass();
    }
    return (await waiting).text;
  }

  /** A second, in which whatever is due is done: what is kept from the database for ten of them gives up, and sends its letter again. */
  async pass(): Promise<void> {
    this.clock.move(1_000);
    await wait(30);
  }

  /** Nothing more comes to this address. */
  async hasNothingFor(address: string): Promise<boolean> {
    for (let turn = 0; turn < 10; turn += 1) await this.pass();
    return !this.box.received.some(({ to }) => to.includes(address));
  }

  /** As a stranger, so that trying often is not what decides. */
  async open<T = Problem>(path: string, body: object) {
    this.clock.move(2_000); // also for connections that nobody speaks over
    return this.platform.visitor.unkept().send<T>("POST", path, { body });
  }

  async close(): Promise<void> {
    await this.platform.close();
    await this.box.close();
  }
}

/** RFC 2047. */
const decodedWord = (text: string): string =>
  text.replaceAll(/\?=\s+=\?/g, "?==?").replaceAll(/=\?utf-8\?(Q|B)\?([^?]*)\?=/gi, (_, how: string, word: string) =>
    how.toUpperCase() === "B"
      ? Buffer.from(word, "base64").toString()
      : Buffer.from(
          word
            .replaceAll("_", " ")
            .replaceAll(/=([0-9A-F]{2})/g, (__, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
          "latin1",
        ).toString(),
  );

export const secretOf = (link: string): string => /#\w+=(\w+_[\w-]+)$/.exec(link)?.[1] ?? "";
