import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdirSync, readdirSync, utimesSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { systemClock, systemRandom } from "@holdfast/kernel";
import { verifyFile, writeBackup } from "../apps/server/src/backup-files.ts";
import { Keyring, snapshotBeside } from "../apps/server/src/storage/index.ts";
import { atEnd, freshDatabase } from "../apps/server/src/testing/index.ts";
import { Disk } from "./faults/disk.ts";
import { placesOfBackup, type PlaceOfBackup } from "./faults/places.ts";

// A backup that does not come to its end: nobody takes what is left of it for one, it says so where it can, and the next one is made.
const database = await freshDatabase();
atEnd.after(() => database.drop());
const keyring = await Keyring.openBeside({
  place: { folder: database.keysFolder },
  clock: systemClock,
  random: systemRandom,
});
atEnd.after(() => keyring.close());

const program = fileURLToPath(new URL("faults/killed-backup.ts", import.meta.url));
/** As an operator makes one into a folder, and how it ended. */
async function backUp(to: string, killAt: string) {
  const child = spawn(process.execPath, [program, killAt, "backup", to, "--keys", database.keysFolder], {
    env: { ...process.env, HOLDFAST_DATABASE_URL: database.url },
    stdio: ["ignore", "ignore", "pipe"],
  });
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (said += text));
  const [code, signal] = (await once(child, "close")) as [number | null, string | null]; // node says so
  return { code, signal, said };
}
const namesIn = (folder: string, end: string) => readdirSync(folder).filter((name) => name.endsWith(end));
const whole = (folder: string, name = "") => verifyFile(path.join(folder, name), keyring);

async function killAndGoOn(place: PlaceOfBackup): Promise<void> {
  const to = path.join(database.folder, place.replaceAll(" ", "-"));
  mkdirSync(to);
  assert.equal((await backUp(to, place)).signal, "SIGKILL");
  const [named, [draft = "", ...others]] = [namesIn(to, ".backup"), namesIn(to, ".part")];
  assert.deepEqual(others, []);
  assert.match(draft, /^holdfast-[0-9a-f]{8}-\d+T\d+Z\.backup\.part$/);
  assert.equal(named.length, place === "named" ? 1 : 0);
  for (const name of named) await whole(to, name);
  if (place === "half written") await assert.rejects(whole(to, draft), { code: "backup.damaged" });

  // One that is being made by somebody else stays; what nobody has written to for a day does not.
  const old = path.join(to, draft);
  const other = draft.replace(/\d+T/, "20991231T");
  cpSync(old, path.join(to, other));
  const yesterday = new Date(Date.now() - 86_400_000 - 60_000);
  utimesSync(old, yesterday, yesterday);
  const { code, said } = await backUp(to, "nowhere");
  assert.equal(code, 0, said);
  assert.ok(said.includes(`A backup that was cut off is removed: ${old}`), said);
  assert.deepEqual(namesIn(to, ".part"), [other]);
  const made = namesIn(to, ".backup").filter((name) => !named.includes(name));
  assert.equal(made.length, 1);
  await whole(to, made[0]);
}

test("a backup that is killed leaves nothing that is taken for a whole one and is none; the next one is whole, and clears away what was left", async () => {
  await Promise.all(placesOfBackup.map(killAndGoOn));
});

const small = Disk.make(256);

test(
  "a backup that meets a full disk says so and leaves nothing, and is made once there is room",
  { skip: typeof small === "string" ? small : false },
  async (t) => {
    if (typeof small === "string") return;
    t.after(() => small.close());
    const file = path.join(small.folder, "holdfast.backup");
    const before = await keyring.backups.lastGood();
    let isFilled = false;
    const make = () =>
      writeBackup({
        file,
        keyring,
        clock: systemClock,
        random: systemRandom,
        take: () => snapshotBeside(database.login, keyring),
        progress: (step) => {
          if (isFilled || step !== "made") return;
          isFilled = true; // after it has looked whether there is room
          small.fillTo(0);
        },
      });
    await assert.rejects(make(), (error: { code?: unknown; detail?: unknown }) => {
      assert.deepEqual([error.code, error.detail], ["storage.full", `It is the disk of ${small.folder}.`]);
      return true;
    });
    assert.ok(isFilled);
    assert.deepEqual([namesIn(small.folder, ".backup"), namesIn(small.folder, ".part")], [[], []]);
    assert.equal(await keyring.backups.lastGood(), before);

    // Where it is full before, nothing is begun.
    await assert.rejects(make(), { code: "storage.full" });
    small.free();
    const { rows } = await make();
    assert.equal((await verifyFile(file, keyring)).rows, rows);
  },
);
