import assert from "node:assert/strict";
import path from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test, type TestContext } from "node:test";
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

// An older backup of the database beside today's keyring: nothing that was ended meanwhile speaks again, and nothing else falls silent.

/** One deployment, started again and again. */
class Story {
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
    const { visitor } = this.platform;
    const send = ({ key }: Device) =>
      visitor.as(textOf(key)).send("POST", "/v1/me/telemetry", { body: { temperature: 1 } });
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

  #keyring(): DatabaseSync {
    return new DatabaseSync(path.join(this.database.keysFolder, "keyring.sqlite"));
  }
}

test("a suspension that the keyring missed is told to it again, and holds in a restored backup", async (t) => {
  const story = await Story.begin(t);
  const first = await story.start();
  const application = await first.application();
  const [device, other] = [await first.device(application.id), await first.device(application.id)];
  const { owner, backup } = await story.backup();
  await story.whileTheKeyringIsAway(() => owner.asks.post(`/v1/devices/${device.id}/suspend`));
  assert.deepEqual(await story.statusOf(device, other), [403, 200]);
  await story.restore(backup);
  assert.deepEqual(await story.statusOf(device, other), [403, 200]);
});

test("a suspension or resumption that the keyring never heard of is told to it at the next start", async (t) => {
  const story = await Story.begin(t);
  const first = await story.start();
  const application = await first.application();
  const [suspended, resumed] = [await first.device(application.id), await first.device(application.id)];
  const { owner, backup } = await story.backup();
  await owner.asks.post(`/v1/devices/${suspended.id}/suspend`);
  await owner.asks.post(`/v1/devices/${resumed.id}/suspend`);
  await owner.asks.post(`/v1/devices/${resumed.id}/resume`);
  await story.forget(
    `delete from revocation where (about, party) in (values ('${suspended.id}', 'suspended'), ('${resumed.id}', 'resumed'))`,
  );
  await story.start();
  assert.deepEqual(await story.statusOf(suspended, resumed), [403, 200], "the database knows better");
  await story.restore(backup);
  assert.deepEqual(await story.statusOf(suspended, resumed), [403, 200]);
});

test("a device that was moved and then ended with its new place stays ended in a backup in which it had not been moved", async (t) => {
  const story = await Story.begin(t);
  const first = await story.start();
  const [here, there, third] = [await first.application(), await first.application(), await first.application()];
  const product = await first.product();
  const make = () => first.device(here.id);
  const [moved, assigned, passed, unmoved, elsewhere, returned] = [
    await make(),
    await make(),
    await make(),
    await make(),
    await make(),
    await make(),
  ];
  const all = [moved, assigned, passed, unmoved, elsewhere, returned];
  const { owner, backup } = await story.backup();
  const put = ({ id }: Device, body: object, by = owner) => by.asks.patch(`/v1/devices/${id}`, body);
  const end = (about: string, by = owner) => by.asks.post("/v1/revocations", { about, ends: ["devices"] });
  await put(moved, { application: there.id });
  await put(assigned, { product: product.id });
  await put(passed, { application: there.id });
  await put(elsewhere, { application: third.id });
  await put(returned, { application: there.id });
  await put(returned, { application: here.id });
  await end(there.id);
  await end(product.id);
  await put(passed, { application: third.id });
  const expected = [401, 401, 401, 200, 200, 200];
  assert.deepEqual(await story.statusOf(...all), expected);

  const restored = await story.restore(backup);
  assert.deepEqual(await story.statusOf(...all), expected);
  const { application } = await restored.asks.get<{ application: string }>(`/v1/devices/${moved.id}`);
  assert.equal(application, here.id, "it is where the backup has it");
  assert.ok(
    story.platform.reports.some((line) => /had lost where 4 devices? had been put/.test(line)),
    story.platform.reports.join("\n"),
  );
  const entries = await restored.audited(moved.id);
  assert.ok(entries.some(({ what, by }) => what === "revocation.restored" && by === "platform"));

  // What ends where it was put once, and is no more, is nothing to it from now on.
  const key = await restored.deviceKey(moved.id);
  await end(there.id, restored);
  await story.restore(backup);
  assert.deepEqual(await story.statusOf({ ...moved, key }, ...all), [200, ...expected]);
  assert.ok(!story.platform.reports.some((line) => /had lost/.test(line)));
});

