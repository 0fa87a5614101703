import assert from "node:assert/strict";
import { test } from "node:test";
import pg from "pg";
import { systemClock } from "@holdfast/kernel";
import { freshDatabase, startTestPlatform, TestClock } from "../apps/server/src/testing/index.ts";
import { Owner, type Problem } from "./authority.fixture.ts";
import type { SignedIn } from "./cookie-browser.fixture.ts";
import { Comer, enter, startHouse, startProvider, type Account, type House } from "./provider.fixture.ts";

const tables = ["provider_domain", "provider_subject", "provider", "revocation"]; // in the order in which they can be emptied

test("an older backup of the database brings back no provider that was removed, switched off or another one, and nobody who was unlinked", async (t) => {
  const database = await freshDatabase();
  const { tls: _, ...login } = database.login;
  const past = new pg.Client(login);
  await past.connect();
  const clock = new TestClock(systemClock.now());
  const first = await startHouse(clock, { database });
  let house: House = first;
  t.after(async () => {
    await past.end();
    await house.platform.close();
    await first.close();
    await database.drop();
  });
  const accounts = new Map<string, Account>(
    ["unlinked", "stays"].map((name) => [name, { email: `${name}@house.example`, email_verified: true }]),
  );
  startProvider(house, accounts);
  const restart = async (between: () => Promise<void>) => {
    await house.platform.close();
    await between();
    const platform = await startTestPlatform(first.given);
    house = { ...first, platform, owner: new Owner(platform.visitor, first.owner) };
    startProvider(house, accounts);
  };
  const come = async (name: string) => {
    clock.move(3_000);
    const comer = new Comer(house);
    const { status, text } = await comer.come(name, { org: house.owner.org, provider: kept });
    assert.equal(status, 201, text);
    return { comer, person: (await comer.good<SignedIn>("GET", "/v1/session")).person.id };
  };
  const { id: kept } = await enter(house, { joins: "viewer" });
  const [off, another, removed] = [await enter(house), await enter(house), await enter(house)];
  const unlinked = await come("unlinked");
  const stays = await come("stays");

  const saved = new Map<string, Record<string, unknown>[]>();
  for (const table of tables) saved.set(table, (await past.query(`select * from holdfast.${table}`)).rows);
  const { asks } = house.owner;
  await asks.delete(`/v1/providers/${kept}/people/${unlinked.person}`);
  await asks.patch(`/v1/providers/${off.id}`, { isEnabled: false });
  await asks.patch(`/v1/providers/${another.id}`, { clientId: "another" });
  await asks.delete(`/v1/providers/${removed.id}`);

  await restart(async () => {
    for (const table of tables) await past.query(`delete from holdfast.${table}`);
    for (const table of tables.toReversed())
      for (const row of saved.get(table) ?? []) {
        const names = Object.keys(row);
        const places = names.map((_name, at) => `$${at + 1}`).join();
        await past.query(`insert into holdfast.${table} (${names.join()}) values (${places})`, Object.values(row));
      }
  });
  const { items } = await house.owner.asks.get<{ items: { id: string; isEnabled: boolean }[] }>("/v1/providers");
  assert.deepEqual(
    new Map(items.map(({ id, isEnabled }) => [id, isEnabled])),
    new Map([kept, off.id, another.id, removed.id].map((id) => [id, id === kept])),
    "what the backup has again is switched off",
  );
  for (const { id: provider } of [off, another, removed]) {
    clock.move(3_000);
    const body = { org: house.owner.org, provider };
    const answer = await new Comer(house).send<Problem>("POST", "/v1/provider-sign-ins", { body });
    assert.deepEqual([answer.status, answer.body.code], [404, "provider.unknown"]);
  }
  const { items: people } = await house.owner.asks.get<{ items: { person: string }[] }>(`/v1/providers/${kept}/people`);
  assert.deepEqual(
    people.map(({ person }) => person),
    [stays.person],
  );
  assert.equal((await come("stays")).person, stays.person);
  assert.notEqual((await come("unlinked")).person, unlinked.person, "she comes as for the first time");
  // Whoever manages it says anew that it is good.
  await house.owner.asks.patch(`/v1/providers/${off.id}`, { isEnabled: true });
  clock.move(3_000);
  await new Comer(house).begin({ org: house.owner.org, provider: off.id });
});
