import { idFrom, uuidOf, type Id } from "@holdfast/kernel";
import { millisecondsOf } from "@holdfast/protocol";
import { levelOf, reachSql, tagIndex, type Placement, type Reach, type Things } from "../authority/index.ts";
import type { After, Unit } from "../storage/index.ts";
import type { Application, SignUp } from "./application.ts";
import type { DeviceFilter, Bookmark } from "./device-filter.ts";
import type { Device } from "./device.ts";
import { schemaOf, type Product } from "./product.ts";

type Row = {
  id: string;
  application: string;
  product: string | null;
  app_user: string | null;
  placed: string;
  created_at: string;
  version: number;
  body: Uint8Array;
};

/** Devices as PostgreSQL keeps them: where they belong and since when is readable, the rest is sealed with the row's version. */
export const devicesIn = (unit: Unit) => ({
  async find(id: Id<"device">): Promise<Device | undefined> {
    const [row] = await unit.query<Row>(`select ${deviceColumns} from device where id = $1`, [uuidOf(id)]);
    return row && deviceOf(unit, row);
  },

  /** As `find`, and nobody else changes it before this unit ends. */
  async take(id: Id<"device">): Promise<Device | undefined> {
    const [row] = await unit.query<Row>(`select ${deviceColumns} from device where id = $1 for update`, [uuidOf(id)]);
    return row && deviceOf(unit, row);
  },

  /** By age. */
  async list(
    reach: Reach<"device.read">,
    filter: DeviceFilter,
    { after, most, newestFirst }: { after: Bookmark | undefined; most: number; newestFirst: boolean },
  ): Promise<readonly Device[]> {
    const [beyond, order] = newestFirst ? ["<", "desc"] : [">", "asc"];
    const wanted = filterSql(reach, filter, 4);
    const rows = await unit.query<Row>(
      `select ${deviceColumns} from device
        where ($1::bigint is null or (created_at, id) ${beyond} ($1, $2::uuid)) and ${wanted.text}
        order by created_at ${order}, id ${order} limit $3`,
      [after?.by ?? null, after ? uuidOf(after.id) : null, most, ...wanted.values],
    );
    return rows.map((row) => deviceOf(unit, row));
  },

  async count(reach: Reach<"device.read">, filter: DeviceFilter): Promise<number> {
    const { text, values } = filterSql(reach, filter, 1);
    const [row] = await unit.query<{ count: string }>(`select count(*) from device where ${text}`, values);
    return Number(row?.count ?? 0);
  },

  /** All of them, part by part. */
  async from(after: Id<"device"> | undefined, most: number): Promise<readonly Device[]> {
    const rows = await unit.query<Row>(
      `select ${deviceColumns} from device where ($1::uuid is null or id > $1) order by id limit $2`,
      [after ? uuidOf(after) : null, most],
    );
    return rows.map((row) => deviceOf(unit, row));
  },

  async save(device: Device): Promise<void> {
    const { scope } = unit;
    await unit.query(
      `insert into device (org, id, application, product, placed, alias_index, state_index, created_at, version, body,
         app_user)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
       on conflict (org, id) do update set application = excluded.application, product = excluded.product,
         placed = excluded.placed, alias_index = excluded.alias_index, state_index = excluded.state_index,
         version = excluded.version, body = excluded.body, app_user = excluded.app_user`,
      [
        uuidOf(scope.org),
        uuidOf(device.id),
        uuidOf(device.application),
        device.product ? uuidOf(device.product) : null,
        device.placed,
        device.alias === undefined ? null : scope.index("alias", device.alias),
        scope.index("state", device.state),
        device.createdAt,
        device.version,
        scope.seal("device", sealedRow(device), encode(device)),
        device.user ? uuidOf(device.user) : null,
      ],
    );
    const tags = Object.entries(device.tags).map(([key, value]) => tagIndex(scope, key, value));
    await unit.query("delete from device_tag where device = $1", [uuidOf(device.id)]);
    for (const tag of tags) {
      await unit.query("insert into device_tag (org, device, tag_index) values ($1, $2, $3)", [
        uuidOf(scope.org),
        uuidOf(device.id),
        tag,
      ]);
    }
  },

  async all(): Promise<readonly Device[]> {
    const rows = await unit.query<Row>(`select ${deviceColumns} from device`, []);
    return rows.map((row) => deviceOf(unit, row));
  },

  /** All that are suspended, and those of these that there are. */
  async suspendedOrAmong(ids: readonly Id<"device">[]): Promise<readonly Device[]> {
    const rows = await unit.query<Row>(
      `select ${deviceColumns} from device where state_index = $1 or id = any($2::uuid[])`,
      [unit.scope.index("state", "suspended"), ids.map(uuidOf)],
    );
    return rows.map((row) => deviceOf(unit, row));
  },

  /** All that were ever moved, and those of these that there are. */
  async movedOrAmong(ids: readonly Id<"device">[]): Promise<readonly Device[]> {
    const rows = await unit.query<Row>(`select ${deviceColumns} from device where placed > 0 or id = any($1::uuid[])`, [
      ids.map(uuidOf),
    ]);
    return rows.map((row) => deviceOf(unit, row));
  },

  /** Those of a user, and nobody else changes them before this unit ends. */
  async takeOf(user: Id<"user">): Promise<readonly Device[]> {
    const rows = await unit.query<Row>(`select ${deviceColumns} from device where app_user = $1 for update`, [
      uuidOf(user),
    ]);
    return rows.map((row) => deviceOf(unit, row));
  },

  async anyIn(place: { application: Id<"application"> } | { product: Id<"product"> }): Promise<boolean> {
    const rows = await unit.query(
      `select 1 from device where (application = $1 or product = $2) and state_index <> $3 limit 1`,
      [
        "application" in place ? uuidOf(place.application) : null,
        "product" in place ? uuidOf(place.product) : null,
        unit.scope.index("state", "retired"),
      ],
    );
    return rows.length > 0;
  },
});

