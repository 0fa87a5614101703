import assert from "node:assert/strict";
import { chmodSync, mkdirSync, readdirSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { uuidOf } from "@holdfast/kernel";
import { ColdChunks, FolderStore } from "../apps/server/src/telemetry/index.ts";
import { world } from "../apps/server/src/telemetry/store.fixture.ts";
import { Disk } from "./faults/disk.ts";

const made = Disk.make(16);
const day = 86_400_000;

test(
  "an object store that runs full in the midst of an object is told once and leaves nothing there to grow, all is read as before, and it goes on once there is room",
  { skip: typeof made === "string" ? made : false },
  async (t) => {
    if (typeof made === "string") return;
    const disk = made;
    const folder = path.join(disk.folder, "objects");
    mkdirSync(folder);
    chmodSync(folder, 0o777);
    const w = await world(t);
    t.after(async () => disk.close());
    const org = await w.org();
    const device = await org.device();
    const objects = new FolderStore(folder);
    const store = await w.open({
      cold: new ColdChunks({ storage: w.storage, store: objects }),
      moving: { store: objects, after: 30 * day },
    });
    for (let ago = 59; ago >= 0; ago -= 1) {
      const body = Array.from({ length: 1_000 }, (_, n) => ({
        time: w.clock.now() - ago * day - n * 20_000,
        values: { n: (n * 7_919) % 1_009 },
      }));
      assert.equal(await store.say(org, device, body), 0);
    }
    await store.telemetry.compact();
    const all = async () => (await store.points(org, device, "n", { limit: 200_000 })).items;
    const items = await all();
    assert.equal(items.length, 60_000);
    const moved = () =>
      w.sql(
        "select c.first from holdfast.chunk c join holdfast.series s on s.id = c.series where s.device = $1 and c.data is null",
        [uuidOf(device)],
      );
    const files = () => readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    const round = async () => {
      w.clock.move(60_001);
      await store.care.round();
    };

    disk.fillTo(1 / 64); // sixteen kilobytes: a part of an object
    for (let times = 0; times < 5; times += 1) {
      await round();
      assert.ok(store.care.isMoveHeldUp);
      assert.ok(files().length <= 1, "the half of one object, which goes before the next is begun");
      assert.deepEqual(await moved(), []);
    }
    assert.match(w.reports.splice(0).join("\n"), /^Old readings stay in the database: [^\n]*$/, "once");
    assert.deepEqual(await all(), items);

    disk.free();
    await round();
    assert.equal(store.care.isMoveHeldUp, false);
    assert.ok((await moved()).length >= 10);
    assert.deepEqual(await all(), items);
    const known = await w.sql<{ name: string }>("select name from holdfast.cold_object where state = 'written'");
    assert.deepEqual(
      files()
        .map(({ name }) => name)
        .toSorted(),
      known.map(({ name }) => path.basename(name)).toSorted(),
      "and no half of one",
    );
    assert.deepEqual(w.reports, []);
  },
);
