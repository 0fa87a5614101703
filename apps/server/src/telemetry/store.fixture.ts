import pg from "pg";
import { newId, systemRandom, type Id, type Instant, type Random, type Refusal } from "@holdfast/kernel";
import type { Action, Aggregate, KindOf } from "@holdfast/protocol";
import { asPlatform, HighWater, Spaces, type Space } from "../authority/index.ts";
import { Permit } from "../authority/permit.ts";
import { organisationsIn } from "../identity/organisation.ts";
import type { Active, Device, Suspended } from "../registry/device.ts";
import { applicationsIn, devicesIn, placementOf, productsIn, thingsIn } from "../registry/postgres.ts";
import { schemaOf, type Product } from "../registry/product.ts";
import type { Keyring, Storage, StorageNeeds } from "../storage/index.ts";
import { freshStorage, TestClock, type FreshDatabase } from "../testing/index.ts";
import type { BodyKind } from "./body.ts";
import type { Bucket } from "./buckets.ts";
import { Decoding } from "./decoding.ts";
import { ChunkCare, Telemetry } from "./index.ts";
import type { TelemetryNeeds } from "./needs.ts";
import { TelemetryQueries, type AggregatesAsked, type PointsAsked } from "./query.ts";
import { Questions } from "./questions.ts";

/** A test, or `atEnd` for what the tests of a file share. */
type Ends = { after(close: () => Promise<void>): void };

export type World = {
  readonly storage: Storage;
  readonly keyring: Keyring;
  readonly database: FreshDatabase;
  readonly spaces: Spaces;
  /** Stands still until it is moved; the store's timers go by it. */
  readonly clock: TestClock;
  readonly reports: string[];
  org(): Promise<Org>;
  /** Past all of our code, as whoever has the database in hand. */
  sql<Row = Record<string, unknown>>(text: string, values?: readonly unknown[]): Promise<Row[]>;
  /** The store, as after a start. */
  open(more?: Opening): Promise<Store>;
  readonly decoding: Decoding;
};

/** An organisation with one application. */
export type Org = {
  readonly id: Id<"org">;
  space(): Promise<Space>;
  /** Of the platform itself, or of an application user. */
  permit<A extends Action>(action: A, on: Id<KindOf<A>>, user?: Id<"user">): Promise<Permit<A>>;
  product(wanted: Pick<Product, "attributes" | "strict" | "onViolation" | "times">): Promise<Id<"product">>;
  device(product?: Id<"product">): Promise<Id<"device">>;
  suspend(device: Id<"device">): Promise<void>;
};

/** What a start is given beside its world. */
type Opening = Partial<TelemetryNeeds> & Pick<ConstructorParameters<typeof ChunkCare>[0], "moving">;

type Given = { storage?: Partial<StorageNeeds>; database?: FreshDatabase; clock?: TestClock; random?: Random };

/** All that the store stands on, with nothing of it pretended. */
export async function world(t: Ends, given: Given = {}): Promise<World> {
  const clock = given.clock ?? new TestClock();
  const random = given.random ?? systemRandom;
  const reports: string[] = [];
  const holder: { spaces?: Spaces } = {};
  const fresh = await freshStorage(
    { clock, doubtful: (org) => holder.spaces?.forget(org), ...given.storage },
    given.database,
  );
  const { storage, keyring } = fresh;
  const spaces = (holder.spaces = new Spaces({ storage, things: thingsIn, demands: async () => ({}) }));
  const stores = new Set<Store>();
  const decoding = new Decoding();
  const { tls: _, ...login } = (given.database ?? fresh.database).login;
  const owner = new pg.Client(login);
  await owner.connect();
  t.after(async () => {
    for (const store of stores) await store.close();
    await decoding.close();
    await owner.end();
    await fresh.close();
  });

  async function org(): Promise<Org> {
    const scope = await storage.makeOrg(newId("org", random));
    const it = asPlatform(scope);
    const application = newId("application", random);
    await storage.note(it, async (unit) => {
      const made = { name: "A", createdAt: unit.at, version: 1 };
      await organisationsIn(unit).add({ id: scope.org, ...made });
      await applicationsIn(unit).save({ id: application, ...made });
    });
    const save = async (device: Device) => {
      await storage.note(it, (unit) => devicesIn(unit).save(device));
      spaces.apply(scope.org, (space) => space.place(device.id, placementOf(device)));
    };
    const devices = new Map<Id<"device">, Active>();
    return {
      id: scope.org,
      space: () => spaces.of(scope.org),
      // Whether somebody may is the authority's matter, and tried there.
      permit: async (action, on, user) =>
        new Permit(
          { actor: it.actor, askAgain: () => undefined, user, attributesOf: () => undefined },
          action,
          on,
          scope,
        ),
      product: async (wanted) => {
        const made = { name: "P", former: {}, schemaVersion: 1, createdAt: clock.now(), version: 1 };
        const product = { id: newId("product", random), ...made, ...wanted };
        await storage.note(it, (unit) => productsIn(unit).save(product));
        spaces.apply(scope.org, (space) => space.setProduct(product.id, schemaOf(product)));
        return product.id;
      },
      device: async (product) => {
        const id = newId("device", random);
        await keyring.make("device", id);
        const made = { name: "D", alias: undefined, tags: {}, createdAt: clock.now(), turn: 0, placed: 0, version: 1 };
        const device: Active = { id, application, product, ...made, state: "active" };
        devices.set(id, device);
        await save(device);
        return id;
      },
      suspend: async (id) => {
        const device = devices.get(id);
        if (device) await save({ ...device, state: "suspended", since: clock.now(), version: 2 } satisfies Suspended);
      },
    };
  }

  async function open({ moving, ...more }: Opening = {}): Promise<Store> {
    const high = new HighWater(clock, 0 as Instant);
    const report = (message: string) => void reports.push(message);
    const needs = { storage, keys: keyring, spaces, clock: high, timers: clock, random, report, ...more };
    const telemetry = await Telemetry.open(needs);
    const asking = { ...needs, telemetry, decoding };
    const store = new Store(
      telemetry,
      { queries: new TelemetryQueries(asking), questions: new Questions(asking) },
      new ChunkCare({ ...needs, telemetry, moving }),
      () => stores.delete(store),
    );
    stores.add(store);
    return store;
  }

  const sql = async <Row>(text: string, values: readonly unknown[] = []) =>
    (await owner.query(text, [...values])).rows as Row[]; // the test knows what it asked for

  return { storage, keyring, database: fresh.database, spaces, clock, reports, decoding, org, sql, open };
}

