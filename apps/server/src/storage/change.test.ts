import assert from "node:assert/strict";
import { setImmediate } from "node:timers/promises";
import { test } from "node:test";
import { inspect } from "node:util";
import type { AuditEntry, Unit } from "./index.ts";
import { QueryFailed, violates } from "./index.ts";
import { TestClock } from "../testing/clock.ts";
import { atEnd } from "../testing/database.ts";
import { storageWithNotes, textsIn, write } from "./notes.fixture.ts";

const { storage, org, write: add, texts, reports } = await storageWithNotes(atEnd);

test("a change that leaves no audit entry is refused, and nothing of it is kept", async () => {
  const allowed = await org();
  const silent = (unit: Unit) => unit.query("insert into note values ($1, 1, 'x')", [unit.scope.org.slice(4)]);
  await assert.rejects(storage.change(allowed, silent), /no audit entry/);
  assert.deepEqual(await texts(allowed), []);
  await storage.note(allowed, silent);
  assert.deepEqual(await texts(allowed), ["x"]);
});

test("audit entries are written in the change's own transaction", async (t) => {
  const recorded: AuditEntry[] = [];
  let isBroken = false;
  const recordAudit = async (unit: Unit, entries: readonly AuditEntry[]) => {
    await unit.query("insert into fact (org, text) values ($1, $2)", [unit.scope.org.slice(4), entries[0]?.what]);
    if (isBroken) throw new Error("the audit cannot be written");
    recorded.push(...entries);
  };
  const { storage, org, write: add, texts } = await storageWithNotes(t, { recordAudit });
  const allowed = await org();
  await add(allowed, 1);
  isBroken = true;
  await assert.rejects(add(allowed, 2), /cannot be written/);
  assert.deepEqual(recorded, [{ what: "note.written", about: "1" }]);
  assert.deepEqual(await texts(allowed), ["note 1"]);
  assert.equal((await storage.read(allowed, (unit) => unit.query("select from fact", []))).length, 1);
});

test("what a change leaves for after the commit runs in order, before it answers, and only if it was committed", async () => {
  const allowed = await org();
  const said: string[] = [];
  await storage.change(allowed, async (unit) => {
    unit.afterCommit(() => void said.push("first"));
    await write(unit, 1);
    unit.afterCommit(() => {
      throw new Error("a hook of ours is broken");
    });
    unit.afterCommit(() => void said.push("second"));
    assert.deepEqual(said, []);
  });
  assert.deepEqual(said, ["first", "second"]);
  assert.deepEqual(reports, ["Something failed after a commit by our own fault."]);

  await assert.rejects(
    storage.change(allowed, async (unit) => {
      unit.afterCommit(() => void said.push("never"));
      await write(unit, 2);
      throw new Error("changed my mind");
    }),
    /changed my mind/,
  );
  assert.deepEqual(said, ["first", "second"]);
});

test("a change that throws leaves nothing, and neither does one that carried on after a failed statement", async () => {
  const allowed = await org();
  await assert.rejects(
    storage.change(allowed, async (unit) => {
      await write(unit, 1);
      throw new Error("no");
    }),
  );
  const swallowed = storage.change(allowed, async (unit) => {
    await write(unit, 2);
    await unit.query("select 1/0", []).catch(() => undefined);
  });
  await assert.rejects(swallowed, { name: "QueryFailed", code: "22012" });
  assert.deepEqual(await texts(allowed), []);
});

test("a violated constraint is told by its name, without the values", async () => {
  const allowed = await org();
  await add(allowed, 1, "a text of nobody's business");
  await assert.rejects(add(allowed, 1, "a text of nobody's business"), (error) => {
    assert.ok(violates(error, "note_pkey"));
    assert.ok(!violates(error, "mark_pkey"));
    assert.ok(error instanceof QueryFailed);
    assert.doesNotMatch(inspect(error), /business|Key/);
    return true;
  });
});

test("changes of one organisation run one after the other, those of two side by side", async () => {
  const [ours, theirs] = [await org(), await org()];
  const next = async (unit: Unit) => {
    const have = await textsIn(unit);
    await setImmediate();
    await write(unit, have.length);
  };
  await Promise.all(Array.from({ length: 12 }, () => storage.change(ours, next)));
  assert.equal((await texts(ours)).length, 12);

  const { promise: entered, resolve: enter } = Promise.withResolvers<void>();
  const { promise: released, resolve: release } = Promise.withResolvers<void>();
  const slow = storage.change(ours, async (unit) => {
    enter();
    await released;
    await write(unit, 100);
  });
  await entered;
  await storage.change(theirs, (unit) => write(unit, 1));
  // Bookkeeping stands in nobody's way.
  await storage.note(ours, (unit) => write(unit, 101));
  release();
  await slow;
});

test("a change inside a change is our mistake, and said so instead of waiting for itself", async () => {
  const [ours, theirs] = [await org(), await org()];
  await assert.rejects(
    storage.change(ours, async (unit) => {
      await write(unit, 1);
      await add(theirs, 1);
    }),
    /a change inside a change/,
  );
  // What a hook starts comes after the change, and reading is always possible.
  let after: Promise<void> | undefined;
  await storage.change(ours, async (unit) => {
    assert.deepEqual(await texts(ours), []);
    await write(unit, 1);
    unit.afterCommit(() => (after = add(ours, 2)));
  });
  await after;
  assert.deepEqual(await texts(ours), ["note 1", "note 2"]);
});

