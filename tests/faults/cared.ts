import assert from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
import path from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { DatabaseError, type Client } from "pg";
import type { Visitor, Welcome } from "../../apps/server/src/testing/index.ts";
import type { Deployment } from "./deployment.ts";
import { asOwner } from "./owner.ts";
import type { Chance } from "./seed.ts";

type Made = { readonly id: string; readonly key: { readonly id: string; readonly secret: string } };
type Device = Made & {
  /** What was acknowledged, and what may have been kept: the value under each time, in minutes since `epoch`. */
  readonly sent: Map<number, { readonly value: number; readonly isAcknowledged: boolean }>;
  /** How long its readings are kept in the end, in days. */
  readonly keep: number;
};
type Page = { items: { time: string; value: number }[]; nextCursor?: string };

const day = 86_400_000;
const minute = 60_000;
/** How far back readings go, and how long they are kept in the end, in days. What is older than these is in months that go as a whole. */
const oldest = 230;
const keptDays = { org: 150, short: 100 };

/**
 * Devices that send what they measured months ago, in an order of their own, so that chunks are joined, moved to the object store, and removed where
 * they are too old, in months too; and what has to be there of it in the end.
 */
export class Cared {
  readonly #deployment: Deployment;
  readonly #chance: Chance;
  readonly #store: string;
  readonly welcome: Welcome;
  readonly #epoch = Math.floor(Date.now() / day) * day - oldest * day;
  readonly #devices: Device[] = [];
  readonly #begunAt = Date.now();
  #value = 0;

  private constructor(of: { deployment: Deployment; chance: Chance; store: string }, welcome: Welcome) {
    this.#deployment = of.deployment;
    this.#chance = of.chance;
    this.#store = of.store;
    this.welcome = welcome;
  }