/** `every` in milliseconds. */
type Steps = { every: number; aggregates: readonly Aggregate[] };
type Range = { from?: number; to?: number; limit?: number; cursor?: string };

/** A store in service, and what its users do with it. */
export class Store {
  readonly telemetry: Telemetry;
  readonly queries: TelemetryQueries;
  readonly questions: Questions;
  readonly care: ChunkCare;
  readonly #closed: () => void;

  constructor(
    telemetry: Telemetry,
    { queries, questions }: { queries: TelemetryQueries; questions: Questions },
    care: ChunkCare,
    closed: () => void,
  ) {
    this.telemetry = telemetry;
    this.queries = queries;
    this.questions = questions;
    this.care = care;
    this.#closed = closed;
  }

  /** What a device is told: 0 once its message is durable, else the code, or the refusal. */
  async say(org: Org, device: Id<"device">, body: unknown, kind: BodyKind = {}): Promise<number | Refusal> {
    const space = await org.space();
    await this.telemetry.prepare(space, device);
    return this.sayNow(space, device, body, kind);
  }

  /** The same without looking the device up before, as a program that speaks for it does. */
  sayNow(space: Space, device: Id<"device">, body: unknown, kind: BodyKind = {}): Promise<number | Refusal> {
    const { promise, resolve } = Promise.withResolvers<number | Refusal>();
    const bytes = body instanceof Uint8Array ? body : Buffer.from(JSON.stringify(body));
    const refusal = this.telemetry.accept({ space, device, via: "mqtt" }, bytes, kind, { settle: resolve });
    if (refusal) resolve(refusal);
    return promise;
  }

  async points(org: Org, device: Id<"device">, attribute: string, range: Range = {}) {
    const asked = { attribute, from: 0 as Instant, to: undefined, limit: 10_000, cursor: undefined, ...range };
    const { items, nextCursor } = await this.queries.points(await this.#permit(org, device), asked as PointsAsked); // whole
    return { items: items.map(({ time, value }) => [time, value] as const), nextCursor };
  }

  async aggregate(org: Org, device: Id<"device">, attribute: string, asked: Range & Steps) {
    const items: Bucket[] = [];
    for (let { cursor } = asked; ;) {
      const page = await this.bucketPage(org, device, attribute, { ...asked, ...(cursor !== undefined && { cursor }) });
      items.push(...page.items);
      if (page.nextCursor === undefined) return items;
      cursor = page.nextCursor;
    }
  }

  async bucketPage(org: Org, device: Id<"device">, attribute: string, asked: Range & Steps) {
    const every = { unit: "millisecond", count: asked.every } as const;
    const whole = { attribute, from: 0, to: undefined, limit: 10_000, cursor: undefined, ...asked, every };
    return this.queries.aggregate(await this.#permit(org, device), whole as AggregatesAsked); // times that a test gives are whole
  }

  async latest(org: Org, device: Id<"device">) {
    const items = await this.queries.latest(await this.#permit(org, device));
    return Object.fromEntries(items.map(({ attribute, point }) => [attribute, [point.time, point.value]]));
  }

  /** Ends as a stop does: what is not in chunks stays in the log. */
  async close(): Promise<void> {
    this.#closed();
    await this.telemetry.close();
  }

  #permit(org: Org, device: Id<"device">) {
    return org.permit("telemetry.read", device);
  }
}

/** Waits for what was begun elsewhere: by a timer, by PostgreSQL, by the system. */
export async function until(isSo: () => Promise<boolean> | boolean): Promise<void> {
  for (let turns = 0; !(await isSo()); turns += 1) {
    if (turns === 2_000) throw new Error("it never came to that");
    await new Promise((resolve) => setTimeout(resolve, turns < 20 ? 0 : 10));
  }
}
