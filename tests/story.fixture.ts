import assert from "node:assert/strict";
import path from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { TestContext } from "node:test";
import { systemClock } from "@holdfast/kernel";
import {
  freshDatabase,
  startTestPlatform,
  TestClock,
  type FreshDatabase,
  type TestPlatform,
} from "../apps/server/src/testing/index.ts";
import { Owner, textOf, type Device } from "./authority.fixture.ts";
import { backupOf } from "./revocation.fixture.ts";

/** One deployment, started again and again. */
export class Story {
  readonly #t: TestContext;
  readonly clock = new TestClock(systemClock.now());
  readonly database: FreshDatabase;
  #platform: TestPlatform | undefined;
  #welcome: { org: string; person: string; token: string } | undefined;

  private constructor(t: TestContext, database: FreshDatabase) {
    this.#t = t;
    this.database = database;
    t.after(async () => {
      await this.stop();
      await database.drop();
    });
  }

  static async begin(t: TestContext): Promise<Story> {
    return new Story(t, await freshDatabase());
  }

  async start(database = this.database): Promise<Owner> {
    const { clock } = this;
    const platform = (this.#platform = await startTestPlatform({ database, clock, timers: clock }));
    this.#welcome ??= await platform.setUp();
    return new Owner(platform.visitor, this.#welcome);
  }

  async stop(): Promise<void> {
    await this.#platform?.close();
    this.#platform = undefined;
  }

  /** Stops, keeps a copy of the database, and goes on. */
  async backup(): Promise<{ owner: Owner; backup: FreshDatabase }> {
    await this.stop();
    const backup = await backupOf(this.database);
    this.#t.after(async () => {
      await this.stop();
      await backup.drop();
    });
    return { owner: await this.start(), backup };
  }

  async restore(backup: FreshDatabase): Promise<Owner> {
    await this.stop();
    return this.start(backup);
  }

  get platform(): TestPlatform {
    assert.ok(this.#platform, "it runs");
    return this.#platform;
  }

  async statusOf(...devices: Device[]): Promise<number[]> {
    const visitor = this.platform.visitor.anew(); // the clock may have ended connections
    const send = ({ key }: Device) =>
      visitor
        .as(textOf(key))
        .anew()
        .send("POST", "/v1/me/telemetry", { body: { temperature: 1 } });
    return Promise.all(devices.map(async (device) => (await send(device)).status));
  }

  /** The keyring takes nothing while this goes on; then the platform has its round, and it does. */
  async whileTheKeyringIsAway(work: () => Promise<unknown>): Promise<void> {
    const keyring = this.#keyring();
    keyring.exec("begin immediate");
    await work();
    keyring.exec("rollback");
    keyring.close();
    assert.ok(this.platform.reports.some((line) => line.includes("The keyring did not take")));
    this.clock.move(10_000);
    const isTold = () => this.platform.reports.includes("The keyring has taken all that it missed.");
    while (!isTold()) await new Promise(setImmediate);
  }

  /** As after a stop between a commit and what the keyring is told of it, or with an older keyring. */
  async forget(text: string): Promise<void> {
    await this.stop();
    const keyring = this.#keyring();
    keyring.exec(text);
    keyring.close();
  }

  /** Whether the keyring's journal has a revocation of this. */
  async journaled(about: string): Promise<boolean> {
    using keyring = this.#keyring();
    return keyring.prepare("select 1 from revocation where about = ?").all(about).length > 0;
  }

  #keyring(): DatabaseSync {
    return new DatabaseSync(path.join(this.database.keysFolder, "keyring.sqlite"));
  }
}
