import assert from "node:assert/strict";
import { test } from "node:test";
import { newId, systemRandom, uuidOf, type Id } from "@holdfast/kernel";
import { asOwner, atEnd, freshStorage } from "../testing/index.ts";
import { Administrators } from "./administrators.ts";
import { Journal } from "./journal.ts";
import { authorityIn } from "./postgres.ts";
import { asPlatform } from "./spaces.ts";

// Who administers the instance stands twice: in the database, and in the keyring.
const fresh = await freshStorage();
atEnd.after(() => fresh.close());
const { storage, keyring: keys, database } = fresh;
const random = systemRandom;
const journal = new Journal({ book: keys.journal, report: assert.fail });
const load = () => Administrators.load({ storage, keys, journal, random });
const kept = async () => new TextDecoder().decode(await keys.secret("administrators"));
const one = () => ({ org: newId("org", random), person: newId("person", random) });

/** The keyring is told behind the commit. */
async function told(says: (text: string) => boolean): Promise<void> {
  while (!says(await kept())) await new Promise(setImmediate);
}

/** As platforms of before wrote a membership. */
async function formerly(administrator: boolean) {
  const { org, person } = one();
  const insert = `insert into holdfast.person values ('${uuidOf(person)}', sha256('${person}'), 1, '')`;
  await asOwner(database.login, insert);
  const scope = await storage.makeOrg(org);
  await storage.change(asPlatform(scope), async (unit) => {
    await unit.query("insert into organisation (org, created_at, version, body) values ($1, 1, 1, '')", [uuidOf(org)]);
    await authorityIn(unit).saveMember(person, { role: "owner" });
    const body = new TextEncoder().encode(JSON.stringify({ role: "owner", administrator, since: 1 }));
    await unit.query("update member set body = $1", [scope.seal("member", person, body)]);
    unit.audit({ what: "made", about: org });
  });
  return { org, person };
}

test("what platforms of before kept with a membership is heard once, and only in the organisation that said it", async () => {
  const [is, isNot] = [await formerly(true), await formerly(false)];
  const list = await load();
  assert.deepEqual([list.has(is.person), list.has(isNot.person)], [true, false]);
  assert.ok(list.in(is.org).has(is.person) && !list.in(isNot.org).has(is.person));
  await told((text) => text.includes(is.person));
  const late = await formerly(true);
  const again = await load();
  assert.deepEqual([again.has(is.person), again.has(late.person)], [true, false]);
});

test("the later of the two lists holds, and the other one learns of it", async () => {
  const list = await load();
  const [first, second] = [one(), one()];
  const changed: Id<"org">[] = [];
  list.onChange((org) => changed.push(org));
  await storage.instance.change((unit) => list.first(unit, first));
  await storage.instance.change((unit) => list.add(unit, second));
  await storage.instance.change((unit) => list.add(unit, second));
  assert.deepEqual(changed, [first.org, second.org]);
  await told((text) => text.includes(second.person));
  const older = await row();
  assert.equal(await storage.instance.change((unit) => list.remove(unit, second.person)), true);
  assert.equal(await storage.instance.change((unit) => list.remove(unit, second.person)), false);
  await assert.rejects(
    storage.instance.change((unit) => list.remove(unit, first.person)),
    { code: "administrator.last" },
  );
  await told((text) => !text.includes(second.person));

  await asOwner(database.login, `update holdfast.instance set administrators = '\\x${older}'`);
  const restored = await load();
  assert.deepEqual(
    [restored.has(first.person), restored.has(second.person)],
    [true, false],
    "a backup of the database",
  );
  assert.notEqual(await row(), older);

  const before = new TextEncoder().encode(JSON.stringify({ version: 1, all: [first, second] }));
  await keys.keepSecret("administrators", before);
  const again = await load();
  assert.deepEqual([again.has(first.person), again.has(second.person)], [true, false], "a backup of the keys");
  await told((text) => !text.includes(second.person));
});

test("whoever writes to the database and has no keys makes nobody an administrator", async () => {
  await asOwner(database.login, `update holdfast.instance set administrators = '\\x00'`);
  await assert.rejects(load(), { code: "seal.broken" });
});

async function row(): Promise<string> {
  type Row = { administrators: Uint8Array };
  const [found] = await storage.instance.read((unit) => unit.query<Row>("select administrators from instance", []));
  return Buffer.from(found?.administrators ?? []).toString("hex");
}
