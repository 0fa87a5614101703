import mqtt, { type IClientOptions, type MqttClient } from "mqtt";
import {
  freshDatabase,
  startTestPlatform,
  type FreshDatabase,
  type TestPlatform,
  type Visitor,
} from "../apps/server/src/testing/index.ts";
import { Owner, textOf, type Device } from "./authority.fixture.ts";

export type Heard = {
  readonly topic: string;
  readonly body: string;
  readonly qos: number;
  readonly retain: boolean;
  readonly dup: boolean;
};

/** A stock client, whether it found its session again, and all that it was told since it came. */
export type Line = {
  readonly client: MqttClient;
  readonly isResumed: boolean;
  readonly heard: readonly Heard[];
  /** What it was told, once it is so much; fails when that never comes. */
  until(count: number): Promise<readonly string[]>;
  /** Goes with DISCONNECT. */
  end(): Promise<void>;
  /** Goes without a word, as a client does whose network fails. */
  break(): Promise<void>;
};

/** A platform that a test stops and starts, on a database that outlives it. */
export class Restarting {
  readonly database: FreshDatabase;
  platform: TestPlatform;
  readonly #open = new Set<Line>();

  private constructor(database: FreshDatabase, platform: TestPlatform) {
    this.database = database;
    this.platform = platform;
  }

  static async start(): Promise<Restarting> {
    const database = await freshDatabase();
    return new Restarting(database, await startTestPlatform({ database }));
  }

  get visitor(): Visitor {
    return this.platform.visitor;
  }

  /** An organisation, as its owner asks in it: to be asked for each time, because a restart moves the platform. */
  async owner(): Promise<() => Owner> {
    const welcome = await this.platform.setUp();
    return () => new Owner(this.visitor, welcome);
  }

  /** What somebody holds stays good; how to ask with it has to be made anew. */
  as = (token: string): Visitor => this.visitor.as(token);

  feed = (device: Device, n: number): Promise<unknown> => this.as(textOf(device.key)).post("/v1/me/telemetry", { n });

  async restart(): Promise<void> {
    for (const line of this.#open) line.client.end(true);
    this.#open.clear();
    await this.platform.close();
    this.platform = await startTestPlatform({ database: this.database });
  }

  async close(): Promise<void> {
    for (const line of this.#open) line.client.end(true);
    await this.platform.close();
    await this.database.drop();
  }

  /** Of MQTT 5, unless it says otherwise. */
  async connect(options: IClientOptions): Promise<Line> {
    const { mqttsUrl, caPem = "" } = this.platform.platform;
    const client = mqtt.connect(mqttsUrl, { ca: caPem, reconnectPeriod: 0, protocolVersion: 5, ...options });
    const heard: Heard[] = [];
    client.on("error", () => undefined); // an end like any other
    client.on("message", (topic, payload, { qos, retain, dup }) =>
      heard.push({ topic, body: payload.toString(), qos, retain, dup }),
    );
    const isResumed = await new Promise<boolean>((resolve, reject) => {
      client.once("connect", ({ sessionPresent }) => resolve(sessionPresent));
      client.once("error", reject);
    });
    const gone = new Promise<void>((resolve) => client.once("close", () => resolve()));
    const line: Line = {
      client,
      isResumed,
      heard,
      async until(count) {
        await eventually(
          () => heard.length >= count,
          () => `${heard.length} of ${count} messages came`,
        );
        return heard.map(({ body }) => body);
      },
      async end() {
        await client.endAsync();
      },
      async break() {
        client.stream.destroy();
        await gone;
      },
    };
    this.#open.add(line);
    return line;
  }

  /** With a session that lasts. */
  device = (device: Device, options: IClientOptions = {}): Promise<Line> =>
    this.connect({ ...lasting, clientId: "device", username: device.key.id, password: device.key.secret, ...options });

  program = (token: string, options: IClientOptions = {}): Promise<Line> =>
    this.connect({ ...lasting, clientId: "program", username: "program", password: token, ...options });

  async metric(name: string): Promise<number> {
    const { text } = await this.visitor.send("GET", "/metrics");
    const found = text.split("\n").find((line) => line.startsWith(`holdfast_${name} `));
    if (found === undefined) throw new Error(`there is no metric ${name}`);
    return Number(found.split(" ")[1]);
  }
}

const lasting: IClientOptions = { clean: false, properties: { sessionExpiryInterval: 3_600 } };

/** What others do is waited for by looking. */
export async function eventually(holds: () => boolean | Promise<boolean>, what: () => string): Promise<void> {
  for (const end = performance.now() + 30_000; !(await holds()); await new Promise((resolve) => setTimeout(resolve, 5)))
    if (performance.now() > end) throw new Error(`it never came about: ${what()}`);
}
