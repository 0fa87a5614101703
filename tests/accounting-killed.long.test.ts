import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { connectAsync } from "mqtt";
import { Deployment } from "./faults/deployment.ts";
import { Chance } from "./faults/seed.ts";

type Made = { id: string; key: { id: string; secret: string } };
type Counts = { messagesIn: number; messagesOut: number; bytesIn: number; bytesOut: number };
type Session = Counts & { client: string; beganAt: string; endedAt?: string; cause?: string };
type Step = Counts & { connections: number; points: number };

test("the server is killed: a session that was open is closed as crashed, and the sums of sessions are still the sums of hours", async (t) => {
  const deployment = await Deployment.make(new Chance());
  t.after(() => deployment.close());
  await deployment.start();
  const { token } = await deployment.setUp();
  const me = () => deployment.visitor.as(token);
  const application = await me().post<{ id: string }>("/v1/applications", { name: "Metered" });
  const { key } = await me().post<Made>("/v1/devices", { application: application.id, name: "Pump" });
  const connect = async (clientId: string) => {
    const client = await connectAsync({
      protocol: "mqtts",
      host: "127.0.0.1",
      port: deployment.mqttsPort,
      ca: readFileSync(deployment.caFile, "utf8"),
      servername: "localhost",
      reconnectPeriod: 0,
      clientId,
      username: key.id,
      password: key.secret,
    });
    client.on("error", () => undefined);
    t.after(() => client.end(true));
    return client;
  };
  const sessions = async () => (await me().get<{ items: Session[] }>("/v1/sessions")).items;
  const hours = async () => (await me().get<{ items: Step[] }>("/v1/usage?every=hour&over=mqtt")).items;
  const sum = <T extends Counts>(of: readonly T[], name: keyof Counts) => of.reduce((all, one) => all + one[name], 0);

  const over = await connect("over");
  await over.publishAsync("me/telemetry", '{"t":1}', { qos: 1 });
  await over.endAsync();
  const open = await connect("open");
  for (let each = 0; each < 5; each += 1) await open.publishAsync("me/telemetry", '{"t":1}', { qos: 1 });
  const known = (await sessions()).find(({ client }) => client === "open"); // reading writes it all down
  for (let each = 0; each < 3; each += 1) await open.publishAsync("me/telemetry", '{"t":1}', { qos: 1 });
  await deployment.kill();
  await deployment.start();

  const all = await sessions();
  assert.deepEqual(
    all.map(({ client, cause }) => [client, cause]),
    [
      ["open", "crash"],
      ["over", "goodbye"],
    ],
  );
  const [crashed] = all;
  assert.ok(crashed?.endedAt && crashed.endedAt >= crashed.beganAt);
  const { messagesIn = 0 } = known ?? {};
  assert.ok(messagesIn === 5 && crashed.messagesIn >= messagesIn, "what was written down is not lost");
  const steps = await hours();
  for (const name of ["messagesIn", "messagesOut", "bytesIn", "bytesOut"] as const)
    assert.equal(sum(all, name), sum(steps, name), name);
  assert.equal(
    steps.reduce((total, { connections }) => total + connections, 0),
    2,
  );
  assert.equal((await deployment.stop()).code, 0);
});
