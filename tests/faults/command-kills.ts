import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import type { TestContext } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { Device } from "@holdfast/device";
import { openJournal } from "@holdfast/device/node";
import { systemRandom } from "@holdfast/kernel";
import mqtt, { type MqttClient } from "mqtt";
import { Deployment } from "./deployment.ts";
import { Chance } from "./seed.ts";

type Made = { readonly id: string; readonly key: { readonly id: string; readonly secret: string } };
type Envelope = { readonly id: string; readonly again: boolean; readonly body: number };
type Command = { readonly id: string; readonly state: string; readonly result?: unknown };

type Commanded = {
  readonly id: string;
  /** How often each was said to be new, and how often each ran, by id. */
  readonly new: ReadonlyMap<string, number>;
  readonly ran: ReadonlyMap<string, number>;
  readonly deliveredAgain: number;
  /** The last of what it reported that was acknowledged. */
  readonly reported: number;
  /** Says how it is. */
  report(n: number): void;
  leave(): Promise<void>;
};

const raise = (counts: Map<string, number>, id: string) => void counts.set(id, (counts.get(id) ?? 0) + 1);

/** A device by our package. */
class Packaged implements Commanded {
  readonly id: string;
  readonly new = new Map<string, number>();
  readonly ran = new Map<string, number>();
  readonly deliveredAgain = 0;
  reported = 0;
  readonly #device: Device;

  constructor({ id, key }: Made, port: number, ca: string, file: string) {
    this.id = id;
    const journal = openJournal({ file, secret: key.secret });
    // How long it waits before it comes again, up to a minute by chance, is not what is tried.
    const random = { bytes: (count: number) => (count === 4 ? Uint8Array.of(1, 0, 0, 0) : systemRandom.bytes(count)) };
    this.#device = Device.connect({ url: `mqtts://localhost:${port}`, ca, key, journal }, { random });
    this.#device.onCommand("double", (command) => {
      raise(this.ran, command.id);
      return Number(command.body) * 2;
    });
  }

  report(n: number): void {
    this.#device.report({ n }).then(
      () => (this.reported = Math.max(this.reported, n)),
      () => undefined, // a later one took its place, or the test is over
    );
  }

  leave(): Promise<void> {
    return this.#device.close();
  }
}

/** A device as docs/commands.md says it should be: it remembers what it has begun, and says of what it did the same again. */
class Obedient implements Commanded {
  readonly id: string;
  readonly #client: MqttClient;
  readonly #done = new Map<string, number>();
  readonly new = new Map<string, number>();
  readonly ran = new Map<string, number>();
  deliveredAgain = 0;
  reported = 0;

  constructor({ id, key }: Made, port: number, ca: string, options: { version: 4 | 5; clean: boolean }) {
    this.id = id;
    const { version: protocolVersion, clean } = options;
    this.#client = mqtt.connect(`mqtts://localhost:${port}`, {
      ca,
      protocolVersion,
      clean,
      clientId: "obedient",
      username: key.id,
      password: key.secret,
      reconnectPeriod: 100,
      ...(protocolVersion === 5 && !clean && { properties: { sessionExpiryInterval: 3_600 } }),
    });
    this.#client.on("error", () => undefined); // the server is away: it comes again
    this.#client.on("connect", () => void this.#client.subscribe("me/commands/+", { qos: 1 }, () => undefined));
    this.#client.on("message", (_, payload, { dup }) =>
      this.#do(JSON.parse(payload.toString()) as Envelope, dup === true),
    );
  }

  #do({ id, again, body }: Envelope, dup: boolean): void {
    if (again || dup) this.deliveredAgain += 1;
    else raise(this.new, id);
    let outcome = this.#done.get(id);
    if (outcome === undefined) {
      raise(this.ran, id);
      this.#done.set(id, (outcome = body * 2));
    }
    this.#client.publish(`me/replies/${id}`, JSON.stringify({ result: outcome }), { qos: 1 }, () => undefined);
  }

  report(n: number): void {
    this.#client.publish("me/twin/reported", JSON.stringify({ n }), { qos: 1 }, (error) => {
      if (!error) this.reported = Math.max(this.reported, n);
    });
  }

  leave(): Promise<void> {
    return this.#client.endAsync(true);
  }
}