  /** In a deployment that was just begun. */
  static async begin(of: { deployment: Deployment; chance: Chance; store: string }): Promise<Cared> {
    const cared = new Cared(of, await of.deployment.setUp());
    const { me } = cared;
    const application = await me.post<{ id: string }>("/v1/applications", { name: "Chunks" });
    const product = await me.post<{ id: string }>("/v1/products", { name: "Short" });
    await me.put(`/v1/products/${product.id}/retention`, { keep: keptDays.short });
    for (const name of ["steady", "short", "erased"]) {
      const body = { application: application.id, name, ...(name === "short" && { product: product.id }) };
      cared.#devices.push({
        ...(await me.post<Made>("/v1/devices", body)),
        sent: new Map(),
        keep: keptDays[name === "short" ? "short" : "org"],
      });
    }
    return cared;
  }

  get me(): Visitor {
    return this.#deployment.visitor.as(this.welcome.token);
  }

  /** A few readings of each device, of times that lie apart; and as much besides as makes the log go on. Answers whether all was taken. */
  async send(): Promise<boolean> {
    for (const device of this.#devices) {
      const minutes = Array.from({ length: 20 }, () => this.#chance.between(0, (oldest - 1) * 1_440));
      const readings = minutes.map((at) => ({ time: this.#epoch + at * minute, values: { n: (this.#value += 1) } }));
      const pad = { values: { pad: `${this.#value} ${"x".repeat(3_000)}` } };
      const { id, secret } = device.key;
      const note = (isAcknowledged: boolean) => {
        for (const [index, at] of minutes.entries())
          device.sent.set(at, { value: readings[index]?.values.n ?? 0, isAcknowledged });
      };
      note(false);
      const answer = await this.#deployment.visitor
        .as(`${id}.${secret}`)
        .send("POST", "/v1/me/telemetry", { body: [...readings, pad] })
        .catch(() => undefined);
      if (answer?.status !== 200) return false;
      note(true);
    }
    return true;
  }

  /** All that the last device has measured. */
  async erase(): Promise<void> {
    const erased = this.#devices.at(-1);
    assert.ok(erased);
    const before = new Map(erased.sent);
    const answer = await this.me.send("POST", `/v1/devices/${erased.id}/erase`).catch(() => undefined);
    // What has not been answered may have been done.
    for (const [at, one] of before)
      if (answer?.status === 200) erased.sent.delete(at);
      else erased.sent.set(at, { ...one, isAcknowledged: false });
  }

  /**
   * From now on chunks are looked after: passes over all that was done today begin anew, and what would wait for a day is due. What is too old stays for
   * now, or goes.
   */
  async care(goes: boolean): Promise<void> {
    await this.me.put("/v1/org/retention", { keep: goes ? keptDays.org : "forever" });
    const database = await asOwner(this.#deployment);
    await wait(300); // for what is being written to chunks at this moment: a month in which some are to be joined is not moved
    await database.query("delete from holdfast.chunk_job; update holdfast.untidy set since = 0");
    await database.end();
    process.kill(this.#deployment.ready.pid, "SIGUSR2");
  }

  get objects(): readonly string[] {
    return filesIn(this.#store);
  }

  /** Everything acknowledged that is kept is there, once; nothing that was erased is; and the store holds what rows point to, and nothing else. */
  async settle(): Promise<{ readonly points: number; readonly objects: number }> {
    const database = await asOwner(this.#deployment);
    await settled(database, this.#store);
    let points = 0;
    for (const device of this.#devices) points += await this.#check(device);
    await database.end();
    return { points, objects: this.objects.length };
  }

  /** How many readings are there now, of which none that was acknowledged may be missing. What is too old may be there still. */
  async read(): Promise<number> {
    let points = 0;
    for (const device of this.#devices) points += await this.#check(device, true);
    return points;
  }

  /** Answers how many readings there are. */
  async #check(device: Device, mayBeOld = false): Promise<number> {
    const found = await this.#readingsOf(device);
    // What is too old was so when we began; what is not is so still. In between it may be there or not.
    const tooOldAt = (now: number) => (now - device.keep * day - this.#epoch) / minute;
    const [then, now] = [tooOldAt(this.#begunAt), tooOldAt(Date.now())];
    const missing = [...device.sent].filter(
      ([at, { value, isAcknowledged }]) => isAcknowledged && at > now && found.get(at) !== value,
    );
    assert.deepEqual(missing.slice(0, 5), [], `${device.id}: ${missing.length} acknowledged readings are missing`);
    const old = [...found.keys()].filter((at) => !mayBeOld && at < then);
    assert.deepEqual(old.slice(0, 5), [], `${device.id}: ${old.length} readings that are too old are there`);
    const strange = [...found.keys()].filter((at) => !device.sent.has(at));
    assert.deepEqual(
      strange.slice(0, 5),
      [],
      `${device.id}: ${strange.length} readings that were erased or never sent are there`,
    );
    return found.size;
  }

  /** The value under each time, in minutes since `epoch`. */
  async #readingsOf(device: Device): Promise<ReadonlyMap<number, number>> {
    const found = new Map<number, number>();
    const range = `attribute=n&from=${new Date(this.#epoch).toISOString()}&limit=10000`;
    for (let cursor = ""; ;) {
      const page = await this.me.get<Page>(`/v1/devices/${device.id}/telemetry?${range}${cursor}`);
      for (const { time, value } of page.items) {
        const at = (Date.parse(time) - this.#epoch) / minute;
        assert.ok(!found.has(at), `${device.id}: ${time} is there twice`);
        found.set(at, value);
      }
      if (!page.nextCursor) return found;
      cursor = `&cursor=${page.nextCursor}`;
    }
  }
}

const filesIn = (store: string): readonly string[] =>
  existsSync(store)
    ? readdirSync(store, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => path.relative(store, path.join(entry.parentPath, entry.name)))
        .sort((a, b) => (a < b ? -1 : 1))
    : [];

/** Until something was moved, rows and objects agree, and nothing that was erased is left. */
async function settled(database: Client, store: string): Promise<void> {
  // A month that goes as a whole meets our joins in another order: then it is we who ask again.
  const of = async (text: string): Promise<readonly string[]> => {
    try {
      return (await database.query<{ one: string }>(text)).rows.map(({ one }) => one);
    } catch (error) {
      if (error instanceof DatabaseError && error.code === "40P01") return of(text);
      throw error;
    }
  };
  let found: unknown;
  for (const end = performance.now() + 60_000; performance.now() < end; await wait(100)) {
    const objects = await of('select name as one from holdfast.cold_object order by name collate "C"');
    const unfinished = await of("select name as one from holdfast.cold_object where state <> 'written'");
    const wrong = await of(
      `select o.name as one from holdfast.cold_object o
        where o.live <> coalesce((select sum(c.object_length) from holdfast.chunk c where c.org = o.org and c.object = o.id), 0)`,
    );
    const lost = await of(
      `select c.object::text as one from holdfast.chunk c where c.object is not null
         and not exists (select from holdfast.cold_object o where o.org = c.org and o.id = c.object)`,
    );
    const erasing = await of(
      "select device::text as one from holdfast.owner_period where erased_at is not null and done_at is null",
    );
    const left = await of(
      `select c.series::text as one from holdfast.chunk c join holdfast.series s on s.org = c.org and s.id = c.series
         join holdfast.owner_period p on p.org = s.org and p.device = s.device and p.number = c.period where p.erased_at is not null`,
    );
    const files = filesIn(store);
    found = { objects, unfinished, wrong, lost, erasing, left, files };
    const isAlike = files.length > 0 && JSON.stringify(files) === JSON.stringify(objects);
    if (isAlike && [unfinished, wrong, lost, erasing, left].every(({ length }) => length === 0)) return;
  }
  assert.fail(`rows and objects do not agree: ${JSON.stringify(found)}`);
}
