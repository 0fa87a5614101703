import assert from "node:assert/strict";
import pg from "pg";
import { uuidOf, type Id } from "@holdfast/kernel";
import { allActions, routes, type Route } from "@holdfast/protocol";
import {
  startTestPlatform,
  type FreshDatabase,
  type TestPlatform,
  type Visitor,
} from "../apps/server/src/testing/index.ts";
import {
  furnish,
  nobodysKey,
  Owner,
  textOf,
  unknown,
  type Device,
  type Furnished,
  type Thing,
} from "./authority.fixture.ts";
import { events, mqtt, shown, webSocket, type Held, type Subscribed } from "./revocation.fixture.ts";

/** What only the other organisation knows. It must turn up in nothing that is answered to anybody else. */
const planted = {
  name: "Zinnia",
  /** Theirs too, and tried by us: what both have says nothing. */
  common: "meadow",
  reading: 731_982_645_017_263,
  live: [829_104_776_351_902, 546_038_291_774_415],
} as const;

type Pick = <T>(of: readonly T[]) => T;

/** A small generator with a seed, so that what failed can be repeated (mulberry32). */
function randomFrom(seed: number): Pick {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return (of) => {
    const one = of[Math.floor(next() * of.length)];
    assert.ok(one !== undefined, "there is something to pick");
    return one;
  };
}

/**
 * One organisation does what it likes, with its own things, the other's and none, over HTTP and MQTT. Afterwards the other is as it
 * was, and nothing of it was seen.
 */
export async function ravage({
  operations,
  seed,
}: {
  operations: number;
  seed: number;
}): Promise<{ answers: Map<number, number> }> {
  const platform = await startTestPlatform();
  try {
    return await new Ravage(platform, randomFrom(seed), seed).run(operations);
  } finally {
    await platform.close();
  }
}

const mostMembers = 10;

class Ravage {
  readonly #platform: TestPlatform;
  readonly #visitor: Visitor;
  readonly #pick: Pick;
  readonly #seed: number;
  readonly #answers = new Map<number, number>();
  /** By which the other organisation would be known: texts that nobody else ever wrote. */
  #foreign: readonly string[] = [];
  /** Identifiers of theirs that somebody has got hold of and tries. */
  #theirIds: Record<string, readonly string[]> = {};
  #ours: Record<string, string[]> = {};
  #credentials: string[] = [];
  #armed = 0;
  #shifts = 0;
  #member: Awaited<ReturnType<Owner["member"]>> | undefined;
  #cursors: readonly string[] = [];

  constructor(platform: TestPlatform, pick: Pick, seed: number) {
    this.#platform = platform;
    this.#visitor = platform.visitor;
    this.#pick = pick;
    this.#seed = seed;
  }

