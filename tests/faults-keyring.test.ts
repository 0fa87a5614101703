import assert from "node:assert/strict";
import { chmodSync, mkdirSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { connectAsync } from "mqtt";
import { startPostgres } from "../apps/server/src/storage/postgres/index.ts";
import { emptyDatabase } from "../apps/server/src/testing/database.ts";
import { startTestPlatform } from "../apps/server/src/testing/index.ts";
import { eventually } from "./messages.fixture.ts";

type Made = { id: string; key: { id: string; secret: string } };
type Problem = { code: string; title: string };
type Items = { items: { value: number }[] };

test("while the keyring is away readings come and go, what needs a new key is refused, and who is revoked is silent", async (t) => {
  const database = await emptyDatabase();
  const folder = path.join(database.folder, "another-postgres");
  mkdirSync(folder);
  chmodSync(folder, 0o755);
  const password = "c0ffee";
  const startKeyring = () => startPostgres({ folder: path.join(folder, "data"), password, report: () => undefined });
  let postgres = await startKeyring();
  const { owner } = postgres;
  const keyringUrl = `postgres://${owner.user}:${password}@/postgres?host=${encodeURIComponent(owner.host)}&port=${owner.port}`;
  const platform = await startTestPlatform({ database, config: { keyringUrl } });
  t.after(async () => {
    await platform.close();
    await postgres.stop();
    await database.drop();
  });
  const { token } = await platform.setUp();
  const me = platform.visitor.as(token);
  const { id: application } = await me.post<{ id: string }>("/v1/applications", { name: "Keys" });
  const make = (name: string) => me.post<Made>("/v1/devices", { application, name });
  const [known, fresh, revoked] = [await make("Known"), await make("Fresh"), await make("Revoked")];
  const as = ({ key }: Made) => platform.visitor.as(`${key.id}.${key.secret}`);
  const connect = ({ key: { id: username, secret } }: Made) =>
    connectAsync(platform.platform.mqttsUrl, { ca: platform.platform.caPem ?? "", username, password: secret });
  await as(known).post("/v1/me/telemetry", { given: 1 });

  await postgres.stop();

  // Readings, also of a device that never sent one, and of attributes that are new.
  for (const device of [known, fresh]) {
    await as(device).post("/v1/me/telemetry", { given: 2, another: 1 });
    const client = await connect(device);
    await client.publishAsync("me/telemetry", `{"given":3}`, { qos: 1 });
    await client.endAsync();
    const { items } = await me.get<Items>(`/v1/devices/${device.id}/telemetry?attribute=given`);
    assert.deepEqual(items.map(({ value }) => value).slice(-2), [2, 3]);
  }

  // A device and an organisation, whose keys nobody could keep.
  const wanted = [
    ["/v1/devices", { application, name: "New" }],
    ["/v1/orgs", { name: "New" }],
  ] as const;
  for (const [to, body] of wanted) {
    const { status, body: problem, headers } = await me.send<Problem>("POST", to, { body });
    assert.deepEqual([status, problem.code], [503, "keyring.unreachable"]);
    assert.match(problem.title, /Check the keys folder or --keyring-url/);
    assert.match(String(headers["retry-after"]), /^\d+$/);
  }

  // A revocation, which must not wait for anybody.
  const listening = await connect(revoked);
  const closed = new Promise<void>((resolve) => listening.once("close", resolve));
  assert.equal((await me.send("DELETE", `/v1/credentials/${revoked.key.id}`)).status, 200);
  await closed;
  listening.end(true);
  assert.equal((await as(revoked).send("POST", "/v1/me/telemetry", { body: { given: 4 } })).status, 401);
  // Nobody waits for the keyring to fail.
  await eventually(
    () => platform.reports.some((line) => line.includes(`did not take a revocation of ${revoked.key.id}`)),
    () => platform.reports.join("\n"),
  );
  assert.equal((await platform.visitor.send("GET", "/readyz")).status, 200);

  postgres = await startKeyring();
  for (const [to, body] of wanted) assert.equal((await me.send("POST", to, { body })).status, 201);
});