/** What the database can tell of a filter, within a reach, as a condition on rows of `device`. `values` go on from `$first`. */
function filterSql(
  reach: Reach<"device.read">,
  { application, product, user, state, tags }: DeviceFilter,
  first: number,
): { text: string; values: unknown[] } {
  const { scope } = reach;
  const values: unknown[] = [];
  const next = (value: unknown) => `$${first + values.push(value) - 1}`;
  const clauses = [
    ...(application ? [`application = ${next(uuidOf(application))}::uuid`] : []),
    ...(product ? [`product = ${next(uuidOf(product))}::uuid`] : []),
    ...(user ? [`app_user = ${next(uuidOf(user))}::uuid`] : []),
    ...(state ? [`state_index = ${next(scope.index("state", state))}::bytea`] : []),
    ...tags.map(({ key, value }) => taggedSql(next(tagIndex(scope, key, value)))),
  ];
  const within = reachSql(reach, "device", first + values.length);
  return { text: [...clauses, within.text].join(" and "), values: [...values, ...within.values] };
}

const taggedSql = (index: string): string =>
  `exists (select 1 from device_tag t where t.org = device.org and t.device = device.id and t.tag_index = ${index}::bytea)`;

const deviceColumns = "id, application, product, app_user, placed, created_at, version, body";

/** Where a device belongs is in its seal too: a row that was moved in the database by hand no longer opens. */
const sealedRow = ({ id, version, application, product, placed, user }: Place): string =>
  [id, version, application, product ?? "-", ...(placed > 0 ? [placed] : []), ...(user ? [user] : [])].join("|");

type Place = Pick<Device, "id" | "version" | "application" | "product" | "placed" | "user">;

function deviceOf({ scope }: Unit, row: Row): Device {
  const id = idFrom("device", row.id);
  const application = idFrom("application", row.application);
  const product = row.product === null ? undefined : idFrom("product", row.product);
  // Sealed by `save`, so it is one; what JSON leaves out is put back.
  const place: Place = { id, version: row.version, application, product, placed: Number(row.placed), ...ownerOf(row) };
  const body = decode(scope.open("device", sealedRow(place), row.body)) as Device;
  return { ...body, ...place, alias: body.alias };
}

const ownerOf = ({ app_user }: Row): Pick<Device, "user"> =>
  app_user === null ? {} : { user: idFrom("user", app_user) };

export const placementOf = ({
  id,
  application,
  product,
  user,
  state,
  tags,
  alias,
  gateway,
  door,
  reportingInterval,
  version,
}: Device): Placement => ({
  application,
  product,
  user,
  state,
  tags,
  alias,
  ...(gateway && { gateway }),
  ...(door && { door: levelOf(id, door) }),
  ...(reportingInterval !== undefined && { reportsEvery: millisecondsOf(reportingInterval) }),
  version,
});