/**
 * Commands are sent to devices of both versions, with sessions that last and that do not, and to one by our package, while the server is killed again and again. Whatever was
 * accepted is answered in the end, no command is said to be new twice, and none runs twice.
 */
export async function killUnderCommands(t: TestContext, times: number): Promise<void> {
  const chance = new Chance();
  t.diagnostic(`seed ${chance.seed}`);
  const deployment = await Deployment.make(chance);
  t.after(() => deployment.close());
  await deployment.start();
  const { token } = await deployment.setUp();
  const me = () => deployment.visitor.as(token);
  const application = await me().post<{ id: string }>("/v1/applications", { name: "Commands" });
  const ca = readFileSync(deployment.caFile, "utf8");
  const devices: Commanded[] = [];
  for (let at = 0; at < 5; at += 1) {
    const made = await me().post<Made>("/v1/devices", { application: application.id, name: `Device ${at}` });
    if (at === 4) devices.push(new Packaged(made, deployment.mqttsPort, ca, path.join(deployment.folder, "spool")));
    else devices.push(new Obedient(made, deployment.mqttsPort, ca, { version: at % 2 === 0 ? 5 : 4, clean: at < 2 }));
  }
  t.after(() => Promise.all(devices.map((device) => device.leave())));

  const accepted: { device: Commanded; id: string; body: number }[] = [];
  let isOver = false;
  const sending = (async () => {
    for (let n = 1; !isOver; n += 1) {
      const device = devices[n % devices.length] ?? assert.fail();
      try {
        const answer = await me().send<Command>("POST", `/v1/devices/${device.id}/commands`, {
          body: { name: "double", body: n, expiresIn: "1h" },
        });
        if (answer.status !== 201) continue;
        accepted.push({ device, id: answer.body.id, body: n });
        device.report(n); // not while the server is away: the client would have thousands to say one by one before it replies
      } catch {
        // The server was killed meanwhile: nobody was told that it is accepted.
      } finally {
        await wait(5);
      }
    }
  })();
  const more = async (count: number) => {
    for (const enough = accepted.length + count; accepted.length < enough;) await wait(10);
  };
  for (let kill = 1; kill <= times; kill += 1) {
    await more(chance.between(5, 40));
    await deployment.kill();
    await deployment.start();
  }
  await more(10);
  isOver = true;
  await sending;

  const states = async () => {
    const found = new Map<string, Command>();
    for (const { id } of devices) {
      for (let cursor = ""; ;) {
        const page = await me().get<{ items: Command[]; nextCursor?: string }>(
          `/v1/devices/${id}/commands?limit=1000${cursor}`,
        );
        for (const item of page.items) found.set(item.id, item);
        if (page.nextCursor === undefined) break;
        cursor = `&cursor=${page.nextCursor}`;
      }
    }
    return found;
  };
  const isLost = (found: ReadonlyMap<string, Command>) =>
    accepted.filter(({ id, body }) => found.get(id)?.state !== "answered" || found.get(id)?.result !== body * 2);
  let found = await states();
  for (const end = performance.now() + 30_000; isLost(found).length > 0 && performance.now() < end; await wait(100))
    found = await states();
  assert.deepEqual(
    isLost(found)
      .slice(0, 10)
      .map(({ id }) => found.get(id) ?? id),
    [],
    `${isLost(found).length} of ${accepted.length} were accepted and not answered, of devices ${[...new Set(isLost(found).map(({ device }) => devices.indexOf(device)))].join(", ")}`,
  );
  for (const device of devices) {
    for (const counts of [device.new, device.ran])
      assert.deepEqual(
        [...counts].filter(([, count]) => count > 1),
        [],
      );
    const acknowledged = device.reported; // before it is asked what is kept: the last ones may still be under way
    const { reported } = await me().get<{ reported: { n?: number } }>(`/v1/devices/${device.id}/twin`);
    assert.ok((reported.n ?? 0) >= acknowledged, `${reported.n} was kept, and ${acknowledged} acknowledged`);
    assert.ok(acknowledged > 0);
  }
  const again = devices.reduce((sum, { deliveredAgain }) => sum + deliveredAgain, 0);
  t.diagnostic(
    `${times} kills, ${accepted.length} commands accepted, all answered, none twice; ${again} deliveries again`,
  );
  assert.equal((await deployment.stop()).code, 0);
}
