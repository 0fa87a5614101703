import assert from "node:assert/strict";
import { test } from "node:test";
import { uuidOf } from "@holdfast/kernel";
import { asOwner } from "../testing/cluster.ts";
import { atEnd } from "../testing/database.ts";
import { insertInto } from "./index.ts";
import { signedInAs, storageWithNotes, write } from "./notes.fixture.ts";
import { roleNames } from "./roles.ts";

const fresh = await storageWithNotes(atEnd);
const { storage, org, write: add, texts, keyring, database } = fresh;

test("an organisation sees and changes its own rows, and no others", async () => {
  const [ours, theirs] = [await org(), await org()];
  await add(ours, 1, "ours");
  await add(theirs, 1, "theirs");

  assert.deepEqual(await texts(ours), ["ours"]);
  assert.deepEqual(await texts(theirs), ["theirs"]);
  await storage.change(ours, async (unit) => {
    unit.audit({ what: "tried", about: "all" });
    const changed = await unit.query("update note set text = 'taken' where id = 1 returning text", []);
    assert.equal(changed.length, 1);
    assert.equal((await unit.query("delete from note where text = 'theirs' returning text", [])).length, 0);
  });
  assert.deepEqual(await texts(theirs), ["theirs"]);

  // Neither a new row under a foreign name, nor an own one moved there.
  const { org: foreign } = theirs.scope;
  await assert.rejects(
    storage.change(ours, (unit) => write(unit, 2, "smuggled", foreign)),
    { code: "42501" },
  );
  await assert.rejects(
    storage.change(ours, (unit) => unit.query("update note set org = $1", [uuidOf(foreign)])),
    { code: "42501" },
  );
  // A reference reaches no foreign row either: the key says whose it is.
  await add(theirs, 7);
  await assert.rejects(
    storage.change(ours, (unit) => unit.query("insert into mark (org, note) values ($1, 7)", [uuidOf(ours.scope.org)])),
    { code: "23503" },
  );
  assert.deepEqual(await texts(theirs), ["theirs", "note 7"]);
});

test("what one organisation did on a connection leaves nothing for the next", async (t) => {
  const orgs = await Promise.all(Array.from({ length: 4 }, org));
  await Promise.all(orgs.map((allowed, index) => add(allowed, index, `of ${index}`)));
  const round = async (turn: number) => {
    const index = turn % orgs.length;
    const allowed = orgs[index];
    assert.ok(allowed);
    if (turn % 3 === 0) await add(allowed, 100 + turn, `more of ${index}`);
    for (const text of await texts(allowed)) assert.match(text, new RegExp(`of ${index}$`));
  };
  await Promise.all(Array.from({ length: 120 }, (_, turn) => round(turn)));

  // Also past our code: a connection on which a transaction of somebody ended has no organisation.
  const client = await signedInAs(t, "app", fresh);
  const [first] = orgs;
  assert.ok(first);
  await assert.rejects(client.query("select * from note"), { code: "42704" });
  await client.query(`begin; set local app.org = '${uuidOf(first.scope.org)}'`);
  assert.ok((await client.query("select * from note")).rows.length > 0);
  await client.query("commit");
  await assert.rejects(client.query("select * from note"), { code: "22P02" });
  await assert.rejects(client.query("insert into note values (gen_random_uuid(), 1, '')"), { code: "22P02" });
  await assert.rejects(
    storage.read({ ...first, scope: { ...first.scope, org: "x" as never } }, () => Promise.resolve()),
    {
      code: "id.malformed",
    },
  );
});

test("a partition that is named directly is as closed as its table", async () => {
  const [ours, theirs] = [await org(), await org()];
  for (const { scope } of [ours, theirs]) {
    await storage.ingest.append([
      { org: scope.org, text: insertInto("journal", ["at", "text"]), values: [1, scope.org] },
    ]);
  }
  await assert.rejects(
    storage.read(ours, (unit) => unit.query("select * from journal_1", [])),
    { code: "42501" },
  );
  await asOwner(database.login, `grant select on holdfast.journal_1 to ${roleNames(keyring.instance).app}`);
  const rows = await storage.read(ours, (unit) => unit.query<{ text: string }>("select text from journal_1", []));
  assert.deepEqual(rows, [{ text: ours.scope.org }]);
});

test("the committer writes for several organisations at once, and reads none of it", async () => {
  const orgs = await Promise.all(Array.from({ length: 3 }, org));
  const text = insertInto("journal", ["at", "text"]);
  await storage.ingest.append(orgs.map(({ scope }, at) => ({ org: scope.org, text, values: [at, scope.org] })));
  for (const allowed of orgs) {
    const rows = await storage.read(allowed, (unit) => unit.query<{ text: string }>("select text from journal", []));
    assert.deepEqual(rows, [{ text: allowed.scope.org }]);
  }

  // All or none, and it is told which one was wrong.
  const appends = orgs.map(({ scope }, at) => ({ org: scope.org, text, values: [at === 1 ? 1e9 : 5, "more"] }));
  await assert.rejects(storage.ingest.append(appends), { name: "AppendFailed", index: 1 });
  const [first, second] = orgs;
  assert.ok(first && second);
  const after = await storage.read(first, (unit) => unit.query("select from journal where text = 'more'", []));
  assert.equal(after.length, 0);

  // A statement that names one organisation and writes for another is refused.
  const forged = text.replace("select it.org", `select '${uuidOf(second.scope.org)}'::uuid`);
  const one = { org: first.scope.org, text: forged, values: [5, "forged"] };
  await assert.rejects(storage.ingest.append([one]), { name: "AppendFailed" });
  await assert.rejects(
    storage.ingest.transaction((query) => query("select * from holdfast.journal", [])),
    { code: "42501" },
  );
});
