import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test, type TestContext } from "node:test";
import { systemClock, systemRandom } from "@holdfast/kernel";
import { Epochs } from "./epochs.ts";
import { Keyring, parseKek, restoreKeyring, verifyBackup } from "./index.ts";
import { readKek } from "./kek.ts";
import { SqliteStore } from "./sqlite.ts";
import { backupOf, keyringSuite, opened, passphrase, refusedWithin, siteAt, type Ground } from "./suite.ts";

function folderOf(t: TestContext): string {
  const folder = mkdtempSync(path.join(tmpdir(), "holdfast-keyring-"));
  t.after(() => rmSync(folder, { recursive: true }));
  chmodSync(folder, 0o755);
  return path.join(folder, "keys");
}

const databaseIn = (folder: string) => new DatabaseSync(path.join(folder, "keyring.sqlite"));

keyringSuite("sqlite", async (t): Promise<Ground> => {
  const folder = folderOf(t);
  const sql = async (text: string) => {
    const db = databaseIn(folder);
    db.exec(text);
    db.close();
  };
  return { place: { folder }, sql, prefix: "" };
});

const nothing = new Uint8Array(); // every file includes it: a name that is not there fails the test
const siteIn = (folder: string) => siteAt({ place: { folder } });

/** Every file of the keyring, one after the other. */
const bytesIn = (folder: string) =>
  Buffer.concat(readdirSync(folder).map((name) => readFileSync(path.join(folder, name))));

function wrappedIn(folder: string): Map<string, Uint8Array> {
  const db = databaseIn(folder);
  const rows = db.prepare("SELECT name, wrapped FROM keys UNION ALL SELECT span, wrapped FROM epoch").all();
  db.close();
  return new Map(rows.map(({ name, wrapped }) => [String(name), wrapped as Uint8Array])); // the tables are STRICT: a blob
}

test("after an erasure no file holds what was wrapped before, neither the erased nor the old epoch's", async (t) => {
  const folder = folderOf(t);
  const keyring = await opened(t, siteIn(folder));
  await Promise.all(Array.from({ length: 1000 }, (_, i) => keyring.make("device", `dev_${i}`)));
  const before = wrappedIn(folder);
  const filesBefore = bytesIn(folder);
  assert.equal(before.size, 1003);
  for (const [name, wrapped] of before) assert.ok(filesBefore.includes(wrapped), name);

  await keyring.erase("device", ["dev_5"]);
  const files = bytesIn(folder);
  for (const [name, wrapped] of before) assert.equal(files.includes(wrapped), name === "passing", name);
  for (const wrapped of wrappedIn(folder).values()) assert.ok(files.includes(wrapped));
});

test("the epoch key that wrapped a destroyed segment key is in no file", async (t) => {
  const folder = folderOf(t);
  const keyring = await opened(t, siteIn(folder));
  const names = Array.from({ length: 200 }, (_, i) => `${i}`);
  const made = await Promise.all(names.map((name) => keyring.make("segment", name)));
  const device = await keyring.make("device", "a");
  for (let i = 0; i < 8; i += 1) {
    const before = wrappedIn(folder);
    await keyring.destroySegments([`${i}`, `${i + 100}`]);
    const files = bytesIn(folder);
    assert.ok(!files.includes(before.get("passing") ?? nothing));
    assert.deepEqual(wrappedIn(folder).get("a"), before.get("a"));
  }
  assert.equal(await keyring.find("segment", "4"), undefined);
  await keyring.close();
  const again = await opened(t, siteIn(folder));
  assert.deepEqual(await again.find("segment", "50"), made[50]);
  assert.deepEqual(await again.find("device", "a"), device);
});

test("an erasure that was cut off is completed at the next start", async (t) => {
  const folder = folderOf(t);
  const first = await Keyring.open(siteIn(folder));
  const made = await Promise.all(["a", "b"].map((name) => first.make("device", name)));
  await first.close();
  const before = wrappedIn(folder);

  // What a kill leaves behind: one is out and the next epoch is there, but nobody was wrapped by it.
  const store = new SqliteStore(folder);
  const epochs = Epochs.of({
    instance: first.instance,
    kek: readKek(folder) ?? new Uint8Array(),
    random: systemRandom,
  });
  epochs.admit(await store.epochs());
  await store.erase([{ kind: "device", name: "b", at: systemClock.now() }]);
  await store.addEpoch(epochs.next("lasting", systemClock.now()));
  await store.close();

  const again = await opened(t, siteIn(folder));
  assert.deepEqual(await again.find("device", "a"), made[0]);
  assert.equal(await again.find("device", "b"), undefined);
  const files = bytesIn(folder);
  for (const name of ["lasting", "a", "b"]) assert.ok(!files.includes(before.get(name) ?? nothing), name);
});

