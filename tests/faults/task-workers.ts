import { setTimeout as wait } from "node:timers/promises";
import mqtt, { type MqttClient } from "mqtt";
import type { Visitor } from "../../apps/server/src/testing/index.ts";
import type { Chance } from "./seed.ts";
import type { TaskLedger } from "./task-ledger.ts";

export type Leased = { readonly id: string; readonly lease: number; readonly until: string };
export type Made = { readonly id: string; readonly key: { readonly id: string; readonly secret: string } };

/** What a worker does with a task that it got, so many times in a hundred; the rest it does at once. */
export type Fates = {
  readonly dies: number;
  readonly renews: number;
  readonly releases: number;
  readonly isLate: number;
};

const seconds = 5; // the shortest lease there is
const pause = 40; // milliseconds between two attempts

type Said = "taken" | "over" | "unknown";
type Outcome = { readonly said: Said; readonly until?: string | undefined };

/** How a worker reaches the board. What is cut off is unknown, and not thrown. */
interface Way {
  lease(count: number): Promise<readonly Leased[]>;
  say(task: Leased, verb: "renew" | "answer" | "release", body: object): Promise<Outcome>;
  end(): Promise<void>;
  /** Leaves without a word, and comes back later. */
  drop(): void;
}

/** Leases tasks, and renews, answers, gives back or forgets them, until it is told to stop. */
export class Worker {
  readonly id: string;
  readonly #way: Way;
  readonly #ledger: TaskLedger;
  readonly #chance: Chance;
  readonly #late: Promise<void>[] = [];
  /** Rejects where it saw what may not be. */
  readonly working: Promise<void>;
  #isOver = false;
  #isAbandoned = false;
  fates: Fates;

  constructor(id: string, way: Way, parts: { ledger: TaskLedger; chance: Chance; fates: Fates }) {
    this.id = id;
    this.#way = way;
    this.#ledger = parts.ledger;
    this.#chance = parts.chance;
    this.fates = parts.fates;
    this.working = this.#work();
    this.working.catch(() => undefined); // whoever stops it hears of it
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    try {
      await this.working;
      await Promise.all(this.#late);
    } finally {
      await this.#way.end();
    }
  }

  /** The test is over, whatever came of it. */
  async abandon(): Promise<void> {
    this.#isOver = this.#isAbandoned = true;
    await this.#way.end();
  }

  async #work(): Promise<void> {
    while (!this.#isOver) {
      const leased = await this.#way.lease(this.#chance.between(1, 3));
      for (const { id, lease, until } of leased) this.#ledger.granted(id, lease, this.id, Date.parse(until));
      for (const task of leased) await this.#meet(task);
      if (leased.length === 0) await wait(pause);
    }
  }

  async #meet(task: Leased): Promise<void> {
    const { dies, renews, releases, isLate } = this.fates;
    const drawn = this.#chance.between(0, 99);
    if (drawn < dies) return this.#way.drop();
    if (drawn < dies + renews) {
      const { said, until } = await this.#way.say(task, "renew", { seconds });
      const atMost = Date.now() + seconds * 1_000;
      this.#ledger.renewed(task.id, task.lease, until === undefined ? { atMost } : { known: Date.parse(until) });
      if (said === "over") return;
    } else if (drawn < dies + renews + releases) {
      this.#ledger.gaveUp(task.id, task.lease);
      await this.#way.say(task, "release", {});
      return;
    } else if (drawn < dies + renews + releases + isLate) {
      // It goes on as if nothing were, after its time: others go on meanwhile, and so does it.
      const late = wait(seconds * 1_000 + 200).then(() => this.#answer(task));
      late.catch(() => undefined); // `stop` hears of it
      this.#late.push(late);
      return;
    }
    await this.#answer(task);
  }

  /** Again until somebody says whether it counts. */
  async #answer(task: Leased): Promise<void> {
    const { id, lease } = task;
    while (!this.#isAbandoned) {
      const sentAt = Date.now();
      this.#ledger.gaveUp(id, lease);
      const { said } = await this.#way.say(task, "answer", { result: { by: this.id, lease } });
      if (said === "taken") return this.#ledger.took(id, lease, this.id);
      if (said === "over") return this.#ledger.refusedTo(id, lease, sentAt);
      await wait(pause);
    }
  }
}

