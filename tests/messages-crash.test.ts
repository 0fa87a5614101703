import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { connectAsync, type IClientOptions, type MqttClient } from "mqtt";
import { Deployment } from "./faults/deployment.ts";
import { Chance } from "./faults/seed.ts";
import { eventually } from "./messages.fixture.ts";

type Key = { readonly id: string; readonly secret: string };
type Made = { readonly id: string; readonly key: Key };

test("after a crash wills go out, and of whoever was revoked a moment before there is neither will nor session", async (t) => {
  const deployment = await Deployment.make(new Chance());
  t.after(() => deployment.close());
  await deployment.start();
  const { token } = await deployment.setUp();
  const open: MqttClient[] = [];
  t.after(() => open.forEach((client) => client.end(true)));
  const connect = async (key: Key, options: IClientOptions = {}) => {
    const client = await connectAsync(`mqtts://localhost:${deployment.mqttsPort}`, {
      ca: readFileSync(deployment.caFile, "utf8"),
      username: key.id,
      password: key.secret,
      protocolVersion: 5,
      reconnectPeriod: 0,
      clean: false,
      clientId: "device",
      properties: { sessionExpiryInterval: 600 },
      ...options,
    });
    client.on("error", () => undefined); // an end like any other
    open.push(client);
    return client;
  };
  const me = () => deployment.visitor.as(token);
  const latest = async ({ id }: Made) => {
    type Page = { items: { attribute: string; value: unknown }[] };
    const { items } = await me().get<Page>(`/v1/devices/${id}/telemetry/latest`);
    return items.find(({ attribute }) => attribute === "gone")?.value;
  };
  const sessions = async () =>
    Number(/^holdfast_mqtt_sessions (\d+)$/m.exec((await deployment.visitor.send("GET", "/metrics")).text)?.[1]);

  const application = await me().post<{ id: string }>("/v1/applications", { name: "Wills" });
  const make = (name: string) => me().post<Made>("/v1/devices", { application: application.id, name });
  const [good, bad] = [await make("Good"), await make("Bad")];
  const second = await me().post<Key>(`/v1/devices/${bad.id}/keys`, {});
  const will = { topic: "me/telemetry", payload: Buffer.from('{"gone":true}'), qos: 2, retain: false } as const;
  await (await connect(good.key, { will })).subscribeAsync("me/#", { qos: 1 });
  await (await connect(bad.key, { will, clientId: "bad" })).subscribeAsync("me/#", { qos: 1 });
  const program = await me().post<{ id: string; token: string }>("/v1/tokens", {
    name: "Program",
    grants: ["telemetry.read"],
  });
  const reader = await connect({ id: "program", secret: program.token }, { clientId: "program" });
  await reader.subscribeAsync("devices/+/telemetry", { qos: 2 });
  await reader.endAsync();
  await deployment.visitor.as(`${good.key.id}.${good.key.secret}`).post("/v1/me/telemetry", { n: 1 });
  assert.equal(await sessions(), 3);
  await Promise.all([bad.key.id, program.id].map((id) => me().delete(`/v1/credentials/${id}`)));
  await deployment.kill();

  await deployment.start();
  await eventually(
    async () => (await latest(good)) === true,
    () => "the will of the one that is good",
  );
  assert.equal(await sessions(), 1);
  assert.equal(await latest(bad), undefined);
  const back = await connect(second, { clientId: "bad" });
  assert.equal(await sessions(), 2, "the other key finds no session");
  await back.endAsync();
  assert.equal((await deployment.stop()).code, 0);
});
