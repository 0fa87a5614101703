import assert from "node:assert/strict";
import { cpSync, rmSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { setTimeout } from "node:timers/promises";
import pg from "pg";
import { systemClock, systemRandom } from "@holdfast/kernel";
import { Keyring } from "../apps/server/src/storage/index.ts";
import { Owner, type SignedIn } from "./authority.fixture.ts";
import { Story } from "./story.fixture.ts";

// Somebody puts an older copy of the whole keyring back in place, beside today's data: in it are keys that were erased since.
const day = 24 * 3_600_000;
const who = { email: "owner@example.com", password: "correct horse battery staple" };

test("an older copy of the keyring that is put back in place gives no erased device and no deleted organisation back: a start destroys their keys again, and says so", async (t) => {
  const story = await Story.begin(t);
  const { keysFolder, folder } = story.database;
  const file = path.join(keysFolder, "keyring.sqlite");
  const copy = path.join(folder, "keyring.copy");
  /** Which of these the keyring has, while nobody serves. */
  const held = async (kind: "device" | "org" | "segment", names: readonly string[]) => {
    const keyring = await Keyring.openBeside({
      place: { folder: keysFolder },
      clock: systemClock,
      random: systemRandom,
    });
    return keyring.holding(kind, names).finally(() => keyring.close());
  };

  const owner = await story.start();
  const { visitor } = story.platform;
  const other = new Owner(visitor, await owner.asks.post<SignedIn>("/v1/orgs", { name: "Other" }));
  const [plant, elsewhere] = [await owner.application(), await other.application()];
  const [erased, beside] = [await owner.device(plant.id), await owner.device(plant.id)];
  const [theirs, again] = [await other.device(elsewhere.id), await other.device(elsewhere.id)];
  assert.deepEqual(await story.statusOf(erased, beside, theirs, again), [200, 200, 200, 200]);
  await other.asks.post(`/v1/devices/${again.id}/erase`); // it has keys of two periods now
  await story.stop();
  const segments = Array.from({ length: 100 }, (_, at) => String(at + 1));
  const before = await held("segment", segments);
  assert.ok(before.length > 0);
  cpSync(file, copy);

  const since = await story.start();
  await since.asks.post(`/v1/devices/${erased.id}/erase`);
  await story.platform.visitor.as(other.token).post("/v1/org/deletion", { name: "Other" });
  story.clock.set(story.clock.now() + 7 * day);
  story.clock.move(3_600_000); // the hour in which it is looked for
  const isDeleted = () =>
    story.platform.reports.some((line) => line.includes(`The organisation ${other.org} was deleted`));
  for (const until = performance.now() + 60_000; !isDeleted(); await setTimeout(20))
    assert.ok(performance.now() < until, "it is deleted");
  await story.stop();
  const keys = [erased.id, theirs.id, `${again.id}/1`];
  assert.deepEqual([await held("device", keys), await held("org", [other.org])], [[], []]);

  const putBack = () => {
    for (const left of ["-wal", "-shm"]) rmSync(`${file}${left}`, { force: true });
    cpSync(copy, file);
  };
  putBack();
  assert.deepEqual([await held("device", keys), await held("org", [other.org])], [keys, [other.org]]);

  await story.start();
  const told = story.platform.reports.filter((line) => line.includes("The keyring is an older copy"));
  assert.equal(told.length, 2, told.join("\n"));
  assert.match(told.join("\n"), new RegExp(`key of ${other.org} again.*\n.*keys again of 1 devices that were erased`));
  const token = await story.platform.visitor.anew().post<SignedIn>("/v1/sign-in", { ...who, org: owner.org });
  const entries = await new Owner(story.platform.visitor, token).audited(erased.id);
  assert.deepEqual(
    entries.filter(({ what }) => what === "device.erased").map(({ facts }) => facts?.["because"]),
    ["an older keyring had its keys again", undefined],
  );
  assert.deepEqual(await story.statusOf(beside), [200], "whoever has a key goes on");
  await story.stop();
  assert.deepEqual([await held("device", keys), await held("org", [other.org])], [[], []]);
  assert.deepEqual(await held("segment", before), [], "nor what the log was sealed with");

  // Once.
  await story.start();
  assert.ok(!story.platform.reports.some((line) => line.includes("older copy")));

  // One that is older than an organisation cannot open what it has, nor say that it is gone.
  const { org: late } = await story.platform.visitor
    .as(token.token)
    .anew()
    .post<SignedIn>("/v1/orgs", { name: "Late" });
  await story.stop();
  putBack();
  await assert.rejects(story.start(), (error: { code?: unknown; detail?: unknown }) => {
    assert.equal(error.code, "keyring.incomplete");
    assert.match(String(error.detail), new RegExp(`none of ${late}, of which .* older copy\\. Put the newer one back`));
    return true;
  });
  assert.deepEqual(await held("device", keys), keys, "and nothing was begun");
});

test("a device whose key is missing can be retired, and holds up no other command from its end", async (t) => {
  const story = await Story.begin(t);
  const first = await story.start();
  const plant = await first.application();
  const [lost, sound] = [await first.device(plant.id), await first.device(plant.id)];
  const send = (owner: Owner, { id }: { id: string }, expiresIn: string) =>
    owner.asks.post<{ id: string }>(`/v1/devices/${id}/commands`, { name: "wake", expiresIn });
  for (const device of [lost, lost, sound]) await send(first, device, "1m");
  await story.forget(`delete from keys where kind = 'device' and name = '${lost.id}'`);

  const owner = await story.start();
  const client = new pg.Client(story.database.login);
  client.on("error", () => undefined); // the database goes first where a line below fails
  await client.connect();
  const ended = async ({ id }: { id: string }): Promise<number> => {
    const text = "select count(*)::int as count from holdfast.command where device = $1 and ended_at is not null";
    return (await client.query<{ count: number }>(text, [id.slice(4)])).rows[0]?.count ?? -1;
  };
  story.clock.move(60_000);
  for (const until = performance.now() + 20_000; (await ended(sound)) === 0; await setTimeout(20)) {
    assert.ok(performance.now() < until, "what expired is written down");
    story.clock.move(1_000);
  }
  const me = story.platform.visitor.anew().as(owner.token).anew();
  assert.equal((await me.send("POST", `/v1/devices/${lost.id}/retire`)).status, 200);
  assert.equal(await ended(lost), 0, "they wait for their key");
  await client.end();
  const entries = await new Owner(story.platform.visitor.anew(), owner).audited();
  assert.ok(!entries.some(({ what }) => what === "command.altered"));
});
