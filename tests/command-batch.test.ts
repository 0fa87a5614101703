import assert from "node:assert/strict";
import { test } from "node:test";
import pg from "pg";
import { systemClock } from "@holdfast/kernel";
import { atEnd, startTestPlatform, TestClock } from "../apps/server/src/testing/index.ts";
import { Owner, textOf, type Device } from "./authority.fixture.ts";
import { heldUp } from "./pauses.fixture.ts";

type Batch = { readonly id: string; readonly counts: { readonly waiting: number } };

const clock = new TestClock(systemClock.now());
const platform = await startTestPlatform({ clock });
const { visitor } = platform;
const owner = new Owner(visitor, await platform.setUp());
const other = new Owner(visitor, await platform.setUp());
const client = new pg.Client(platform.database.url);
await client.connect();
atEnd.after(async () => {
  await client.end();
  await platform.close();
});
await client.query("select set_config('app.org', $1, false)", [owner.org.slice(4)]);
const rowsOf = async (table: string) => (await client.query(`select 1 from holdfast.${table}`)).rowCount;

const application = (await owner.application()).id;
const { id: product } = await owner.product();
const devices: Device[] = [];
for (; devices.length < 1_000; clock.move(60_000))
  // making has a rate
  devices.push(...(await Promise.all(Array.from({ length: 50 }, () => owner.device(application, { product })))));
const large = "x".repeat(8_000);
const send = () =>
  owner.asks.send<Batch>("POST", "/v1/command-batches", { body: { to: { product }, name: "update", body: large } });

test("of a batch that fails in its middle nothing is there, and no device is told", async () => {
  await client.query(`
    create function holdfast.no() returns trigger language plpgsql as $$ begin
      if (select count(*) from holdfast.command) >= 600 then raise exception 'no'; end if;
      return new;
    end $$;
    create trigger no before insert on holdfast.command for each row execute function holdfast.no()`);
  assert.equal((await send()).status, 500);
  await client.query("drop trigger no on holdfast.command; drop function holdfast.no()");
  assert.deepEqual([await rowsOf("command"), await rowsOf("command_batch")], [0, 0]);
  const [first] = devices;
  assert.ok(first);
  const { items } = await visitor.as(textOf(first.key)).get<{ items: unknown[] }>("/v1/me/commands?wait=0");
  assert.deepEqual(items, []);
});

test("a batch over a thousand devices is one change that is written in parts, and others have their turn meanwhile", async (t) => {
  await client.query(`
    create table holdfast.part (at bigint generated always as identity, rows bigint, change xid8);
    create function holdfast.note_part() returns trigger language plpgsql security definer as $$ begin
      insert into holdfast.part (rows, change) select count(*), pg_current_xact_id() from added;
      return null;
    end $$;
    create trigger note_part after insert on holdfast.command referencing new table as added
      for each statement execute function holdfast.note_part()`);
  let isOver = false;
  let [longest, answered] = [0, 0];
  const sent = send().finally(() => (isOver = true));
  while (!isOver) {
    const began = performance.now();
    await other.asks.get("/v1/applications");
    longest = Math.max(longest, performance.now() - began - heldUp(began));
    answered += 1;
  }
  const { status, body } = await sent;
  t.diagnostic(`${answered} answers meanwhile, the slowest after ${longest} ms`);
  assert.deepEqual([status, body.counts.waiting], [201, devices.length]);
  assert.equal(await rowsOf("command"), devices.length);
  const { rows } = await client.query<{ rows: string; change: string }>(
    "select rows, change from holdfast.part order by at",
  );
  assert.deepEqual(
    rows.map((part) => Number(part.rows)),
    [256, 256, 256, 232],
  );
  assert.equal(new Set(rows.map(({ change }) => change)).size, 1);
  assert.ok(answered > 1 && longest < 2_000, `${answered} answers, one after ${longest} ms`);
});