  async run(operations: number): Promise<{ answers: Map<number, number> }> {
    const { database } = this.#platform;
    const ours = new Owner(this.#visitor, await this.#platform.setUp());
    const theirs = new Owner(this.#visitor, await this.#platform.setUp());
    const their = await this.#furnishTheirs(theirs);

    const before = await exported(database, theirs.org);
    const readBefore = await readingsOf(theirs, their);
    const lines: (Held | Subscribed)[] = [];
    for (let done = 0; done < operations;) {
      // What the operations do may have ended whatever they were done with.
      if (done % 120 === 0) lines.push(...(await this.#listen(ours, await this.#arm(ours))));
      const batch = Math.min(8, operations - done);
      await Promise.all(Array.from({ length: batch }, () => this.#one(lines)));
      done += batch;
    }
    assert.deepEqual(
      await exported(database, theirs.org),
      before,
      this.#told("rows of the other organisation have changed"),
    );
    assert.deepEqual(
      await readingsOf(theirs, their),
      readBefore,
      this.#told("readings of the other organisation have changed"),
    );

    // Whoever listens to everything hears nothing of what the other organisation's devices send from here on.
    const device = await this.#arm(ours);
    const fresh = await this.#listen(ours, device);
    await this.#speak(their.device, their.neighbour);
    const heard = [...lines, ...fresh];
    await this.#proveListening(device, fresh);
    for (const line of heard) this.#check(line.seen(), line.name);
    for (const line of heard) line.end();
    return { answers: this.#answers };
  }

  #told(what: string): string {
    return `${what} (seed ${this.#seed})`;
  }

  async #furnishTheirs(theirs: Owner): Promise<Furnished> {
    const { asks } = theirs;
    const their = await furnish(theirs, this.#visitor);
    const { name, common, reading } = planted;
    await asks.patch("/v1/org", { name: `${name} works` });
    for (const { id } of [their.application, their.other])
      await asks.patch(`/v1/applications/${id}`, { name: `${name} hall` });
    await asks.patch(`/v1/products/${their.product.id}`, {
      name,
      attributes: { [`${name}-level`]: { type: "number" } },
    });
    for (const [at, { id }] of [their.device, their.neighbour, their.elsewhere].entries())
      await asks.patch(`/v1/devices/${id}`, {
        name: `${name} pump`,
        alias: `${common}-${at}`,
        tags: { [common]: name },
      });
    const [token, operator, key] = [
      await theirs.tokenOf(["*"]),
      await theirs.operatorKey(),
      await theirs.accessKey(their.application.id),
    ];
    const [member, guest] = await Promise.all([
      theirs.member({ email: `${name}@example.com`, password: "correct horse battery staple" }),
      theirs.invite(`${name}-guest@example.com`),
    ]);
    const role = await theirs.role(`${name} shift`, ["device.read", `telemetry.read:${their.application.id}`]);
    await this.#visitor.as(textOf(their.device.key)).post("/v1/me/telemetry", { [`${name}-level`]: reading });
    this.#theirIds = {
      application: [their.application.id],
      product: [their.product.id],
      device: [their.device.id, their.neighbour.id],
      credential: [token.id, their.device.key.id],
      org: [theirs.org],
      person: [member.person],
      invitation: [guest.id],
      role: [role.id],
    };
    const hidden = [
      their.other.id,
      their.elsewhere.id,
      their.elsewhere.key.id,
      their.neighbour.key.id,
      operator.id,
      key.id,
    ];
    this.#foreign = [...hidden, name, String(reading), ...planted.live.map(String)];
    // A page's end, as they were told it, is worth nothing to others.
    const pages = await Promise.all(
      ["applications", "devices", "credentials", "audit", "members"].map((list) =>
        asks.get<{ nextCursor?: string }>(`/v1/${list}?limit=1`),
      ),
    );
    this.#cursors = pages.flatMap(({ nextCursor }) => nextCursor ?? []);
    return their;
  }

  /** Credentials and things to go on with. Answers a device that nothing has been done to. */
  async #arm(ours: Owner): Promise<Device> {
    const [application, other, product] = await Promise.all([ours.application(), ours.application(), ours.product()]);
    const [device, elsewhere, kept, token, operator, accessKey] = await Promise.all([
      ours.device(application.id, { product: product.id }),
      ours.device(other.id),
      ours.device((await ours.application()).id),
      ours.tokenOf(allActions.filter((action) => action !== "org.create")),
      ours.operatorKey(),
      ours.accessKey(application.id, ["*"]),
    ]);
    // The one before may have been removed, and cannot be invited while she is there. Guessing is slowed down, so only so many come.
    if (this.#armed < mostMembers) {
      const who = { email: `ours-${(this.#armed += 1)}@example.com`, password: "correct horse battery staple" };
      this.#member = await ours.member(who, "owner");
    }
    const member = this.#member;
    const guest = await ours.invite("ours@example.com");
    const role = await ours.role(`Shift ${(this.#shifts += 1)}`);
    this.#credentials = [
      ...(member ? [member.token] : []),
      token.token,
      textOf(operator),
      textOf(accessKey),
      textOf(device.key),
      textOf(elsewhere.key),
    ];
    this.#ours = {
      application: [application.id, other.id],
      product: [product.id],
      device: [device.id, elsewhere.id],
      credential: [token.id, accessKey.id, device.key.id],
      org: [ours.org],
      person: member ? [member.person] : [],
      invitation: [guest.id],
      role: [role.id],
    };
    return kept;
  }

  async #listen(ours: Owner, device: Device): Promise<(Held | Subscribed)[]> {
    const { token } = await ours.tokenOf(["telemetry.*"]);
    const as = { username: "me", password: token };
    const [everything, shared, own, ...streams] = await Promise.all([
      mqtt(this.#platform, {
        ...as,
        protocolVersion: 5,
        clean: false,
        clientId: "everything", // of both organisations
        properties: { sessionExpiryInterval: 600 },
      }),
      mqtt(this.#platform, as),
      mqtt(this.#platform, { username: device.key.id, password: device.key.secret }),
      events(this.#platform, token, device.id),
      webSocket(this.#platform, token, device.id),
    ]);
    await everything.client.subscribeAsync(["#", "+/+/telemetry", "devices/#"], { qos: 2 });
    await shared.client.subscribeAsync(["devices/+/telemetry", "$share/g/#"], { qos: 0 });
    await own.client.subscribeAsync(["me/#"], { qos: 1 });
    return [everything, shared, own, ...streams];
  }

  async #speak(...devices: Device[]): Promise<void> {
    const body = { level: planted.live[0] };
    for (const { key } of devices) {
      await this.#visitor.as(textOf(key)).post("/v1/me/telemetry", body);
      const line = await mqtt(this.#platform, { username: key.id, password: key.secret });
      await line.client.publishAsync("me/telemetry", JSON.stringify({ level: planted.live[1] }), {
        qos: 1,
        retain: true,
      });
      line.end();
    }
  }

  /** What was sent later is there already, so what was not heard before it will not be heard. */
  async #proveListening(device: Device, lines: readonly (Held | Subscribed)[]): Promise<void> {
    const isDevices = (line: Held | Subscribed) => "client" in line && line.client.options.username === device.key.id;
    const programs = lines.filter((line) => !isDevices(line)); // devices hear nothing yet
    await shown(programs, 1_234, () => this.#visitor.as(textOf(device.key)).post("/v1/me/telemetry", { level: 1_234 }));
  }

  async #one(lines: readonly (Held | Subscribed)[]): Promise<void> {
    if (this.#pick([true, false, false, false])) return this.#overMqtt(lines);
    const [, route] = this.#pick(
      Object.entries<Route>(routes).filter(
        ([name, { method, path, needs, reply, isCostly, isCounted }]) =>
          reply !== "stream" &&
          isCostly !== true &&
          isCounted !== true &&
          !(needs === "public" && method === "POST") && // counted by address, and all come from one here
          // Whoever administers the instance sees its people and stops organisations: that is for `organisations.test.ts`.
          !/^\/v1\/(?:instance|people)\//.test(path) &&
          !["setUp", "signIn", "acceptInvitation"].includes(name),
      ),
    );
    const { method, path } = route;
    const address = path.replaceAll(/\{(\w+)\}/g, (_, kind: string) => this.#id(kind)) + this.#query(route);
    const body = method === "GET" || method === "DELETE" ? undefined : this.#body(route);
    const headers: Record<string, string> = this.#pick([true, false, false])
      ? { "idempotency-key": this.#pick(["a", "b", "c"]) }
      : {};
    const credential = this.#pick([...Array.from({ length: 6 }, () => this.#credentials).flat(), nobodysKey()]);
    const { status, text } = await this.#visitor
      .as(credential)
      .send(method, address, { ...(body !== undefined && { body }), headers });
    this.#answers.set(status, (this.#answers.get(status) ?? 0) + 1);
    assert.ok(status < 500, this.#told(`${method} ${address} ${JSON.stringify(body)} answered ${status}: ${text}`));
    this.#check(text, `${method} ${address}`);
  }

  /** An identifier of the kind: ours, theirs, or of nothing. */
  #id(kind: string): string {
    if (kind === "file") return "ca.pem";
    const nothing = unknown(kind === "credential" ? "token" : (kind as "device")); // the routes name kinds
    return this.#pick([...(this.#ours[kind] ?? []), ...(this.#theirIds[kind] ?? []), nothing]);
  }

  #query({ method, path }: Route): string {
    if (method !== "GET" || path.includes("{"))
      return path.endsWith("}/telemetry") ? `?attribute=${this.#pick(["temperature", "level"])}` : "";
    const cursor = `cursor=${encodeURIComponent(this.#pick(this.#cursors))}`;
    const asked: Record<string, readonly string[]> = {
      "/v1/devices": [
        `application=${this.#id("application")}`,
        `product=${this.#id("product")}`,
        `tag=${planted.common}=row`,
        cursor,
      ],
      "/v1/credentials": [`device=${this.#id("device")}`, cursor],
      "/v1/audit": [`about=${this.#pick([this.#id("device"), this.#id("org")])}`, cursor],
      "/v1/applications": [cursor],
      "/v1/products": [cursor],
      "/v1/members": [cursor],
      "/v1/invitations": [cursor],
    };
    const some = asked[path];
    return some === undefined ? "" : `?${this.#pick([...some, ""])}`;
  }

  #body({ body, path, needs }: Route): unknown {
    if (body === "bytes")
      return this.#pick([{ temperature: 20 }, { level: 5 }, [{ level: 1 }, { level: 2 }], { deep: { er: 1 } }]);
    const name = this.#pick(["Ours", "x"]);
    const where = this.#pick([
      "",
      `:${this.#id("application")}`,
      `:${this.#id("device")}`,
      `:tag:${planted.common}=row`,
    ]);
    const grants = [`${this.#pick(["*", "device.*", "telemetry.read"])}${where}`];
    if (path === "/v1/devices")
      return {
        application: this.#id("application"),
        name,
        ...this.#pick([
          {},
          { product: this.#id("product") },
          { alias: this.#pick([`${planted.common}-0`, "ours"]) },
          { tags: { [planted.common]: "row" } },
        ]),
      };
    if (needs === "device.update")
      return this.#pick([
        { name },
        { application: this.#id("application") },
        { product: this.#id("product") },
        { tags: { a: "b" } },
      ]);
    if (needs === "product.update") return this.#pick([{ name }, { strict: false }]);
    if (path === "/v1/revocations")
      return {
        about: this.#id(this.#pick(["application", "product", "device", "credential"])),
        ends: [this.#pick(["devices", "programs"])],
      };
    if (path === "/v1/invitations") return { email: `${this.#pick(["x", "y"])}@example.com`, role: "viewer" };
    if (needs === "member.update") return { role: this.#pick(["owner", "viewer", this.#id("role")]) };
    if (path === "/v1/roles/file") return { roles: [{ name, grants }] };
    if (path === "/v1/roles") return { name, grants };
    if (path === "/v1/explain")
      return {
        credential: this.#id("credential"),
        action: this.#pick(allActions),
        resource: this.#id(this.#pick(["application", "product", "device", "org"])),
      };
    if (path === "/v1/authority/simulations")
      return {
        change: this.#pick([
          { kind: "door", of: this.#id(this.#pick(["product", "device"])), door: { tls: "TLSv1.3" } },
          { kind: "entryRemoved", entry: this.#id("listEntry") },
          { kind: "role", role: this.#id("role"), grants },
        ]),
      };
    if (path === "/v1/tokens" || path.endsWith("/keys") || path === "/v1/operator-keys")
      return path.startsWith("/v1/devices") ? {} : { name, grants };
    return { name };
  }

  async #overMqtt(lines: readonly (Held | Subscribed)[]): Promise<void> {
    const clients = lines.flatMap((line) => ("client" in line && line.client.connected ? [line.client] : []));
    if (clients.length === 0) return;
    const client = this.#pick(clients);
    const device = this.#id("device");
    const topic = this.#pick([
      `devices/${device}/telemetry`,
      "me/telemetry",
      `losant/${device}/state`,
      `losant/${planted.common}-0/state`,
      `losant/${device}/command`,
      `thingsboard/${device}/attributes`,
      "v1/devices/me/telemetry",
      "v1/devices/me/attributes",
      "anything",
    ]);
    const filter = this.#pick([
      topic,
      `devices/${device}/#`,
      "#",
      "+/+/+",
      "thingsboard/#",
      "v1/devices/me/#",
      `$share/${planted.common}/devices/${device}/telemetry`,
    ]);
    const act = this.#pick<() => Promise<unknown>>([
      () => client.publishAsync(topic, JSON.stringify({ level: 3 }), { qos: this.#pick([0, 1] as const) }),
      () => client.subscribeAsync(filter, { qos: 1 }),
    ]);
    await act().catch(() => undefined); // a code that says no is an error there
  }

  #check(text: string, where: string): void {
    for (const known of this.#foreign) assert.ok(!text.includes(known), this.#told(`${where} showed ${known}`));
  }
}

