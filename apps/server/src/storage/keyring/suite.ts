import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { isRefusal, newId, systemClock, systemRandom, type Clock, type Instant } from "@holdfast/kernel";
import { Keyring, restoreKeyring, type Site } from "./index.ts";

/** An empty place for a keyring, and the means to meddle with what is kept there. */
export type Ground = { readonly place: Site["place"]; sql(text: string): Promise<unknown>; readonly prefix: string };

export const passphrase = "correct horse battery";
const names = (count: number, prefix = "dev") => Array.from({ length: count }, (_, i) => `${prefix}_${i}`);

/** Time goes on with every look at the clock. */
let now = systemClock.now();
const clock: Clock = { now: () => (now = (now + 1) as Instant), elapsed: () => now };

export const siteAt = ({ place }: Pick<Ground, "place">): Site => ({ place, clock, random: systemRandom });

/** A keyring that the test need not close. */
export async function opened(t: TestContext, site: Site): Promise<Keyring> {
  const keyring = await Keyring.open(site);
  t.after(() => keyring.close());
  return keyring;
}

export async function backupOf(keyring: Keyring): Promise<Uint8Array> {
  const kept: Uint8Array[] = [];
  await keyring.backup(passphrase, async (sealed) => void kept.push(sealed));
  const [file] = kept;
  assert.ok(file);
  return file;
}

const makeAll = (keyring: Keyring, all: readonly string[]) =>
  Promise.all(all.map((name) => keyring.make("device", name)));

const findAll = (keyring: Keyring, all: readonly string[]) =>
  Promise.all(all.map((name) => keyring.find("device", name)));