test("an erasure that a reader holds up says so, and succeeds when it is asked for again", async (t) => {
  const folder = folderOf(t);
  const keyring = await opened(t, siteIn(folder));
  await keyring.make("device", "a");
  const before = wrappedIn(folder);
  const reader = databaseIn(folder);
  reader.exec("BEGIN");
  reader.prepare("SELECT count(*) FROM keys").get();
  await refusedWithin(keyring.erase("device", ["a"]));
  assert.equal(await keyring.find("device", "a"), undefined);
  reader.close();
  await keyring.erase("device", ["a"]);
  for (const name of ["lasting", "a"]) assert.ok(!bytesIn(folder).includes(before.get(name) ?? nothing), name);
});

test("a backup counts once it is kept, opens by its passphrase alone, and is of one instance and one moment", async (t) => {
  const site = siteIn(folderOf(t));
  const keyring = await opened(t, site);
  await Promise.all(["a", "b"].map((name) => keyring.make("device", name)));
  await assert.rejects(
    keyring.backup("short", async () => assert.fail()),
    { code: "password.weak" },
  );
  await assert.rejects(
    keyring.backup(passphrase, () => Promise.reject(new Error("disk"))),
    { message: "disk" },
  );
  assert.equal((await keyring.status()).backedUpAt, undefined);
  const beside = await Keyring.openBeside(site);
  const [backup] = await Promise.all([backupOf(beside), keyring.erase("device", ["b"])]);
  await beside.close();
  const { backedUpAt, keysSinceBackup } = await keyring.status();
  assert.ok(backedUpAt);
  assert.equal(keysSinceBackup, 0);

  await assert.rejects(verifyBackup(backup, "another passphrase"), { code: "backup.wrong" });
  const { instance, at } = await verifyBackup(backup, passphrase);
  assert.deepEqual({ instance, at }, { instance: keyring.instance, at: backedUpAt });
  await keyring.close();
  const db = databaseIn(site.place.folder);
  db.exec("UPDATE keys SET wrapped = zeroblob(61) WHERE name = 'a'");
  db.close();
  await restoreKeyring({ ...site, backup, passphrase });
  const again = await opened(t, site);
  assert.equal(await again.find("device", "b"), undefined); // the backup may know it: this keyring erased it
  assert.ok(await again.find("device", "a"));

  const other = siteIn(folderOf(t));
  const foreign = await opened(t, other);
  await assert.rejects(restoreKeyring({ ...other, backup, passphrase }), { code: "keyring.wrong" });
  assert.notEqual(foreign.instance, instance);
  assert.equal(await foreign.find("device", "a"), undefined);
});

test("the folder and its files are for one user only", async (t) => {
  const folder = folderOf(t);
  await opened(t, siteIn(folder));
  assert.equal(statSync(folder).mode & 0o777, 0o700);
  const files = readdirSync(folder);
  assert.ok(files.includes("kek") && files.includes("keyring.sqlite"));
  for (const file of files) assert.equal(statSync(path.join(folder, file)).mode & 0o777, 0o600, file);
});

test("the KEK is a file of 64 digits, or given; a missing, open or mistyped one is named, and never replaced", async (t) => {
  const folder = folderOf(t);
  const sealed = { code: "keyring.sealed" };
  await (await Keyring.open(siteIn(folder))).close();
  const file = path.join(folder, "kek");
  const text = readFileSync(file, "utf8");
  assert.match(text, /^[0-9a-f]{64}\n$/);
  const kek = parseKek(text);
  assert.deepEqual(parseKek(Buffer.from(kek).toString("base64url")), kek);
  for (const wrong of ["", "00", `${text}${text}`, "x".repeat(44)]) assert.throws(() => parseKek(wrong), sealed);

  chmodSync(file, 0o640);
  await assert.rejects(Keyring.open(siteIn(folder)), { ...sealed, message: /chmod 600/ });
  chmodSync(file, 0o600);
  writeFileSync(file, "mistyped");
  await assert.rejects(Keyring.open(siteIn(folder)), sealed);
  rmSync(file);
  await assert.rejects(Keyring.open(siteIn(folder)), sealed);
  assert.ok(!readdirSync(folder).includes("kek"));
  await opened(t, { ...siteIn(folder), kek });
});