/** What an organisation has measured, as it reads it itself. Log and chunks change their form by themselves. */
async function readingsOf(owner: Owner, { device, neighbour, elsewhere }: Furnished): Promise<unknown> {
  const things = [device, neighbour, elsewhere];
  const latest = ({ id }: Thing) => owner.asks.get(`/v1/devices/${id}/telemetry/latest`);
  const presence = async ({ id }: Thing) => (await owner.asks.get<{ presence: object }>(`/v1/devices/${id}`)).presence;
  return Promise.all([...things.map(latest), ...things.map(presence)]);
}

/**
 * Tables whose rows compaction rewrites, what is used, which grows by whoever reads it, and presence, which is written down some seconds after it came about: both are read by the API.
 * When and how a credential was last used, and what was decided about it, is nobody's content.
 */
const rewritten = new Set(["log", "chunk", "series", "presence", "connection", "usage", "credential_use", "decision"]);

/** A digest of all rows of an organisation, for each table, read past every wall of ours. */
async function exported({ login }: FreshDatabase, org: string): Promise<Record<string, string>> {
  const { tls: _, ...config } = login;
  const client = new pg.Client(config);
  await client.connect();
  try {
    const tables = await client.query<{ name: string }>(
      `select c.relname as name from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'org'
        where c.relnamespace = 'holdfast'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition order by 1`,
    );
    const found: Record<string, string> = {};
    for (const { name } of tables.rows) {
      if (rewritten.has(name)) continue;
      // Somebody who tries their keys leaves an entry in their log, as he must: those that were there stay as they are.
      const rows = await client.query<{ digest: string; count: string }>(
        `select count(*), md5(string_agg(md5((to_jsonb(t) - 'last_used_at')::text), ' ' order by md5((to_jsonb(t) - 'last_used_at')::text))) as digest
           from holdfast.${name} t where org = $1`,
        [uuidOf(org as Id<"org">)], // as the platform told it
      );
      found[name] = `${rows.rows[0]?.count} rows, ${rows.rows[0]?.digest}`;
    }
    assert.ok(Object.keys(found).length >= 8, "there are tables");
    return found;
  } finally {
    await client.end();
  }
}