/** What every keyring does, wherever it is kept. */
export function keyringSuite(where: string, ground: (t: TestContext) => Promise<Ground>): void {
  test(`${where}: keys are there after a restart, and an erased one never is again`, async (t) => {
    const site = siteAt(await ground(t));
    const all = names(600);
    const first = await Keyring.open(site);
    assert.ok(first.fresh);
    const made = await makeAll(first, all);
    assert.equal(new Set(made.map((key) => key.toHex())).size, all.length);
    await first.close();

    const again = await Keyring.open(site);
    assert.equal(again.fresh, false);
    assert.equal(again.instance, first.instance);
    assert.deepEqual(again.instanceKey("mail"), first.instanceKey("mail"));
    assert.notDeepEqual(again.instanceKey("mail"), again.instanceKey("roles"));
    assert.equal(again.cached("device", "dev_7"), undefined);
    assert.deepEqual(await findAll(again, all), made);
    assert.deepEqual(again.cached("device", "dev_7"), made[7]);
    assert.equal(await again.find("person", "dev_7"), undefined);

    await again.erase("device", ["dev_7", "dev_8"]);
    await again.erase("device", ["dev_7"]); // nothing happens twice
    assert.equal(again.cached("device", "dev_7"), undefined);
    assert.equal(await again.find("device", "dev_7"), undefined);
    assert.deepEqual(await again.holding("device", ["dev_7", "dev_8", "dev_9"]), ["dev_9"]);
    await assert.rejects(again.make("device", "dev_7"), { name: "Error" });
    await again.close();

    const last = await opened(t, site);
    const left = made.map((key, i) => (i === 7 || i === 8 ? undefined : key));
    assert.deepEqual(await findAll(last, all), left);
    assert.deepEqual(last.instanceKey("mail"), first.instanceKey("mail"));
  });

  test(`${where}: a name has one key, and a second attempt does not disturb others made beside it`, async (t) => {
    const keyring = await opened(t, siteAt(await ground(t)));
    const key = await keyring.make("org", "a");
    const results = await Promise.allSettled(["a", "b", "b", "c"].map((name) => keyring.make("org", name)));
    assert.deepEqual(
      results.map(({ status }) => status),
      ["rejected", "fulfilled", "rejected", "fulfilled"],
    );
    assert.deepEqual(await keyring.find("org", "a"), key);
    assert.notDeepEqual(await keyring.make("person", "a"), key);
  });

  test(`${where}: keys made and secrets kept while others are erased are all there afterwards`, async (t) => {
    const site = siteAt(await ground(t));
    const keyring = await Keyring.open(site);
    await makeAll(keyring, names(300, "old"));
    const made = new Map<string, Uint8Array>();
    const work: Promise<unknown>[] = [];
    for (let i = 0; i < 30; i += 1) {
      if (i % 6 === 0) work.push(keyring.erase("device", [`old_${i}`]));
      work.push(keyring.make("device", `new_${i}`).then((key) => made.set(`new_${i}`, key)));
      work.push(keyring.keepSecret("ca", Uint8Array.of(i)), keyring.find("device", `old_${i + 100}`));
      if (i % 3 === 0) await work.at(-3);
    }
    await Promise.all(work);
    await keyring.close();

    const again = await opened(t, site);
    assert.equal((await findAll(again, names(300, "old"))).filter((key) => key === undefined).length, 5);
    assert.equal(made.size, 30);
    for (const [name, key] of made) assert.deepEqual(await again.find("device", name), key);
    assert.deepEqual(await again.secret("ca"), Uint8Array.of(29));
    assert.equal(await again.secret("other"), undefined);
  });

  test(`${where}: a wrapped key opens in its own place and time only`, async (t) => {
    const at = await ground(t);
    const first = await Keyring.open(siteAt(at));
    await makeAll(first, ["a", "b", "c"]);
    await first.close();
    const table = `${at.prefix}keys`;
    await at.sql(`CREATE TABLE ${at.prefix}kept AS SELECT * FROM ${table} WHERE name = 'b'`);
    await at.sql(`UPDATE ${table} SET wrapped = (SELECT wrapped FROM ${table} WHERE name = 'b') WHERE name = 'a'`);
    await at.sql(`UPDATE ${table} SET kind = 'person' WHERE name = 'c'`);
    const broken = { code: "seal.broken" };

    const moved = await Keyring.open(siteAt(at));
    await assert.rejects(moved.find("device", "a"), broken);
    await assert.rejects(moved.find("person", "c"), broken);
    assert.ok(await moved.find("device", "b"));
    await at.sql(`DELETE FROM ${table} WHERE name IN ('a', 'c')`);
    await moved.erase("device", ["other"]);
    await moved.close();
    await at.sql(`UPDATE ${table} SET wrapped = (SELECT wrapped FROM ${at.prefix}kept) WHERE name = 'b'`);
    await assert.rejects((await opened(t, siteAt(at))).find("device", "b"), broken);
  });

  test(`${where}: the journal keeps the last revocation of each thing and kind of caller`, async (t) => {
    const site = siteAt(await ground(t));
    const keyring = await Keyring.open(site);
    const org = newId("org", systemRandom);
    const at = systemClock.now();
    await keyring.journal.append([{ org, about: "dev_1", ends: ["devices", "people"], seq: 5, at }]);
    await keyring.journal.append([{ org, about: "dev_1", ends: ["people"], seq: 9, at }]);
    await keyring.journal.append([{ org, about: "dev_1", ends: ["people"], seq: 7, at }]);
    await keyring.close();
    assert.deepEqual(await (await opened(t, site)).journal.all(), [
      { org, about: "dev_1", ends: ["devices"], seq: 5, at },
      { org, about: "dev_1", ends: ["people"], seq: 9, at },
    ]);
    const { journal } = await opened(t, site);
    assert.equal((await journal.of("dev_1")).length, 2);
    assert.deepEqual(await journal.of("dev_2"), []);
  });

  test(`${where}: the journal keeps what was decided last about each thing, of each kind`, async (t) => {
    const place = await ground(t);
    const site = siteAt(place);
    await (await Keyring.open(site)).close();
    for (const table of ["ruling", "let_go", "epoch_made", "data_backup"])
      await place.sql(`DROP TABLE ${place.prefix}${table}`); // a keyring from before there was this
    const keyring = await Keyring.open(site);
    const at = { org: newId("org", systemRandom), about: "dev_1" };
    await keyring.journal.rule([
      { ...at, kind: "application", says: "app_1", seq: 5 },
      { ...at, kind: "product", says: "prd_1", seq: 5 },
    ]);
    await keyring.journal.rule([{ ...at, kind: "application", says: "app_2", seq: 9 }]);
    await keyring.journal.rule([{ ...at, kind: "application", says: "app_3", seq: 7 }]);
    await keyring.journal.rule([{ ...at, kind: "product", says: undefined, seq: 8 }]);
    await keyring.close();
    assert.deepEqual(await (await opened(t, site)).journal.rulings(["door", "product", "application"]), [
      { ...at, kind: "product", says: undefined, seq: 8 },
      { ...at, kind: "application", says: "app_2", seq: 9 },
    ]);
  });

  test(`${where}: what is over is let go of where nothing newer stands there, with the time, and an erased organisation leaves nothing`, async (t) => {
    const site = siteAt(await ground(t));
    const keyring = await opened(t, site);
    const { journal } = keyring;
    const [org, other] = [newId("org", systemRandom), newId("org", systemRandom)];
    const at = systemClock.now();
    const revoked = (about: string, seq: number, whose = org) => ({ org: whose, about, ends: ["people"], seq, at });
    const ruled = (about: string, seq: number, whose = org) => ({ org: whose, about, kind: "door", says: "x", seq });
    await keyring.make("org", org);
    await journal.append([revoked("past", 1), revoked("newer", 5), revoked("other", 2, other)]);
    await journal.rule([ruled("past", 3), ruled("newer", 6), ruled("other", 4, other)]);
    assert.equal(await journal.letGoBy(), 0);
    assert.equal(await journal.lastSeq(), 6);
    assert.deepEqual(await journal.rulings(["user"]), []);
    const past = {
      revocations: [revoked("past", 1), revoked("newer", 4)],
      rulings: [ruled("past", 3), ruled("newer", 5)],
    };
    await journal.letGo({ ...past, by: 900 as Instant });
    await journal.letGo({ revocations: [], rulings: [], by: 800 as Instant });
    assert.equal(await journal.letGoBy(), 900);
    assert.deepEqual(await journal.all(), [revoked("other", 2, other), revoked("newer", 5)]);
    assert.deepEqual(await journal.rulings(["door", "product", "application"]), [
      ruled("other", 4, other),
      ruled("newer", 6),
    ]);
    await keyring.erase("org", [org]);
    assert.deepEqual(await journal.all(), [revoked("other", 2, other)]);
    assert.deepEqual(await journal.rulings(["door", "product", "application"]), [ruled("other", 4, other)]);
  });

  test(`${where}: how old the keys above others are is known; of a keyring from before that was kept, how old at least`, async (t) => {
    const place = await ground(t);
    const site = siteAt(place);
    const before = now;
    const first = await Keyring.open(site);
    await first.make("org", "a");
    const { root, org, lasting, passing } = await first.ages("a");
    for (const made of [root, org, lasting, passing]) {
      assert.equal(made?.known, "exactly");
      assert.ok(made.at > before && made.at <= now);
    }
    assert.deepEqual((await first.ages("b")).org, undefined);
    await first.erase("device", ["gone"]);
    const renewed = await first.ages("a");
    assert.ok(renewed.lasting && lasting && renewed.lasting.at > lasting.at);
    assert.deepEqual(renewed, { root, org, lasting: renewed.lasting, passing });
    await first.close();
    const again = await Keyring.open(site);
    assert.deepEqual(await again.ages("a"), renewed);
    await again.close();

    for (const table of ["let_go", "epoch_made", "data_backup"]) await place.sql(`DROP TABLE ${place.prefix}${table}`);
    const sinceThen = now;
    const migrated = await Keyring.open(site);
    const known = await migrated.ages("a");
    for (const made of [known.lasting, known.passing]) {
      assert.equal(made?.known, "atLatest");
      assert.ok(made.at > sinceThen);
    }
    assert.deepEqual([known.root, known.org], [root, org]);
    await migrated.close();
    const last = await opened(t, site);
    assert.deepEqual(await last.ages("a"), known);
    await last.destroySegments(["none"]);
    assert.equal((await last.ages("a")).passing?.known, "exactly");
  });

  test(`${where}: another KEK opens nothing, and what it refused stays as it is`, async (t) => {
    const { place } = await ground(t);
    const site = { ...siteAt({ place }), kek: new Uint8Array(32).fill(1) };
    await (await Keyring.open(site)).close();
    for (const kek of [new Uint8Array(32), new Uint8Array(31), undefined]) {
      await assert.rejects(Keyring.open({ ...site, kek }), { code: "keyring.sealed" });
    }
    await opened(t, site);
  });

  test(`${where}: a backup becomes a keyring; a later one adds what it lacks and takes what was erased`, async (t) => {
    const source = await opened(t, siteAt(await ground(t)));
    const org = newId("org", systemRandom);
    const made = await makeAll(source, names(20));
    await source.keepSecret("ca", Uint8Array.of(1));
    await source.make("segment", "1");
    const early = await backupOf(source);
    const [later] = await makeAll(source, ["later"]);
    assert.equal((await source.status()).keysSinceBackup, 1);
    await source.erase("device", ["dev_18", "dev_19"]);
    await source.journal.append([{ org, about: org, ends: ["people"], seq: 3, at: 0 as Instant }]);
    await source.journal.rule([{ org, about: "dev_1", kind: "product", says: undefined, seq: 4 }]);
    await source.journal.rule([{ org, about: "dev_2", kind: "product", says: "prd_1", seq: 5 }]);
    await source.journal.letGo({ revocations: [], rulings: [], by: 7 as Instant });
    const late = await backupOf(source);

    const site = siteAt(await ground(t));
    await restoreKeyring({ ...site, backup: early, passphrase });
    const restored = await Keyring.open(site);
    assert.equal(restored.fresh, false);
    assert.equal(restored.instance, source.instance);
    assert.deepEqual(restored.instanceKey("mail"), source.instanceKey("mail"));
    assert.deepEqual(await findAll(restored, names(20)), made);
    assert.deepEqual(await restored.secret("ca"), Uint8Array.of(1));
    assert.ok(await restored.find("segment", "1"));
    await restored.close();

    const summary = await restoreKeyring({ ...site, backup: late, passphrase });
    assert.deepEqual(summary.counts, { device: 19, segment: 1, root: 1, secret: 1 });
    const merged = await opened(t, site);
    assert.deepEqual(await findAll(merged, names(20)), [...made.slice(0, 18), undefined, undefined]);
    assert.deepEqual(await merged.find("device", "later"), later);
    assert.deepEqual(await merged.journal.all(), await source.journal.all());
    assert.deepEqual(
      await merged.journal.rulings(["door", "product", "application"]),
      await source.journal.rulings(["door", "product", "application"]),
    );
    const elsewhere = siteAt(await ground(t));
    await restoreKeyring({ ...elsewhere, backup: late, passphrase });
    const anew = await opened(t, elsewhere);
    assert.deepEqual(
      await anew.journal.rulings(["door", "product", "application"]),
      await source.journal.rulings(["door", "product", "application"]),
    );
    assert.deepEqual([await anew.journal.letGoBy(), await merged.journal.letGoBy()], [7, 7]);
    await assert.rejects(merged.make("device", "dev_19"), { name: "Error" });
  });

  test(`${where}: a second program reads the keyring while the server replaces its epoch key`, async (t) => {
    const site = siteAt(await ground(t));
    await assert.rejects(Keyring.openBeside(site), { code: "keyring.unreachable" });
    const server = await opened(t, site);
    const made = await makeAll(server, names(300));
    const beside = await Keyring.openBeside(site);
    t.after(() => beside.close());
    const [found] = await Promise.all([findAll(beside, names(300)), server.erase("device", ["dev_0"])]);
    assert.deepEqual(found.slice(1), made.slice(1));
    assert.deepEqual(await beside.find("device", "dev_9"), made[9]);
  });
}

/** How long it took to be refused, in milliseconds. */
export async function refusedWithin(ask: Promise<unknown>): Promise<number> {
  const start = performance.now();
  await assert.rejects(ask, (error) => isRefusal(error, "keyring.unreachable"));
  return performance.now() - start;
}
