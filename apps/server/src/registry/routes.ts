import { parseId, Refusal, rfc3339, type Clock } from "@holdfast/kernel";
import { routes, type DeviceFinding } from "@holdfast/protocol";
import { checkBrought, heldOf, on, takesPlain, type Handler, type Space } from "../authority/index.ts";
import type { Users } from "../application-users/index.ts";
import { neverSeen, type Presence } from "../messages/index.ts";
import type { Page, Storage } from "../storage/index.ts";
import type { Application } from "./application.ts";
import type { Catalogue } from "./catalogue.ts";
import { wordsIn, type Tag } from "./device-filter.ts";
import { doorRoutes } from "./door-routes.ts";
import type { Doors } from "./doors.ts";
import type { DeviceList } from "./device-list.ts";
import type { Device } from "./device.ts";
import { presenceReply, type Presences } from "./presence.ts";
import { usualTimes, type Product } from "./product.ts";
import type { Registry } from "./registry.ts";

type Needs = {
  storage: Storage;
  clock: Clock;
  registry: Registry;
  catalogue: Catalogue;
  doors: Doors;
  devices: DeviceList;
  presences: Presences;
  users: Users;
};

export const registryRoutes = ({
  storage,
  clock,
  registry,
  catalogue,
  doors,
  devices,
  presences,
  users,
}: Needs): Handler[] => [
  on(routes.createApplication, async ({ permit, body }) =>
    applicationReply(await catalogue.createApplication(permit, body.name)),
  ),
  on(routes.listApplications, async ({ reach, query }) =>
    pageReply(await catalogue.applications(reach, query), applicationReply),
  ),
  on(routes.readApplication, async ({ permit }) => applicationReply(await catalogue.application(permit))),
  on(routes.updateApplication, async ({ permit, body, versions }) =>
    applicationReply(await catalogue.updateApplication(permit, body, versions)),
  ),
  on(routes.deleteApplication, async ({ permit, versions }) => {
    await catalogue.deleteApplication(permit, versions);
    return {};
  }),

  on(routes.createProduct, async ({ permit, body }) => productReply(await catalogue.createProduct(permit, body))),
  on(routes.listProducts, async ({ reach, query }) => pageReply(await catalogue.products(reach, query), productReply)),
  on(routes.readProduct, async ({ permit }) => productReply(await catalogue.product(permit))),
  on(routes.updateProduct, async ({ permit, body, versions }) =>
    productReply(await catalogue.updateProduct(permit, body, versions)),
  ),
  on(routes.deleteProduct, async ({ permit, versions }) => {
    await catalogue.deleteProduct(permit, versions);
    return {};
  }),

  on(routes.createDevice, async ({ permit, caller, body }) => {
    const { name, product, alias, tags, reportingInterval, secret } = body;
    const brought = secret === undefined ? undefined : { secret, names: [name, alias] };
    const gateway = body.gateway && caller.permit("device.bind", body.gateway);
    const wanted = { name, product, alias, tags, reportingInterval };
    const { device, key } = await registry.create(permit, wanted, { ...heldOf(body), brought }, gateway);
    return { ...deviceReply(device, neverSeen, caller.space), key: { id: key.id, secret: key.secret } };
  }),
  on(routes.checkSecrets, async ({ permit, body }) => {
    const all = body.secrets.map(({ secret, name, alias }) => ({ secret, names: [name, alias] }));
    const found = await checkBrought({ storage, clock }, permit, all);
    return {
      items: found.map((fault) => (fault ? { code: fault.code, ...(fault.detail && { detail: fault.detail }) } : {})),
    };
  }),
  on(routes.listDevices, async ({ reach, caller, query }) => {
    const { limit, cursor, sort, q, tag, ...plain } = query;
    const filter = { ...plain, words: wordsIn(q ?? ""), tags: tagsIn(tag) };
    const presenceOf = await presences.in(caller.space);
    const page = await devices.page(reach, { filter, order: sort ?? "createdAt", limit, cursor });
    return {
      ...pageReply(page, (device) => deviceReply(device, presenceOf(device.id), caller.space)),
      total: page.total,
    };
  }),
  on(routes.summariseDevices, async ({ reach }) => devices.count(reach)),
  // Who is connected is asked for first, so that nobody reads of what was done that it could not be; and looked at last.
  on(routes.readDevice, async ({ permit, caller }) => {
    const presenceOf = await presences.in(caller.space);
    return deviceReply(await registry.read(permit), presenceOf(permit.on), caller.space);
  }),
  on(routes.updateDevice, async ({ permit, caller, body, versions }) => {
    const presenceOf = await presences.in(caller.space);
    const into = body.application && caller.permit("device.create", body.application);
    return deviceReply(await registry.update(permit, body, into, versions), presenceOf(permit.on), caller.space);
  }),
  on(routes.bindDevice, async ({ permit, caller, body, versions }) => {
    const presenceOf = await presences.in(caller.space);
    return deviceReply(
      await registry.bind(permit, body.user ?? undefined, versions),
      presenceOf(permit.on),
      caller.space,
    );
  }),
  on(routes.setGateway, async ({ permit, caller, body, versions }) => {
    const presenceOf = await presences.in(caller.space);
    const gateway = caller.permit("device.bind", body.gateway);
    return deviceReply(await registry.tie(permit, gateway, versions), presenceOf(permit.on), caller.space);
  }),
  on(routes.removeGateway, async ({ permit, versions }) => {
    await registry.tie(permit, undefined, versions);
    return {};
  }),
  on(routes.listUserDevices, async ({ permit, caller, params, query }) => {
    const { id: user, application } = await users.read(permit, parseId("user", params["user"] ?? ""));
    const presenceOf = await presences.in(caller.space);
    const filter = { application, user, words: [], tags: [] };
    const page = await devices.page(caller.reach("device.read"), {
      filter,
      order: "createdAt",
      limit: query.limit,
      cursor: query.cursor,
    });
    return pageReply(page, (device) => deviceReply(device, presenceOf(device.id), caller.space));
  }),
  on(routes.suspendDevice, async ({ permit, caller, versions }) => {
    const presenceOf = await presences.in(caller.space);
    return deviceReply(await registry.suspend(permit, versions), presenceOf(permit.on), caller.space);
  }),
  on(routes.resumeDevice, async ({ permit, caller, versions }) => {
    const presenceOf = await presences.in(caller.space);
    return deviceReply(await registry.resume(permit, versions), presenceOf(permit.on), caller.space);
  }),
  on(routes.retireDevice, async ({ permit, caller, versions }) => {
    const presenceOf = await presences.in(caller.space);
    return deviceReply(await registry.retire(permit, versions), presenceOf(permit.on), caller.space);
  }),
  on(routes.deleteDevice, async ({ permit, versions }) => {
    await registry.retire(permit, versions);
    return {};
  }),
  ...doorRoutes(doors),
];