test("where a device was put is told to a keyring that missed it, at the latest at the next start", async (t) => {
  const story = await Story.begin(t);
  const first = await story.start();
  const [here, there, third] = [await first.application(), await first.application(), await first.application()];
  const make = () => first.device(here.id);
  const [missed, unheard, further] = [await make(), await make(), await make()];
  const all = [missed, unheard, further];
  const { owner, backup } = await story.backup();
  const put = ({ id }: Device, application: string) => owner.asks.patch(`/v1/devices/${id}`, { application });
  await story.whileTheKeyringIsAway(() => put(missed, there.id));
  await put(unheard, there.id);
  await put(further, there.id);
  await put(further, third.id);
  await owner.asks.post("/v1/revocations", { about: there.id, ends: ["devices"] });
  // As if it had heard that the third was put there, and not that it was put further.
  await story.forget(`delete from placement where about = '${unheard.id}';
    update placement set place = '${there.id}', seq = seq - 1 where about = '${further.id}'`);
  await story.start();
  assert.deepEqual(await story.statusOf(...all), [401, 401, 200]);
  await story.restore(backup);
  assert.deepEqual(await story.statusOf(...all), [401, 401, 200]);
});

test("what a device was ended by, where it no longer is, is told to a keyring that missed it", async (t) => {
  const story = await Story.begin(t);
  const first = await story.start();
  const [here, there] = [await first.application(), await first.application()];
  const device = await first.device(here.id);
  const { owner, backup } = await story.backup();
  await owner.asks.post("/v1/revocations", { about: here.id, ends: ["devices"] });
  await story.whileTheKeyringIsAway(() => owner.asks.patch(`/v1/devices/${device.id}`, { application: there.id }));
  await story.forget(`delete from revocation where about = '${here.id}'`);
  await story.restore(backup);
  assert.deepEqual(await story.statusOf(device), [401]);
});

test("a key that was ended with what had made it stays ended in a restored backup", async (t) => {
  const story = await Story.begin(t);
  const first = await story.start();
  const operator = await first.operatorKey();
  const { id: application } = await first.application();
  const as = story.platform.visitor.as(textOf(operator));
  const device = await as.post<Device>("/v1/devices", { application, name: "Pump 1" });
  const other = await first.device(application);
  const { owner, backup } = await story.backup();
  await owner.asks.delete(`/v1/credentials/${operator.id}?made=true`);
  assert.deepEqual(await story.statusOf(device, other), [401, 200]);
  await story.restore(backup);
  assert.deepEqual(await story.statusOf(device, other), [401, 200]);
});

test("secrets that were replaced, and devices that were ended by a tag, stay so in a restored backup", async (t) => {
  const story = await Story.begin(t);
  const first = await story.start();
  const application = await first.application();
  const tagged = { tags: { site: "north" } };
  const rotated = await first.device(application.id);
  const moving = await first.device(application.id);
  const ended = await first.device(application.id, tagged);
  const { owner, backup } = await story.backup();
  await owner.asks.post(`/v1/credentials/${rotated.key.id}/rotate`, { overlap: "0" });
  await owner.asks.post(`/v1/credentials/${moving.key.id}/rotate`, { overlap: "2h" });
  await owner.asks.post("/v1/revocations", { about: "tag:site=north" });
  await story.restore(backup);
  assert.ok(story.platform.reports.some((line) => line.includes("took 2 secrets for good")));
  assert.deepEqual(await story.statusOf(rotated, moving, ended), [401, 200, 401]);
  story.clock.move(2 * 3_600_000);
  const restored = await story.restore(backup);
  assert.deepEqual(await story.statusOf(rotated, moving, ended), [401, 401, 401]);
  const again = await restored.asks.post<{ secret: string }>(`/v1/credentials/${rotated.key.id}/rotate`, {});
  const key = { id: rotated.key.id, secret: again.secret };
  assert.deepEqual(await story.statusOf({ ...rotated, key }), [200]);
});
