import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { systemClock } from "@holdfast/kernel";
import pg from "pg";
import { atEnd, freshDatabase, startTestPlatform, TestClock } from "../apps/server/src/testing/index.ts";
import { App, says } from "./application-users.fixture.ts";
import { Owner } from "./authority.fixture.ts";
import { CookieBrowser } from "./cookie-browser.fixture.ts";

// What is kept of sign-ins that nobody ended: it goes in an hourly round, by a time that never goes back.
const clock = new TestClock(systemClock.now());
const database = await freshDatabase();
atEnd.after(() => database.drop());
const start = () => startTestPlatform({ clock, timers: clock, database });
let platform = await start();
atEnd.after(() => platform.close());
const setUp = await platform.setUp();
const world = { visitor: platform.visitor, clock };
const app = await App.of(world, new Owner(platform.visitor, setUp), "open");
const day = 24 * 3_600_000;

const client = new pg.Client(database.url);

/** Rows of sessions, refresh tokens, browsers' credentials and customers' tokens. */
async function kept(): Promise<readonly number[]> {
  const { rows } = await client.query<Record<"a" | "b" | "c" | "d", number>>(
    `select (select count(*)::int from holdfast.app_session) as a, (select count(*)::int from holdfast.app_refresh) as b,
       (select count(*)::int from holdfast.credential where prefix = 'session') as c,
       (select count(*)::int from holdfast.credential where app_session is not null) as d`,
  );
  return rows.flatMap(({ a, b, c, d }) => [a, b, c, d]);
}

/** Minutes pass until the round has come, and done that. Each waits for what it began: a round that is kept from the database for ten seconds gives up. */
async function comesTo(wanted: readonly number[]): Promise<void> {
  for (const late = performance.now() + 30_000; String(await kept()) !== String(wanted); await setTimeout(20)) {
    if (performance.now() > late) return assert.deepEqual(await kept(), wanted);
    clock.move(60_000);
  }
}

test("what is kept of a sign-in that is over goes though nobody comes again, and a clock that is set back does not revive it", async () => {
  await client.connect();
  try {
    const lost = await app.user();
    const browser = new CookieBrowser(platform);
    browser.org = setUp.org;
    await browser.signIn({ email: "owner@example.com", password: "correct horse battery staple" });
    await browser.good("GET", "/v1/me");
    assert.deepEqual(await kept(), [1, 1, 1, 1]);
    await client.query("create temp table sessions as select * from holdfast.app_session");
    await client.query("create temp table refreshing as select * from holdfast.app_refresh");
    const began = clock.now();
    clock.set(began + 20 * day);
    await comesTo([1, 1, 0, 1]);
    const open = await app.user();
    clock.set(began + 31 * day);
    await comesTo([1, 1, 0, 1]); // hers is there, and that of whoever was lost is not
    assert.equal(says(await app.me(open.accessToken)), "401 credential.expired", "and may be renewed");
    const renewed = await app.refresh(open.refreshToken);
    assert.deepEqual([renewed.status, renewed.body.session], [200, open.session]);

    await platform.close();
    clock.set(began + day);
    await client.query("insert into holdfast.app_session select * from sessions");
    await client.query("insert into holdfast.app_refresh select * from refreshing");
    platform = await start();
    world.visitor = platform.visitor;
    assert.equal(says(await app.refresh(lost.refreshToken)), "401 credential.invalid");
    assert.equal((await app.refresh(renewed.body.refreshToken)).status, 200);
    const [sessions] = await kept();
    assert.equal(sessions, 2, "as the backup had it");
    await comesTo([1, 3, 0, 2]);
  } finally {
    await client.end();
  }
});