/** Over HTTPS. `as` is asked each time, because each start has connections of its own. */
export function httpWay(group: string, as: () => Visitor): Way {
  const own = `/v1/me/groups/${group}`;
  return {
    async lease(count) {
      const answer = await attempt(() =>
        as().send<{ items: Leased[] }>("POST", `${own}/leases`, { body: { count, seconds } }),
      );
      return answer?.status === 200 ? answer.body.items : [];
    },
    async say({ id, lease }, verb, body) {
      const path = `${own}/tasks/${id}/${verb}`;
      const answer = await attempt(() =>
        as().send<{ until?: string; code?: string }>("POST", path, { body: { lease, ...body } }),
      );
      if (answer && answer.status < 300) return { said: "taken", until: answer.body.until };
      return { said: answer?.body.code === "task.leaseOver" ? "over" : "unknown" };
    },
    end: async () => undefined,
    drop: () => undefined,
  };
}

/** `undefined` where the server went away meanwhile. */
async function attempt<T>(ask: () => Promise<T>): Promise<T | undefined> {
  try {
    return await ask();
  } catch {
    return undefined; // nobody knows whether it was done
  }
}

type Told = { readonly leased?: readonly Leased[]; readonly renewed?: Leased };

/** Over MQTT 5, which tells what was refused. */
export function mqttWay(group: string, { key }: Made, place: { readonly port: number; readonly ca: string }): Way {
  const client: MqttClient = mqtt.connect(`mqtts://localhost:${place.port}`, {
    ca: place.ca,
    protocolVersion: 5,
    username: key.id,
    password: key.secret,
    reconnectPeriod: 100,
  });
  let told: ((one: Told) => void) | undefined;
  client.on("error", () => undefined); // the server is away: it comes again
  client.on("connect", () => void client.subscribe("me/tasks/+", { qos: 1 }, () => undefined));
  client.on("message", (_, payload) => told?.(JSON.parse(payload.toString()) as Told));
  /** What the board says to it, where it does within a second. */
  const hear = (isIt: (one: Told) => boolean): Promise<Told> =>
    new Promise((resolve) => {
      const timer = setTimeout(() => resolve({}), 1_000);
      told = (one) => {
        if (!isIt(one)) return;
        clearTimeout(timer);
        resolve(one);
      };
    });
  const publish = (verb: string, body: object): Promise<Said> =>
    client.publishAsync(`groups/${group}/tasks/${verb}`, JSON.stringify(body), { qos: 1 }).then(
      () => "taken",
      (error: { code?: number }) => (error.code === 0x99 ? "over" : "unknown"),
    );
  return {
    async lease(count) {
      const heard = hear(({ leased }) => leased !== undefined);
      void publish("lease", { count, seconds });
      return (await heard).leased ?? [];
    },
    async say({ id, lease }, verb, body) {
      const heard = verb === "renew" ? hear(({ renewed }) => renewed?.id === id) : undefined;
      const said = await publish(verb, { task: id, lease, ...body });
      return { said, until: said === "taken" ? (await heard)?.renewed?.until : undefined };
    },
    end: () => client.endAsync(true),
    drop: () => void client.stream.destroy(),
  };
}

/** Puts tasks under keys of its own over MQTT, and again where it was not told that they were taken: a client of 3.1.1. */
export class Putter {
  readonly #group: string;
  readonly #client: MqttClient;
  readonly accepted = new Set<string>();
  sent = 0;
  again = 0;
  #isOver = false;

  constructor(group: string, { key }: Made, place: { readonly port: number; readonly ca: string }) {
    this.#group = group;
    this.#client = mqtt.connect(`mqtts://localhost:${place.port}`, {
      ca: place.ca,
      protocolVersion: 4,
      username: key.id,
      password: key.secret,
      reconnectPeriod: 100,
    });
    this.#client.on("error", () => undefined); // it comes again
  }

  put(): void {
    this.#publish(`keyed-${(this.sent += 1)}`);
  }

  #publish(name: string): void {
    const body = JSON.stringify({ name, key: name, expiresIn: "1h" });
    this.#client.publish(`groups/${this.#group}/tasks/put`, body, { qos: 1 }, (error) => {
      if (!error) return void this.accepted.add(name);
      if (this.#isOver) return;
      this.again += 1;
      setTimeout(() => this.#publish(name), pause);
    });
  }

  /** All that it sent is acknowledged. */
  async drained(): Promise<void> {
    while (this.accepted.size < this.sent && !this.#isOver) await wait(pause);
  }

  end(): Promise<void> {
    this.#isOver = true;
    return this.#client.endAsync(true);
  }
}