const applicationReply = ({ id, name, signUp = "closed", createdAt, version }: Application) => ({
  id,
  name,
  signUp,
  createdAt: rfc3339(createdAt),
  version,
});

const productReply = (product: Product) => {
  const { id, name, attributes, strict, onViolation = "refuse", times, schemaVersion, createdAt, version } = product;
  const { reportingInterval } = product;
  return {
    id,
    name,
    attributes: attributesReply(attributes),
    strict,
    onViolation,
    times: { ...usualTimes, ...times },
    ...(reportingInterval !== undefined && { reportingInterval }),
    schemaVersion,
    createdAt: rfc3339(createdAt),
    version,
  };
};

const attributesReply = (attributes: Product["attributes"]) =>
  Object.fromEntries(
    Object.entries(attributes).map(([name, { values, ...rest }]) => [
      name,
      { ...rest, ...(values && { values: [...values] }) },
    ]),
  );

const deviceReply = (device: Device, presence: Presence, space: Space) => ({
  id: device.id,
  state: device.state,
  name: device.name,
  application: device.application,
  ...(device.product && { product: device.product }),
  ...(device.user && { user: device.user }),
  ...(device.gateway && { gateway: device.gateway }),
  ...(device.alias !== undefined && { alias: device.alias }),
  tags: { ...device.tags },
  ...(device.reportingInterval !== undefined && { reportingInterval: device.reportingInterval }),
  createdAt: rfc3339(device.createdAt),
  ...(device.state === "suspended" && { suspendedAt: rfc3339(device.since) }),
  ...(device.state === "retired" && { retiredAt: rfc3339(device.retiredAt) }),
  presence: presenceReply(presence),
  findings: findingsOf(device, space),
  version: device.version,
});

/** What anybody can send is no reading to rely on, and whoever looks at the device is to know. */
function findingsOf({ id }: Device, space: Space): DeviceFinding[] {
  const placement = space.device(id);
  return placement && takesPlain(space.doorsOf(placement)) ? ["plain"] : [];
}

const pageReply = <T, R>({ items, nextCursor }: Page<T>, reply: (item: T) => R) => ({
  items: items.map(reply),
  ...(nextCursor !== undefined && { nextCursor }),
});

/** `key=value,key=value`. A comma that no key follows belongs to the value before it. @throws Refusal `request.malformed` */
function tagsIn(text = ""): readonly Tag[] {
  if (text === "") return [];
  return text.split(/,(?=[^,=]+=)/).map((part) => {
    const at = part.indexOf("=");
    if (at < 1) throw new Refusal("request.malformed", { faults: [{ path: "tag", message: "write key=value" }] });
    return { key: part.slice(0, at), value: part.slice(at + 1) };
  });
}
