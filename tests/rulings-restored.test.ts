import assert from "node:assert/strict";
import { test } from "node:test";
import { parseId, uuidOf } from "@holdfast/kernel";
import { asOwner } from "../apps/server/src/testing/index.ts";
import { App } from "./application-users.fixture.ts";
import { textOf, type Device, type Key, type Thing } from "./authority.fixture.ts";
import { comers, csrOf, p256, showing, type Certificate } from "./issued.fixture.ts";
import { Story } from "./story.fixture.ts";

// An older backup of the database beside today's keyring: whoever was kept out since by a door, a list, a demand or another secret stays out,
// and what was let in since is as the backup has it.

const overMqtt = { transports: ["mqtts"] };

type Org = { readonly demands: object };
type Entries = { readonly items: readonly { readonly value: string }[] };

test("doors, lists, demands, secrets, owners of devices and sign-ups that changed keep out whom they kept out in a restored backup", async (t) => {
  const story = await Story.begin(t);
  const first = await story.start();
  const app = await App.of({ visitor: story.platform.visitor, clock: story.clock }, first);
  const application = { id: app.id };
  const product = await first.product();
  const make = (more = {}) => first.device(application.id, more);
  const [ofProduct, shut, denied, rotated, moving, reopened, admitted, untouched] = [
    await make({ product: product.id }),
    await make(),
    await make(),
    await make(),
    await make(),
    await make(),
    await make(),
    await make(),
  ];
  const [anna, bert] = [
    await app.user("anna").then(({ user, accessToken }) => ({ id: user, accessToken })),
    await first.asks.post<Thing>(`/v1/applications/${application.id}/users`, { login: "bert" }),
  ];
  const bind = (by: typeof first, { id }: Thing, user: string | null) =>
    by.asks.put(`/v1/devices/${id}/user`, { user });
  await bind(first, moving, anna.id);
  await bind(first, untouched, anna.id);
  const speaks = (by: typeof first, gateway: Thing, child: Thing) =>
    by.asks.put(`/v1/devices/${child.id}/gateway`, { gateway: gateway.id });
  await speaks(first, shut, moving);
  await speaks(first, shut, untouched);
  await first.asks.patch(`/v1/applications/${application.id}`, { signUp: "open" });
  await first.asks.put(`/v1/devices/${reopened.id}/door`, { ...overMqtt, size: 1_000 });
  const lifted = await first.deny(admitted.id, "device");
  const asAnna = () => story.platform.visitor.as(anna.accessToken);
  const denies = (entry: object) =>
    asAnna().post<Thing>("/v1/application-users/me/lists", { list: "deny", what: "address", ...entry });
  const removed = await denies({ value: "192.0.2.1" });
  const { owner, backup } = await story.backup();

  const hers = await denies({ what: "credential", value: "apiToken", device: untouched.id });
  await asAnna().delete(`/v1/application-users/me/lists/${removed.id}`);
  await owner.asks.put(`/v1/products/${product.id}/door`, overMqtt);
  await owner.asks.put(`/v1/devices/${shut.id}/door`, overMqtt);
  await owner.asks.put(`/v1/devices/${reopened.id}/door`, { size: 2_000 });
  await owner.deny(denied.id, "device");
  await owner.asks.delete(`/v1/lists/${lifted.id}`);
  const demands = { programs: { greatestAgeDays: 1 }, devices: { greatestAgeDays: 30 } };
  await owner.asks.patch("/v1/org", { demands });
  const rotate = (key: Key, overlap: string) =>
    owner.asks
      .post<Key>(`/v1/credentials/${key.id}/rotate`, { overlap })
      .then(({ secret }) => ({ id: key.id, secret }));
  const second = { ...rotated, key: await rotate(rotated.key, "0") };
  const also = { ...moving, key: await rotate(moving.key, "2h") };
  await bind(owner, moving, bert.id);
  await speaks(owner, admitted, moving);
  await owner.asks.patch(`/v1/applications/${application.id}`, { signUp: "closed" });
  const all = [ofProduct, shut, denied, rotated, second, moving, also, reopened, admitted, untouched];
  assert.deepEqual(await story.statusOf(...all), [403, 403, 403, 401, 200, 200, 200, 200, 200, 200]);

  const restored = await story.restore(backup);
  const told = story.platform.reports.find((line) => line.includes("had lost what was decided last")) ?? "";
  for (const part of [
    "doors 2",
    "allow and deny lists 1",
    "demands of organisations 1",
    "secrets of credentials 2",
    "devices of customers 1",
    "gateways of devices 1",
    "lists of customers 1",
  ])
    assert.ok(told.includes(part), told);
  assert.deepEqual(await story.statusOf(...all), [403, 403, 403, 401, 200, 200, 200, 403, 403, 200]);
  assert.deepEqual((await restored.asks.get<Org>("/v1/org")).demands, demands);
  const values = (await restored.asks.get<Entries>("/v1/lists")).items.map(({ value }) => value);
  assert.deepEqual(values.toSorted(), [denied.id, admitted.id].toSorted());
  const ofAnna = await restored.asks.get<{ items: Thing[] }>(`/v1/devices/${untouched.id}/lists`);
  assert.deepEqual(new Set(ofAnna.items.map(({ id }) => id)), new Set([removed.id, hers.id]));
  const userOf = async ({ id }: Thing) => (await restored.asks.get<{ user?: string }>(`/v1/devices/${id}`)).user;
  assert.deepEqual([await userOf(moving), await userOf(untouched)], [undefined, anna.id]);
  const gatewayOf = async ({ id }: Thing) =>
    (await restored.asks.get<{ gateway?: string }>(`/v1/devices/${id}`)).gateway;
  assert.deepEqual([await gatewayOf(moving), await gatewayOf(untouched)], [undefined, shut.id]);
  const { signUp } = await restored.asks.get<{ signUp: string }>(`/v1/applications/${application.id}`);
  assert.equal(signUp, "closed");
  const entries = await restored.audited(shut.id);
  assert.ok(
    entries.some(({ what, by, facts }) => what === "ruling.restored" && by === "platform" && facts?.["of"] === "door"),
  );

  // What holds now is the last that was decided: nothing is lost by the next start, and by the same backup the same again.
  await story.restore(backup);
  assert.ok(!story.platform.reports.some((line) => /had lost/.test(line)), story.platform.reports.join("\n"));
  story.clock.move(2 * 3_600_000);
  assert.deepEqual(await story.statusOf(moving, also), [401, 200], "the overlap is over when it was to be");
});

