import assert from "node:assert/strict";
import { test } from "node:test";
import pg from "pg";
import { atEnd } from "../apps/server/src/testing/index.ts";
import type { Thing } from "./authority.fixture.ts";
import { App, says } from "./application-users.fixture.ts";
import { Mailed } from "./mail.fixture.ts";

// What the owner of a device is told by mail, by a real mail server.
const mailed = await Mailed.start();
atEnd.after(() => mailed.close());
const { platform, clock } = mailed;
const owner = await mailed.owner();
const app = await App.of({ visitor: platform.visitor.unkept(), clock }, owner);
const day = 86_400_000;
const path = "/v1/application-users/me/claims";

test("the owner of a device is told by mail that somebody shows the code on its box, that a code was made in her name, and that it is another's", async () => {
  const [ann, bob, eve] = [await app.user(), await app.user(), await app.user("no-address")];
  const pump: Thing & { name?: string } = await owner.device(app.id);
  const { code } = await owner.asks.post<{ code: string }>(`/v1/devices/${pump.id}/claim-code`, {});
  const ask = (who: { accessToken: string }, method: string, at: string, body?: object) =>
    app.ask<{ code: string }>(method, at, body, who.accessToken);
  assert.equal((await ask(ann, "POST", path, { code })).status, 200);

  await ask(eve, "POST", "/v1/application-users/me/contests", { code: "wrong" });
  assert.equal((await ask(eve, "POST", "/v1/application-users/me/contests", { code })).status, 200);
  const until = clock.now() + 14 * day; // the letter comes when time has passed, past midnight perhaps
  const told = await mailed.letterTo(ann.login, `Somebody claims your device “${pump.name}”`);
  assert.match(told, /object there/);
  assert.ok(told.includes(new Date(until).toISOString().slice(0, 10)), told);
  // Once for a contest, however often the code is shown.
  await ask(eve, "POST", "/v1/application-users/me/contests", { code });
  assert.equal((await ask(ann, "POST", `${path}/${pump.id}/objection`, {})).status, 200);

  const offer = await ask(ann, "POST", `${path}/${pump.id}/transfer`, {});
  assert.match(await mailed.letterTo(ann.login, `Your device “${pump.name}” is given on`), /take the code back/);
  assert.equal((await ask(bob, "POST", path, { code: offer.body.code })).status, 200);
  assert.match(
    await mailed.letterTo(ann.login, `Your device “${pump.name}” is somebody else's`),
    /stays yours to read/,
  );
  assert.ok(await mailed.hasNothingFor(ann.login));

  // Whoever signs in with what is no address has only the app's own list.
  const back = await ask(bob, "POST", `${path}/${pump.id}/transfer`, {});
  await mailed.letterTo(bob.login, `Your device “${pump.name}” is given on`);
  assert.equal((await ask(eve, "POST", path, { code: back.body.code })).status, 200);
  await mailed.letterTo(bob.login, `Your device “${pump.name}” is somebody else's`);
  assert.equal(says(await ask(eve, "POST", `${path}/${pump.id}/transfer`, {})).slice(0, 3), "200");
  assert.ok(!mailed.box.received.some(({ text }) => text.includes(code) || text.includes(offer.body.code)));
});

/** What is asked while no letter can be written down, as if the platform had ended just then. */
async function withoutPost(ask: (client: pg.Client) => Promise<void>): Promise<void> {
  const client = new pg.Client(platform.database.url);
  await client.connect();
  await client.query(
    "create function holdfast.no() returns trigger language plpgsql as $$ begin raise exception 'no'; end $$; create trigger no before insert on holdfast.outbox execute function holdfast.no()",
  );
  await ask(client);
  await mailed.pass();
  await client.query("drop trigger no on holdfast.outbox; drop function holdfast.no()");
  await client.end();
}

test("what her device became is told to its owner, also where the platform was cut off behind the change", async () => {
  const [ann, bob] = [await app.user(), await app.user()];
  const pump: Thing & { name?: string } = await owner.device(app.id);
  const { code } = await owner.asks.post<{ code: string }>(`/v1/devices/${pump.id}/claim-code`, {});
  const ask = async (who: { accessToken: string }, method: string, at: string, body?: object) => {
    const answer = await app.ask<{ code: string }>(method, at, body, who.accessToken);
    assert.equal(answer.status, 200, JSON.stringify(answer.body));
    return answer.body;
  };
  await ask(ann, "POST", path, { code });
  await withoutPost(async () => {
    await ask(bob, "POST", "/v1/application-users/me/contests", { code });
    await ask(ann, "POST", `${path}/${pump.id}/objection`, {});
    const offer = await ask(ann, "POST", `${path}/${pump.id}/transfer`, {});
    await ask(bob, "POST", path, { code: offer.code });
  });
  await mailed.letterTo(ann.login, `Somebody claims your device “${pump.name}”`);
  await mailed.letterTo(ann.login, `Your device “${pump.name}” is given on`);
  await mailed.letterTo(ann.login, `Your device “${pump.name}” is somebody else's`);
  assert.ok(await mailed.hasNothingFor(ann.login));
});

test("what somebody altered in the database is told to nobody, and keeps no other letter back", async () => {
  const ann = await app.user();
  const pumps: (Thing & { name?: string })[] = [await owner.device(app.id), await owner.device(app.id)];
  for (const { id } of pumps) {
    const { code } = await owner.asks.post<{ code: string }>(`/v1/devices/${id}/claim-code`, {});
    assert.equal((await app.ask("POST", path, { code }, ann.accessToken)).status, 200);
  }
  await withoutPost(async (client) => {
    for (const { id } of pumps) await app.ask("POST", `${path}/${id}/transfer`, {}, ann.accessToken);
    const { rowCount } = await client.query(
      "update holdfast.claim_notice set body = set_byte(body, length(body) - 1, get_byte(body, length(body) - 1) # 1) where id = (select id from holdfast.claim_notice order by created_at, id limit 1)",
    );
    assert.equal(rowCount, 1);
  });
  await mailed.letterTo(ann.login, `Your device “${pumps[1]?.name}” is given on`);
  assert.ok(await mailed.hasNothingFor(ann.login));
});

test("a letter for whose owner there were enough in an hour comes later", async () => {
  const ann = await app.user();
  const pump: Thing & { name?: string } = await owner.device(app.id);
  const { code } = await owner.asks.post<{ code: string }>(`/v1/devices/${pump.id}/claim-code`, {});
  await app.ask("POST", path, { code }, ann.accessToken);
  for (let n = 0; n < 21; n += 1) await app.ask("POST", `${path}/${pump.id}/transfer`, {}, ann.accessToken);
  const offered = `Your device “${pump.name}” is given on`;
  for (let n = 0; n < 20; n += 1) await mailed.letterTo(ann.login, offered);
  assert.ok(await mailed.hasNothingFor(ann.login));
  clock.move(3_600_000);
  await mailed.letterTo(ann.login, offered);
});
