import assert from "node:assert/strict";
import { test } from "node:test";
import { textOf, type Device, type Problem } from "./authority.fixture.ts";
import { Story } from "./story.fixture.ts";

// An older backup of the database beside today's keyring: nothing that was ended meanwhile speaks again, and nothing else falls silent.

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
  await story.forget(`delete from ruling where about = '${unheard.id}';
    update ruling set says = '${there.id}', seq = seq - 1 where about = '${further.id}'`);
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

test("devices that were ended by a tag stay so in a restored backup", async (t) => {
  const story = await Story.begin(t);
  const first = await story.start();
  const application = await first.application();
  const ended = await first.device(application.id, { tags: { site: "north" } });
  const { owner, backup } = await story.backup();
  await owner.asks.post("/v1/revocations", { about: "tag:site=north" });
  await story.restore(backup);
  assert.deepEqual(await story.statusOf(ended), [401]);
});

test("what was over before its mark was let go stays over, though an older backup and an earlier clock know nothing of either", async (t) => {
  const story = await Story.begin(t);
  const first = await story.start();
  const { id, token } = await first.tokenOf(["device.read"], { expiresIn: "1h" });
  const { owner, backup } = await story.backup();
  const answer = async () => {
    const me = await story.platform.visitor.as(token).anew().send<Problem>("GET", "/v1/me");
    return me.status === 200 ? "200" : me.body.code;
  };
  assert.equal(await answer(), "200");
  await owner.revoke(id);
  assert.equal(await answer(), "credential.invalid");
  assert.ok(await story.journaled(id));
  const then = story.clock.now();
  // The last of the hour in steps: for what is asked of the database meanwhile, all at once would be an hour without an answer.
  story.clock.move(3_590_000);
  for (const late = performance.now() + 30_000; (await story.journaled(id)) && performance.now() < late;) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    story.clock.move(1_000);
  }
  assert.ok(!(await story.journaled(id)));
  await story.stop();
  story.clock.set(then);
  await story.restore(backup);
  assert.ok(!story.platform.reports.some((line) => line.includes("had lost")));
  assert.equal(await answer(), "credential.expired");
});