type Named = { id: string; created_at: string; version: number; body: Uint8Array };

/** Applications and products: a name, an age, and what is sealed. */
const namedIn = <T extends Application | Product>(
  unit: Unit,
  kind: "application" | "product",
  /** What rows of an older version leave out. */
  absent: Partial<T> = {},
) => ({
  async find(id: T["id"]): Promise<T | undefined> {
    const [row] = await unit.query<Named>(
      `select id, created_at, version, body from ${kind} where id = $1 and ended_at is null`,
      [uuidOf(id)],
    );
    return row && this.read(row);
  },

  async take(id: T["id"]): Promise<T | undefined> {
    const [row] = await unit.query<Named>(
      `select id, created_at, version, body from ${kind} where id = $1 and ended_at is null for update`,
      [uuidOf(id)],
    );
    return row && this.read(row);
  },

  async list(
    reach: Reach<"application.read"> | Reach<"product.read">,
    after: After | undefined,
    most: number,
  ): Promise<readonly T[]> {
    const within = reachSql(reach, kind, 4);
    const rows = await unit.query<Named>(
      `select id, created_at, version, body from ${kind}
        where ended_at is null and ($1::bigint is null or (created_at, id) > ($1, $2::uuid)) and ${within.text} order by created_at, id limit $3`,
      [after?.at ?? null, after?.id ?? null, most, ...within.values],
    );
    return rows.map((row) => this.read(row));
  },

  async all(): Promise<readonly T[]> {
    const rows = await unit.query<Named>(
      `select id, created_at, version, body from ${kind} where ended_at is null`,
      [],
    );
    return rows.map((row) => this.read(row));
  },

  async save(thing: T): Promise<void> {
    await unit.query(
      `insert into ${kind} (org, id, created_at, version, body) values ($1, $2, $3, $4, $5)
       on conflict (org, id) do update set version = excluded.version, body = excluded.body`,
      [
        uuidOf(unit.scope.org),
        uuidOf(thing.id),
        thing.createdAt,
        thing.version,
        unit.scope.seal(kind, `${thing.id}|${thing.version}`, encode(thing)),
      ],
    );
  },

  /** Nobody finds it from now on. The row stays for what still points at it. */
  async end(id: T["id"]): Promise<void> {
    await unit.query(`update ${kind} set ended_at = $2 where id = $1`, [uuidOf(id), unit.at]);
  },

  read(row: Named): T {
    const id = idFrom(kind, row.id);
    const body = decode(unit.scope.open(kind, `${id}|${row.version}`, row.body)) as T; // sealed by `save`, so it is one
    return { ...absent, ...body };
  },
});

export const applicationsIn = (unit: Unit) => namedIn<Application>(unit, "application");
export const productsIn = (unit: Unit) => namedIn<Product>(unit, "product", { former: {}, schemaVersion: 1 });

/** Who may sign up as a user of an application; `undefined` where there is none. */
export async function signUpOf(unit: Unit, id: Id<"application">): Promise<SignUp | undefined> {
  const application = await applicationsIn(unit).find(id);
  return application && (application.signUp ?? "closed");
}

export const applicationNameIn = async (unit: Unit, id: Id<"application">): Promise<string | undefined> =>
  (await applicationsIn(unit).find(id))?.name;

/** What devices are called, those of these that there are. */
export async function deviceNamesIn(
  unit: Unit,
  ids: readonly Id<"device">[],
): Promise<ReadonlyMap<Id<"device">, string>> {
  const rows = await unit.query<Row>(`select ${deviceColumns} from device where id = any($1::uuid[])`, [
    ids.map(uuidOf),
  ]);
  return new Map(rows.map((row) => deviceOf(unit, row)).map(({ id, name }) => [id, name]));
}

/** What authority needs to remember of an organisation's things. */
export async function thingsIn(unit: Unit): Promise<Omit<Things, "dashboards" | "groups">> {
  const devices = await devicesIn(unit).all();
  const applications = await applicationsIn(unit).all();
  const products = await productsIn(unit).all();
  return {
    devices: new Map(devices.map((device) => [device.id, placementOf(device)])),
    applications: new Set(applications.map(({ id }) => id)),
    products: new Map(products.map((product) => [product.id, schemaOf(product)])),
  };
}

const encode = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));
const decode = (bytes: Uint8Array): unknown => JSON.parse(new TextDecoder().decode(bytes));