test("an organisation inside a unit of the instance is our mistake, the other way about is not", async () => {
  const ours = await org();
  await assert.rejects(
    storage.instance.change(() => add(ours, 1)),
    /an organisation inside a unit of the instance/,
  );
  await assert.rejects(
    storage.instance.read(() => texts(ours)),
    /an organisation inside a unit of the instance/,
  );
  await storage.change(ours, async (unit) => {
    await storage.instance.read((own) => own.query("select 1", []));
    await write(unit, 2);
  });
  assert.deepEqual(await texts(ours), ["note 2"]);
});

test("work is run again when another transaction was in the way", async () => {
  const [ours, theirs] = [await org(), await org()];
  await add(ours, 1);
  let runs = 0;
  const hooks: number[] = [];
  await storage.change(ours, async (unit) => {
    runs += 1;
    const run = runs;
    unit.afterCommit(() => void hooks.push(run));
    await write(unit, 1 + run);
    if (run < 3) await unit.query("do $$ begin raise exception 'in the way' using errcode = '40001'; end $$", []);
  });
  assert.deepEqual(await texts(ours), ["note 1", "note 4"]);
  assert.deepEqual(hooks, [3]);
  await assert.rejects(
    storage.change(theirs, (unit) =>
      unit.query("do $$ begin raise exception 'always' using errcode = '40P01'; end $$", []),
    ),
    { code: "storage.unavailable", retryAfterSeconds: 1 },
  );
});

test("a unit is over when its work is, and a statement that comes later is refused", async () => {
  const allowed = await org();
  let kept: Unit | undefined;
  await storage.change(allowed, async (unit) => {
    await write(unit, 1);
    kept = unit;
  });
  assert.ok(kept);
  await assert.rejects(kept.query("select 1", []), /an await is missing/);
  await storage.read(allowed, async (unit) => void (kept = unit));
  await assert.rejects(kept.query("select 1", []), /an await is missing/);
});

test("reading changes nothing, and sees one moment", async () => {
  const allowed = await org();
  await add(allowed, 1);
  await assert.rejects(
    storage.read(allowed, (unit) => unit.query("delete from note", [])),
    { code: "25006" },
  );
  await storage.read(allowed, async (unit) => {
    assert.throws(() => unit.audit({ what: "read", about: "x" }), /use storage.change/);
    assert.equal((await textsIn(unit)).length, 1);
    await add(allowed, 2);
    assert.equal((await textsIn(unit)).length, 1);
  });
});

test("the tables without organisation have a unit of their own", async () => {
  const said: string[] = [];
  const digest = Buffer.alloc(32, 7);
  await storage.instance.change(async (unit) => {
    await unit.query("insert into setup (digest, expires_at) values ($1, $2)", [digest, unit.at]);
    unit.afterCommit(() => void said.push("done"));
  });
  assert.deepEqual(said, ["done"]);
  const rows = await storage.instance.read((unit) =>
    unit.query<{ digest: Uint8Array }>("select digest from setup", []),
  );
  assert.deepEqual(rows[0]?.digest, digest);
});

test("values come back as what they are, and surprising ones are refused", async () => {
  const allowed = await org();
  const one = (text: string, ...values: unknown[]) =>
    storage.read(allowed, async (unit) => (await unit.query<{ v: unknown }>(`select ${text} as v`, values))[0]?.v);
  assert.equal(await one("9007199254740991::bigint"), Number.MAX_SAFE_INTEGER);
  assert.equal(await one("count(*)"), 1);
  assert.equal(await one("true"), true);
  assert.equal(await one("0.1::float8 + 0.2"), 0.1 + 0.2);
  assert.equal(await one("$1::bytea", null), null);
  assert.deepEqual(await one("$1::bytea", Uint8Array.of(0, 255, 92)), Buffer.from([0, 255, 92]));
  assert.deepEqual(await one("$1::text[]", ["a", 'b "c"\\', "", "NULL", null, "ü,{}"]), [
    "a",
    'b "c"\\',
    "",
    "NULL",
    null,
    "ü,{}",
  ]);
  assert.deepEqual(await one("array[1, null, 3]::bigint[]"), [1, null, 3]);
  assert.deepEqual(await one("'{}'::uuid[]"), []);
  assert.deepEqual(await one("array['\\x01'::bytea]"), [Buffer.from([1])]);
  const digest = await one("$1::bytea", new Uint8Array(32));
  assert.ok(digest instanceof Uint8Array && digest.buffer.byteLength === 32, "whoever remembers it remembers no more");
  assert.deepEqual(await one(`'{"a": [1]}'::jsonb`), { a: [1] });
  for (const strange of ["now()", "1.5", "9007199254740992::bigint", "array[array['a']]"]) {
    await assert.rejects(one(strange), /cast it|beyond|array of arrays/, strange);
  }
});

test("a disk that is full is told as such, and nothing new is taken until it has room again", async (t) => {
  const reserve = { bytes: 100, freeBytes: () => Promise.resolve(free) };
  let free = 1_000;
  const timers = new TestClock();
  const full = await storageWithNotes(t, { reserve, timers });
  const allowed = await full.org();
  full.storage.admit();
  // What PostgreSQL says when a file cannot grow.
  const fill = "do $$ begin raise exception 'could not extend file' using errcode = '53100'; end $$";
  await assert.rejects(
    full.storage.change(allowed, (unit) => unit.query(fill, [])),
    { code: "storage.full" },
  );
  assert.throws(() => full.storage.admit(), { code: "storage.full" });
  free = 100;
  timers.move(1_000);
  await setImmediate();
  assert.throws(() => full.storage.admit(), { code: "storage.full" });
  await full.write(allowed, 1); // what makes room, or revokes, is not held back
  free = 1_000;
  timers.move(1_000);
  await setImmediate();
  full.storage.admit();
});
