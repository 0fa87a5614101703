import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { setTimeout as wait } from "node:timers/promises";
import type { IClientOptions, MqttClient } from "mqtt";
import { systemClock } from "@holdfast/kernel";
import { TestClock } from "../apps/server/src/testing/index.ts";
import type { FreshDatabase, TestPlatform, Visitor } from "../apps/server/src/testing/index.ts";
import type { Owner, Device } from "./authority.fixture.ts";
import { connected } from "./clients.fixture.ts";
import { startHouse, type House } from "./provider.fixture.ts";

export type Alert = {
  readonly id: string;
  readonly rule?: string;
  readonly webhook?: string;
  readonly cause: string;
  readonly because?: string;
  readonly outage: boolean;
  readonly state: string;
  readonly raisedAt: string;
  readonly clearedAt?: string;
  readonly acknowledgedBy?: string;
  readonly count: number;
  readonly devices: readonly { readonly device: string; readonly since: string; readonly endedAt?: string }[];
};

/** What a receiver of webhooks was sent. */
export type Message = {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly payload: string;
  readonly said: {
    readonly type: string;
    readonly timestamp: string;
    readonly data: Alert & { readonly ruleName?: string };
  };
};

/** A platform on a clock that a test moves, and a program that takes its webhooks. */
export class Desk {
  readonly house: House;
  readonly clock: TestClock;
  readonly taken: Message[] = [];
  /** What the receiver answers next; 204 when there is nothing. */
  readonly answers: number[] = [];
  readonly owner: Owner;
  /** Whoever is asked while time passes; another platform after a restart. */
  asks: Visitor;
  #application: string | undefined;

  private constructor(house: House, clock: TestClock) {
    this.house = house;
    this.clock = clock;
    this.owner = house.owner;
    this.asks = house.owner.asks;
    house.server.on("request", (request, response) => {
      const parts: Buffer[] = [];
      request.on("data", (part: Buffer) => parts.push(part));
      request.on("end", () => {
        const payload = Buffer.concat(parts).toString();
        const headers = request.headers as Record<string, string>; // none of those that are looked at comes twice
        this.taken.push({ path: request.url ?? "", headers, payload, said: JSON.parse(payload) });
        const status = this.answers.shift() ?? 204;
        response.writeHead(status, status >= 300 && status < 400 ? { location: "https://elsewhere.test/" } : {}).end();
      });
    });
  }

  static async open(given: { database?: FreshDatabase } = {}): Promise<Desk> {
    // Clients compare certificates with the machine's time; the platform's never goes behind what its database has seen.
    const clock = new TestClock(systemClock.now());
    const house = await startHouse(clock, { timers: clock, ...given });
    clock.move(10_000);
    return new Desk(house, clock);
  }

  /** Where its receiver is. */
  url(path = "/"): string {
    return this.house.issuer + path;
  }

  /** Devices of a product of their own, which a rule may be about. */
  async group(count: number): Promise<{ readonly of: object; readonly devices: readonly Device[] }> {
    this.#application ??= (await this.owner.application()).id;
    const application = this.#application;
    const { id: product } = await this.owner.product();
    const devices = Array.from({ length: count }, () => this.owner.device(application, { product }));
    return { of: { product }, devices: await Promise.all(devices) };
  }

  connect(
    { key }: Device,
    options: IClientOptions = {},
    platform: TestPlatform = this.house.platform,
  ): Promise<MqttClient> {
    return connected(platform, key, options);
  }

  async rule(wanted: object = {}): Promise<{ id: string; version: number }> {
    return this.owner.asks.post("/v1/alert-rules", { name: "Away", ...wanted });
  }

  async webhook(path = "/"): Promise<{ id: string; secret: string; version: number }> {
    return this.owner.asks.post("/v1/webhooks", { name: "Desk", url: this.url(path) });
  }

  async alerts(query = ""): Promise<readonly Alert[]> {
    return (await this.asks.get<{ items: Alert[] }>(`/v1/alerts${query}`)).items;
  }

  /** Time passes second by second, and the platform does what it has to in each: so much faster than its database it must not pass. */
  async pass(seconds: number): Promise<void> {
    for (let i = 0; i < seconds; i++) {
      this.clock.move(1_000);
      await this.asks.get("/v1/alert-rules");
      await wait(2);
    }
  }

  /** What closes gives its clients a moment, by this clock. */
  async during(closing: Promise<void>): Promise<void> {
    let isDone = false;
    const done = closing.finally(() => (isDone = true));
    while (!isDone) {
      this.clock.move(250);
      await wait(5);
    }
    await done;
  }

  /** The same until something is so. What is sent and written takes real time, whatever the clock says: then it goes slowly. */
  async until<T>(what: string, look: () => Promise<T | undefined> | T | undefined, seconds = 400): Promise<T> {
    const late = performance.now() + 20_000;
    for (let i = 0; i < seconds || performance.now() < late; i++) {
      const found = await look();
      if (found) return found;
      await this.pass(1);
      if (i >= seconds) await wait(500);
    }
    return assert.fail(`it did not come to that: ${what}`);
  }
}

/** As whoever takes it checks it. */
export function isSigned({ headers, payload }: Message, secret: string): boolean {
  const key = Buffer.from(secret.slice("whsec_".length), "base64");
  const text = `${headers["webhook-id"]}.${headers["webhook-timestamp"]}.${payload}`;
  return headers["webhook-signature"] === `v1,${createHmac("sha256", key).update(text).digest("base64")}`;
}
