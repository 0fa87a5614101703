import { parseId, Refusal, rfc3339 } from "@holdfast/kernel";
import { routes } from "@holdfast/protocol";
import { credentialId, noteOpening, on, readLinks, type Handler, type Minting } from "../authority/index.ts";
import type { Dashboard } from "./dashboard.ts";
import { Dashboards } from "./dashboards.ts";
import { Pictures, type Picture, type Pictured } from "./pictures.ts";
import { dashboardsIn } from "./postgres.ts";

type Needs = ConstructorParameters<typeof Dashboards>[0] &
  ConstructorParameters<typeof Pictures>[0] & { readonly minting: Minting };

/** The page of the console that shows one to whoever has a link. */
const page = "/shared";

export const dashboardRoutes = (needs: Needs): Handler[] => routesOf(needs, new Dashboards(needs), new Pictures(needs));

const routesOf = (needs: Needs, dashboards: Dashboards, pictures: Pictures): Handler[] => [
  on(routes.createDashboard, async ({ permit, body }) => {
    const { name, description, widgets, roles } = body;
    return dashboardReply(await dashboards.create(permit, { name, description, widgets, roles }));
  }),
  on(routes.listDashboards, async ({ reach, caller }) => ({
    items: (await dashboards.list(reach, caller)).map((dashboard) => ({
      ...headOf(dashboard),
      widgets: dashboard.widgets.length,
    })),
  })),
  on(routes.readDashboard, async ({ permit, caller }) => {
    const dashboard = await dashboards.read(permit);
    noteOpening(caller);
    return dashboardReply(dashboard);
  }),
  on(routes.updateDashboard, async ({ permit, body, versions }) =>
    dashboardReply(await dashboards.update(permit, body, versions)),
  ),
  on(routes.deleteDashboard, async ({ permit, versions }) => {
    await dashboards.delete(permit, versions);
    return {};
  }),
  on(routes.readDashboardDevices, async ({ permit, caller }) => pictureReply(await pictures.of(permit, caller))),
  on(routes.previewDashboard, async ({ permit, caller, body }) =>
    pictureReply(await pictures.preview(permit, caller, body.widgets)),
  ),
  on(routes.createDashboardLink, async ({ permit, body }) => {
    const wanted = { name: body.name, lifetime: body.expiresIn };
    // Nobody makes it show more meanwhile.
    const { id, secret, expiresAt } = await needs.minting.dashboardLink(permit, wanted, async (unit) => {
      if (!(await dashboardsIn(unit).take(permit.on))) throw new Refusal("dashboard.unknown");
    });
    return { id, secret: `${id}.${secret}`, path: page, expiresAt: rfc3339(expiresAt ?? needs.clock.now()) };
  }),
  on(routes.listDashboardLinks, async ({ permit }) => ({
    items: (await readLinks(needs, permit)).map(({ credential, standing, opened }) => ({
      id: parseId("key", credential.id),
      name: credential.name,
      state: standing,
      ...(credential.person && { person: credential.person }),
      createdAt: rfc3339(credential.createdAt),
      ...(credential.expiresAt !== undefined && { expiresAt: rfc3339(credential.expiresAt) }),
      uses: opened,
      ...(credential.lastUsedAt !== undefined && { lastUsedAt: rfc3339(credential.lastUsedAt) }),
    })),
  })),
  on(routes.endDashboardLink, async ({ permit, params }) => {
    await needs.revocation.dashboardLink(permit, credentialId(params["link"]));
    return {};
  }),
];

const headOf = ({ id, name, description, roles, createdAt, updatedAt, version }: Dashboard) => ({
  id,
  name,
  ...(description !== undefined && { description }),
  ...(roles && { roles: [...roles] }),
  createdAt: rfc3339(createdAt),
  updatedAt: rfc3339(updatedAt),
  version,
});

const dashboardReply = (dashboard: Dashboard) => ({ ...headOf(dashboard), widgets: [...dashboard.widgets] });

const pictureReply = ({ devices, widgets, omitted, version }: Picture) => ({
  devices: devices.map(picturedReply),
  widgets: widgets.map(({ id, sources }) => ({ id, sources: sources.map((some) => [...some]) })),
  omitted,
  version,
});

const picturedReply = ({ id, name, presence, latest }: Pictured) => ({
  id,
  name: name ?? id,
  ...(presence && {
    presence: {
      state: presence.state === "online" ? ("online" as const) : ("offline" as const),
      ...(presence.state !== "never" && { since: rfc3339(presence.since) }),
    },
  }),
  latest: latest.map(({ attribute, point }) => ({ attribute, time: rfc3339(point.time), value: point.value })),
});
