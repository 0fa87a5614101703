import assert from "node:assert/strict";
import { test } from "node:test";
import { Deployment } from "./faults/deployment.ts";
import { placeOfRulings } from "./faults/places.ts";
import { Chance } from "./faults/seed.ts";
import { Story } from "./story.fixture.ts";

test("a rotation behind whose commit the server is killed is in both: no backup gives the former secret more time than its overlap", async (t) => {
  const story = await Story.begin(t);
  const first = await story.start();
  const application = await first.application();
  const [rotated, untouched] = [await first.device(application.id), await first.device(application.id)];
  const { owner, backup } = await story.backup();
  await story.stop();

  const { folder: data, url } = story.database;
  const deployment = await Deployment.make(new Chance(), { data, more: ["--database-url", url] });
  t.after(() => deployment.close());
  await deployment.begin(placeOfRulings).ready;
  const body = { overlap: "1h" };
  const asked = deployment.visitor.as(owner.token).post(`/v1/credentials/${rotated.key.id}/rotate`, body);
  asked.catch(() => undefined); // nobody answers
  assert.equal((await deployment.ended).signal, "SIGKILL");

  const again = await story.start();
  const entries = await again.audited(rotated.key.id);
  assert.ok(entries.some(({ what }) => what === "credential.rotated"));
  assert.ok(!story.platform.reports.some((line) => line.includes("had lost")));
  await story.restore(backup);
  assert.ok(story.platform.reports.some((line) => line.includes("secrets of credentials 1")));
  assert.deepEqual(await story.statusOf(rotated, untouched), [200, 200]);
  story.clock.move(3_700_000); // the server that was killed had a later clock
  assert.deepEqual(await story.statusOf(rotated, untouched), [401, 200]);
});
