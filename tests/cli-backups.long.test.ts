import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { emptyDatabase } from "../apps/server/src/testing/database.ts";
import { atEnd } from "../apps/server/src/testing/index.ts";
import { commandLine, inProcess } from "./cli.fixture.ts";

// A platform is copied while it serves, lost, and brought back from its copies, by whoever runs its machine. Later tests use what earlier ones made.
const first = await commandLine();
const { org } = await first.setUp();
const others: string[] = [];
for (const name of ["Branch", "Depot", "Harbour"])
  others.push((await first.answer("org", "create", "--name", name)).org);
const [branch = "", ...further] = others;

const empty = await emptyDatabase();
atEnd.after(() => empty.drop());
const at = (name: string) => path.join(first.folder, name);
const [data, keys, spare] = [at("data.backup"), at("keys.backup"), at("spare.root")];
const passphrase = ["--passphrase-file", at("password")];

const machineOf = ({ url, keysFolder, folder }: typeof empty) => {
  const env = { HOLDFAST_DATABASE_URL: url, HOLDFAST_KEYS: keysFolder, HOLDFAST_DATA: folder };
  return (...argv: string[]) => inProcess(argv, env, folder);
};
const [here, elsewhere] = [machineOf(first.database), machineOf(empty)];

test("the keys and the data are copied while the platform serves, never over another file, and the spare root stays until it stops", async () => {
  const [ofKeys, ofData] = await Promise.all([
    here("keys", "backup", "--out", keys, ...passphrase),
    here("backup", data),
  ]);
  assert.equal(ofKeys.code, 0, ofKeys.stderr);
  assert.match(ofKeys.stdout, /^Sealed to .*keys\.backup\n {2}made /);
  assert.equal(ofData.code, 0, ofData.stderr);
  assert.match(
    ofData.stdout,
    /^Backed up to .*data\.backup\n {2}made .*\n {2}holds {5}[\d,]+ rows of \d+ tables, [\d,]+ bytes\n$/,
  );
  const [again, served] = await Promise.all([
    here("backup", data),
    here("keys", "take-spare", "--out", spare, ...passphrase, "--json"),
  ]);
  assert.deepEqual([again.code, again.stdout], [2, ""]);
  assert.match(
    again.stderr,
    /^An option .* here\. \/.*data\.backup exists already, and is not overwritten\.\n {2}\(config\.malformed\)\n$/,
  );
  assert.deepEqual([served.code, served.stdout, JSON.parse(served.stderr).error.code], [1, "", "storage.inUse"]);
});

test("a backup is read to its end and says what it holds, and one that is damaged is told", async () => {
  const bytes = readFileSync(data);
  writeFileSync(at("damaged.backup"), bytes.fill(0, bytes.length - 100, bytes.length - 90));
  const [whole, damaged] = await Promise.all([
    here("backup", "verify", data),
    here("backup", "verify", at("damaged.backup")),
  ]);
  assert.equal(whole.code, 0, whole.stderr);
  assert.match(
    whole.stdout,
    /^Whole: .*data\.backup\n {2}made .*\n {2}holds {5}[\d,]+ rows of \d+ tables, .* bytes\n$/,
  );
  assert.deepEqual([damaged.code, damaged.stdout], [1, ""]);
  assert.match(damaged.stderr, /\n {2}\(backup\.damaged\)\n$/);
  const none = await first.call(["backup", "verify"]);
  assert.deepEqual([none.exit, none.out], [2, ""]);
});

test("keys and data come back elsewhere, where there are none, and the spare root's key goes out and in", async () => {
  const restoredKeys = await elsewhere("keys", "restore", "--in", keys, ...passphrase);
  assert.equal(restoredKeys.code, 0, restoredKeys.stderr);
  assert.match(restoredKeys.stdout, /^Restored from .*keys\.backup\n {2}made /);

  const restored = await elsewhere("restore", data);
  assert.equal(restored.code, 0, restored.stderr);
  assert.match(restored.stdout, /^Restored from .*data\.backup\n {2}made /);
  assert.match(restored.stdout, /Nothing is served\nuntil an owner .*:\n {2}npx holdfast restore confirm\n$/);
  const again = await elsewhere("restore", data);
  assert.deepEqual([again.code, again.stdout], [1, ""]);
  assert.match(again.stderr, /\n {2}\(storage\.notEmpty\)\n$/);

  const taken = await elsewhere("keys", "take-spare", "--out", spare, ...passphrase);
  assert.equal(taken.code, 0, taken.stderr);
  assert.match(taken.stdout, /^The spare root's key is out of the keyring, and sealed to .*spare\.root\n/);
  const brought = await elsewhere("keys", "bring-spare", "--in", spare, ...passphrase);
  assert.equal(brought.code, 0, brought.stderr);
  assert.match(brought.stdout, /^The spare root's key is in the keyring again, from .*spare\.root\n/);
});

test("a restored platform serves an organisation once its owner, or the administrator of the instance, has confirmed it", async () => {
  const { call, answer, read, refused } = await commandLine({ database: empty });
  const before = { HOLDFAST_TOKEN: first.env["HOLDFAST_TOKEN"] ?? "" };
  const over = await call(["restore", "confirm", "--json"], { env: before });
  assert.deepEqual([over.exit, JSON.parse(over.err).error.code], [1, "credential.invalid"]);
  const login = ["login", "--email", "ada@example.com", "--password-file", at("password"), "--org"];
  await answer(...login, org);
  // Until then she sees people and credentials alone, and nobody else's organisation is hers to open.
  assert.equal(await refused(undefined, "device", "list"), "permit.missing");
  assert.equal(await refused(undefined, "instance", "confirm", "--all"), "permit.missing");
  assert.match(await read("restore", "confirm"), new RegExp(`^id +${org}\\nname +Works\\n`));
  assert.equal(await refused(undefined, "restore", "confirm"), "org.confirmed");
  assert.deepEqual((await answer("device", "list")).items, []);

  for (const both of [[], ["--all", "--org", branch]]) {
    const wrong = await call(["instance", "confirm", ...both]);
    assert.deepEqual([wrong.exit, wrong.out, wrong.err], [2, "", "Say --org ORG, or --all.\n"]);
  }
  assert.match(await read("instance", "confirm", "--org", branch), new RegExp(`^confirmed +${branch}\\n$`));
  assert.equal(await refused(undefined, "instance", "confirm", "--org", branch), "org.confirmed");
  assert.deepEqual((await answer("instance", "confirm", "--all")).confirmed.toSorted(), further.toSorted());
  assert.match(await read("instance", "confirm", "--all"), /^confirmed +none was waiting\n$/);
});