test("when the store cannot be written, making is refused at once and what is in memory still serves", async (t) => {
  const folder = folderOf(t);
  const keyring = await opened(t, siteIn(folder));
  const key = await keyring.make("device", "a");
  const other = databaseIn(folder);
  other.exec("BEGIN IMMEDIATE");
  assert.ok((await refusedWithin(keyring.make("device", "b"))) < 2_000);
  assert.deepEqual(await keyring.find("device", "a"), key);
  other.exec("ROLLBACK");
  other.close();
  assert.ok(await keyring.make("device", "b"));
});

test("a damaged file, or a place that is none, is refused with a sentence", async (t) => {
  const folder = folderOf(t);
  await (await Keyring.open(siteIn(folder))).close();
  writeFileSync(path.join(folder, "keyring.sqlite"), systemRandom.bytes(8192), { mode: 0o600 });
  const file = path.join(folder, "keyring.sqlite");
  for (const opening of [Keyring.open(siteIn(folder)), Keyring.openBeside(siteIn(folder))]) {
    await assert.rejects(opening, { code: "keyring.unreachable", message: new RegExp(`damaged.*${file}`) });
  }
  await assert.rejects(Keyring.open(siteIn(path.join(folder, "kek", "x"))), { code: "keyring.unreachable" });
});

test(
  "a keyring that may not be read is not taken for one that is not there",
  { skip: process.getuid?.() !== 0 },
  async (t) => {
    const folder = folderOf(t);
    await (await Keyring.open(siteIn(folder))).close();
    const file = path.join(folder, "keyring.sqlite");
    const asAnother = async (opening: () => Promise<unknown>) => {
      process.seteuid?.(65_531);
      try {
        await opening();
      } finally {
        process.seteuid?.(0);
      }
    };
    for (const [mode, uid] of [
      [0o700, 0],
      [0o755, 0],
      [0o700, 65_531],
    ] as const) {
      chmodSync(folder, mode);
      chownSync(folder, uid, uid);
      const message = new RegExp(`User 65531 may not read and write it: ${file} \\(E\\w+\\)\\.$`);
      await asAnother(() =>
        assert.rejects(Keyring.openBeside(siteIn(folder)), { code: "keyring.unreachable", message }),
      );
    }
    const none = { code: "keyring.unreachable", message: /no keyring at that place: .*\/none\/keyring\.sqlite\.$/ };
    await assert.rejects(Keyring.openBeside(siteIn(path.join(folder, "none"))), none);
  },
);

test("a link in place of the keyring is not followed", async (t) => {
  const folder = folderOf(t);
  await (await Keyring.open(siteIn(folder))).close();
  const elsewhere = path.join(path.dirname(folder), "elsewhere");
  writeFileSync(elsewhere, "", { mode: 0o644 });
  rmSync(path.join(folder, "keyring.sqlite"));
  symlinkSync(elsewhere, path.join(folder, "keyring.sqlite"));
  await assert.rejects(Keyring.open(siteIn(folder)), { code: "keyring.unreachable" });
  assert.equal(statSync(elsewhere).mode & 0o777, 0o644);
});

test("a keyring of a later version is not touched", async (t) => {
  const folder = folderOf(t);
  await (await Keyring.open(siteIn(folder))).close();
  const db = databaseIn(folder);
  db.exec("UPDATE ring SET format = 2");
  db.close();
  await assert.rejects(Keyring.open(siteIn(folder)), { code: "storage.newer" });
});

const isRoot = process.getuid?.() === 0;

test("a server that gave root up goes on writing", { skip: !isRoot && "needs root" }, (t) => {
  const folder = folderOf(t);
  const program = `
    import { systemClock, systemRandom } from "@holdfast/kernel";
    import { Keyring } from "${path.join(import.meta.dirname, "index.ts")}";
    const owner = { uid: 65534, gid: 65534 };
    const site = { place: { folder: "${folder}" }, owner, clock: systemClock, random: systemRandom };
    const keyring = await Keyring.open(site);
    await keyring.make("org", "before");
    process.setgid(owner.gid);
    process.setuid(owner.uid);
    await Promise.all(Array.from({ length: 1500 }, (_, i) => keyring.make("device", "dev_" + i)));
    await keyring.erase("org", ["before"]);
    await keyring.destroySegments(["none"]);
    if (!(await keyring.find("device", "dev_7"))) throw new Error("gone");
    await keyring.close();`;
  const options = { cwd: import.meta.dirname, encoding: "utf8" } as const;
  const { status, stderr } = spawnSync(process.execPath, ["--input-type=module-typescript", "-e", program], options);
  assert.equal(status, 0, stderr);
  assert.equal(statSync(path.join(folder, "kek")).uid, 0);
  assert.equal(statSync(path.join(folder, "keyring.sqlite")).uid, 65_534);
});
