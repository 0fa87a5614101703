import { parseId, Refusal, rfc3339, type Clock, type Id } from "@holdfast/kernel";
import { betweenTags, deviceFindings, findingTexts, routes } from "@holdfast/protocol";
import { checkBrought, heldOf, on, type Handler, type Space } from "../authority/index.ts";
import type { Users } from "../application-users/index.ts";
import type { Page, Storage } from "../storage/index.ts";
import type { Application } from "./application.ts";
import type { Catalogue } from "./catalogue.ts";
import { wordsIn, type Tag } from "./device-filter.ts";
import { doorRoutes } from "./door-routes.ts";
import type { Doors } from "./doors.ts";
import type { DeviceList } from "./device-list.ts";
import type { Device } from "./device.ts";
import type { Postures } from "./postures.ts";
import { presenceReply, tlsReply } from "./presence.ts";
import { usualTimes, type Product } from "./product.ts";
import type { Registry } from "./registry.ts";

type Needs = {
  storage: Storage;
  clock: Clock;
  registry: Registry;
  catalogue: Catalogue;
  doors: Doors;
  devices: DeviceList;
  postures: Postures;
  users: Users;
};

export const registryRoutes = ({
  storage,
  clock,
  registry,
  catalogue,
  doors,
  devices,
  postures,
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
    const shown = await shownIn(postures, caller.space, []);
    const { name, product, alias, tags, reportingInterval, secret } = body;
    const brought = secret === undefined ? undefined : { secret, names: [name, alias] };
    const gateway = body.gateway && caller.permit("device.bind", body.gateway);
    const wanted = { name, product, alias, tags, reportingInterval };
    const { device, key } = await registry.makings.create(permit, wanted, { ...heldOf(body), brought }, gateway);
    return { ...shown(device), key: { id: key.id, secret: key.secret } };
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
    const page = await devices.page(reach, { filter, order: sort ?? "createdAt", limit, cursor });
    return { ...pageReply(page, await shownIn(postures, caller.space, idsOf(page))), total: page.total };
  }),
  on(routes.summariseDevices, async ({ reach }) => devices.count(reach)),
  on(routes.readPosture, async ({ reach }) => {
    const { total, well, by } = await postures.count(reach);
    const items = deviceFindings.map((finding) => ({ finding, devices: by[finding], ...findingTexts[finding] }));
    return { total, well, items };
  }),
  on(routes.readDevice, async ({ permit, caller }) => {
    const shown = await shownIn(postures, caller.space, [permit.on]);
    return shown(await registry.read(permit));
  }),
  on(routes.updateDevice, async ({ permit, caller, body, versions }) => {
    const shown = await shownIn(postures, caller.space, [permit.on]);
    const into = body.application && caller.permit("device.create", body.application);
    return shown(await registry.update(permit, body, into, versions));
  }),
  on(routes.bindDevice, async ({ permit, caller, body, versions }) => {
    const shown = await shownIn(postures, caller.space, [permit.on]);
    return shown(await registry.bind(permit, body.user ?? undefined, versions));
  }),
  on(routes.setGateway, async ({ permit, caller, body, versions }) => {
    const shown = await shownIn(postures, caller.space, [permit.on]);
    const gateway = caller.permit("device.bind", body.gateway);
    return shown(await registry.tie(permit, gateway, versions));
  }),
  on(routes.removeGateway, async ({ permit, versions }) => {
    await registry.tie(permit, undefined, versions);
    return {};
  }),
  on(routes.listUserDevices, async ({ permit, caller, params, query }) => {
    const { id: user, application } = await users.read(permit, parseId("user", params["user"] ?? ""));
    const filter = { application, user, words: [], tags: [] };
    const page = await devices.page(caller.reach("device.read"), {
      filter,
      order: "createdAt",
      limit: query.limit,
      cursor: query.cursor,
    });
    return pageReply(page, await shownIn(postures, caller.space, idsOf(page)));
  }),
  on(routes.suspendDevice, async ({ permit, caller, versions }) => {
    const shown = await shownIn(postures, caller.space, [permit.on]);
    return shown(await registry.suspend(permit, versions));
  }),
  on(routes.resumeDevice, async ({ permit, caller, versions }) => {
    const shown = await shownIn(postures, caller.space, [permit.on]);
    return shown(await registry.resume(permit, versions));
  }),
  on(routes.retireDevice, async ({ permit, caller, versions }) => {
    const shown = await shownIn(postures, caller.space, [permit.on]);
    return shown(await registry.retire(permit, versions));
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

/** Asked for before anything is done, so that nobody reads of what was done that it could not be; how each device is, is looked at last. */
async function shownIn(postures: Postures, space: Space, ids: readonly Id<"device">[]) {
  const look = await postures.in(space, ids);
  return (device: Device) => {
    const { presence, findings } = look(device.id);
    const { tls } = presence;
    return {
      ...deviceReply(device),
      presence: presenceReply(presence),
      ...(tls && { lastTls: tlsReply(tls) }),
      findings: [...findings],
    };
  };
}

const idsOf = ({ items }: Page<Device>): readonly Id<"device">[] => items.map(({ id }) => id);

const deviceReply = (device: Device) => ({
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
  version: device.version,
});

const pageReply = <T, R>({ items, nextCursor }: Page<T>, reply: (item: T) => R) => ({
  items: items.map(reply),
  ...(nextCursor !== undefined && { nextCursor }),
});

/** `key=value,key=value`. A comma that no key follows belongs to the value before it. @throws Refusal `request.malformed` */
function tagsIn(text = ""): readonly Tag[] {
  if (text === "") return [];
  return text.split(betweenTags).map((part) => {
    const at = part.indexOf("=");
    if (at < 1) throw new Refusal("request.malformed", { faults: [{ path: "tag", message: "write key=value" }] });
    return { key: part.slice(0, at), value: part.slice(at + 1) };
  });
}