test("what the keyring missed is told to it, at the latest at the next start, and then holds in a restored backup", async (t) => {
  const story = await Story.begin(t);
  const first = await story.start();
  const application = await first.application();
  const make = () => first.device(application.id);
  const [missed, unheard, rotated, untouched] = [await make(), await make(), await make(), await make()];
  const all = [missed, unheard, rotated, untouched];
  const { owner, backup } = await story.backup();
  await story.whileTheKeyringIsAway(() => owner.asks.put(`/v1/devices/${missed.id}/door`, overMqtt));
  await owner.deny(unheard.id, "device");
  await owner.asks.post(`/v1/credentials/${rotated.key.id}/rotate`, { overlap: "0" });
  await story.forget(`delete from ruling where kind in ('lists', 'secret')`);
  await story.start();
  assert.deepEqual(await story.statusOf(...all), [403, 403, 401, 200], "the database knows better");
  assert.ok(!story.platform.reports.some((line) => /had lost/.test(line)));
  // Who can write to the database and has no keys makes nothing pass for later.
  const org = uuidOf(parseId("org", owner.org));
  await asOwner(
    backup.login,
    `begin; set local app.org = '${org}';
     insert into holdfast.ruling (org, about, kind, seq, body) values ('${org}', '${missed.id}', 'door', 1000000, ''); commit`,
  );
  await story.restore(backup);
  assert.ok(story.platform.reports.some((line) => line.includes(`the door of ${missed.id} was altered`)));
  assert.deepEqual(await story.statusOf(...all), [403, 403, 401, 200]);
});

test("of a journal that somebody altered nothing holds, the operator is told, and what has ended leaves nothing in it", async (t) => {
  const story = await Story.begin(t);
  const first = await story.start();
  const application = await first.application();
  const [shut, retired] = [await first.device(application.id), await first.device(application.id)];
  const { owner, backup } = await story.backup();
  for (const { id } of [shut, retired]) await owner.asks.put(`/v1/devices/${id}/door`, overMqtt);
  await owner.asks.delete(`/v1/devices/${retired.id}`);
  await story.forget(
    `update ruling set says = 'AAAA' || says where not exists (select 1 from ruling where about = '${retired.id}')`,
  );
  await story.restore(backup);
  assert.ok(story.platform.reports.some((line) => line.includes(`the door of ${shut.id} was altered`)));
  assert.deepEqual(await story.statusOf(shut, retired), [200, 401]);
});

test("a certificate that was renewed after the backup is good, the one before it for as long as it was to be, and an authority that was ended is over", async (t) => {
  const story = await Story.begin(t);
  const first = await story.start();
  const certify = async ({ key }: Device) => {
    const pair = p256();
    const asks = story.platform.visitor.as(textOf(key)).anew();
    const body = { csr: await csrOf(pair), validFor: "4h" };
    const certificate = await asks.post<Certificate>("/v1/me/certificates", body);
    return { ...certificate, shows: showing(certificate, pair) };
  };
  const device = await first.device((await first.application()).id);
  const before = await certify(device);
  const { backup } = await story.backup();
  const renewed = await certify(device);
  const come = async ({ shows }: typeof before) => {
    const client = await comers(story.platform)
      .byMqtt(shows)
      .catch(() => undefined);
    await client?.endAsync();
    return client !== undefined;
  };
  await story.restore(backup);
  assert.deepEqual([await come(before), await come(renewed)], [true, true]);
  assert.equal((await certify(device)).id, before.id);
  story.clock.move(4 * 3_600_000);
  assert.deepEqual([await come(before), await come(renewed)], [false, false]);
  const ending = await story.restore(story.database);
  await ending.asks.delete(`/v1/certificate-authorities/${before.certificateAuthority}`);
  const restored = await story.restore(backup);
  assert.deepEqual((await restored.asks.get<{ items: [] }>("/v1/certificate-authorities")).items, []);
});
