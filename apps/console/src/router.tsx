import {
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
  Outlet,
  redirect,
} from "@tanstack/react-router";
import { queryClient, sessionEnded } from "./api/index.ts";
import { parseShown, paths } from "./kit/index.ts";
import { linkSecret, sessionQuery } from "./session/index.ts";
import { Failed, FailedPage, Nowhere, Shell } from "./shell/index.ts";

const root = createRootRoute({ component: Outlet, errorComponent: Failed, notFoundComponent: Nowhere });

/** Who is signed in, or the way to the door. */
async function session(to: string) {
  try {
    return await queryClient.ensureQueryData(sessionQuery);
  } catch (error) {
    if (!sessionEnded(error)) throw error;
    throw redirect({ to: paths.signIn, search: { to } });
  }
}

/** The address of the security page that an article or a contract can name, whoever follows it. */
const howProtected = createRoute({
  getParentRoute: () => root,
  path: paths.howProtected,
  beforeLoad: async () => {
    const { orgs } = await session(paths.howProtected);
    const [first] = orgs;
    if (first) throw redirect({ to: paths.security, params: { org: first.id }, replace: true });
  },
  component: Nowhere,
});

const start = createRoute({
  getParentRoute: () => root,
  path: paths.start,
  beforeLoad: async () => {
    const { hash } = window.location;
    if (linkSecret("setup", hash) !== undefined) throw redirect({ to: paths.setUp, hash: hash.slice(1) });
    if (linkSecret("invitation", hash) !== undefined) throw redirect({ to: paths.invitation, hash: hash.slice(1) });
    if (linkSecret("call-off", hash) !== undefined) throw redirect({ to: paths.callOff, hash: hash.slice(1) });
    if (linkSecret("reset", hash) !== undefined) throw redirect({ to: paths.reset, hash: hash.slice(1) });
    if (linkSecret("verify", hash) !== undefined) throw redirect({ to: paths.verify, hash: hash.slice(1) });
    const { orgs } = await session(paths.start);
    const first = orgs.find(({ refused }) => !refused) ?? orgs[0];
    if (first) throw redirect({ to: paths.overview, params: { org: first.id }, replace: true });
  },
  component: Nowhere,
});

const text = (value: unknown): string | undefined => (typeof value === "string" && value !== "" ? value : undefined);

/** Only a place of ours: what stands in a link must not lead elsewhere. */
const ownPath = (value: unknown): string | undefined => {
  const path = text(value);
  return path !== undefined && /^\/(?![/\\])/.test(path) ? path : undefined;
};

/** Where she goes then, and that she was signed in before. */
const toAndEnded = (search: Record<string, unknown>): { to?: string; ended?: boolean } => {
  const to = ownPath(search["to"]);
  return { ...(to !== undefined && { to }), ...(search["ended"] === true && { ended: true }) };
};

const signIn = createRoute({
  getParentRoute: () => root,
  path: paths.signIn,
  validateSearch: toAndEnded,
  component: lazyRouteComponent(() => import("./entering/index.ts"), "SignIn"),
});

const organisationSignIn = createRoute({
  getParentRoute: () => root,
  path: paths.organisationSignIn,
  validateSearch: toAndEnded,
  component: lazyRouteComponent(() => import("./entering/index.ts"), "OrganisationDoor"),
});

const providerCallback = createRoute({
  getParentRoute: () => root,
  path: paths.providerCallback,
  component: lazyRouteComponent(() => import("./entering/index.ts"), "Callback"),
});

const setUp = createRoute({
  getParentRoute: () => root,
  path: paths.setUp,
  component: lazyRouteComponent(() => import("./entering/index.ts"), "SetUp"),
});

const invitation = createRoute({
  getParentRoute: () => root,
  path: paths.invitation,
  component: lazyRouteComponent(() => import("./invitation/index.ts"), "Invitation"),
});

const forgot = createRoute({
  getParentRoute: () => root,
  path: paths.forgot,
  component: lazyRouteComponent(() => import("./password/index.ts"), "Forgot"),
});

const reset = createRoute({
  getParentRoute: () => root,
  path: paths.reset,
  component: lazyRouteComponent(() => import("./password/index.ts"), "Reset"),
});

const verify = createRoute({
  getParentRoute: () => root,
  path: paths.verify,
  component: lazyRouteComponent(() => import("./password/index.ts"), "Verify"),
});

const activate = createRoute({
  getParentRoute: () => root,
  path: paths.activate,
  beforeLoad: async ({ location }) => void (await session(location.href)),
  component: lazyRouteComponent(() => import("./activating/index.ts"), "Activate"),
});

/** Of whoever has a link, which says which dashboard: nobody signs in. */
const shared = createRoute({
  getParentRoute: () => root,
  path: paths.shared,
  component: lazyRouteComponent(() => import("./dashboards/index.ts"), "Shared"),
});

const callOff = createRoute({
  getParentRoute: () => root,
  path: paths.callOff,
  component: lazyRouteComponent(() => import("./call-off/index.ts"), "CallOff"),
});

const org = createRoute({
  getParentRoute: () => root,
  path: paths.overview,
  beforeLoad: async ({ params, location }) => {
    const { orgs } = await session(location.href);
    if (!orgs.some(({ id }) => id === params.org)) throw redirect({ to: paths.start });
  },
  component: Shell,
});

/** Her own place, whichever organisations she belongs to, and when none is left. */
const account = createRoute({
  getParentRoute: () => root,
  path: paths.account,
  beforeLoad: async ({ location }) => void (await session(location.href)),
  component: lazyRouteComponent(() => import("./account/index.ts"), "AccountFrame"),
});

const own = <const P extends string>(path: P, component: ReturnType<typeof lazyRouteComponent>) =>
  createRoute({ getParentRoute: () => account, path, component, errorComponent: FailedPage });

/** The place of whoever administers the instance. */
const instance = createRoute({
  getParentRoute: () => root,
  path: paths.instance,
  beforeLoad: async ({ location }) => void (await session(location.href)),
  component: lazyRouteComponent(() => import("./instance/index.ts"), "InstanceFrame"),
});

const ofInstance = <const P extends string>(path: P, component: ReturnType<typeof lazyRouteComponent>) =>
  createRoute({ getParentRoute: () => instance, path, component, errorComponent: FailedPage });

/** The part of a path below the organisation's. */
const below = <const P extends string>(path: `/o/$org${P}`): P => path.slice(paths.overview.length) as P; // by the pattern

const page = <const P extends string>(path: P, component: ReturnType<typeof lazyRouteComponent>) =>
  createRoute({ getParentRoute: () => org, path, validateSearch: parseShown, component, errorComponent: FailedPage });

const onDevice = (
  name:
    | "DeviceOverview"
    | "DeviceTelemetry"
    | "DeviceLive"
    | "DeviceTwin"
    | "DeviceCommands"
    | "DeviceAlerts"
    | "DeviceCertificates"
    | "DeviceGateway"
    | "DeviceAccess"
    | "DeviceHistory",
) => lazyRouteComponent(() => import("./device/index.ts"), name);

const onDashboards = (name: "Dashboards" | "DashboardPage" | "EditDashboard") =>
  lazyRouteComponent(() => import("./dashboards/index.ts"), name);

const onAccess = (
  name:
    | "Credentials"
    | "People"
    | "Lists"
    | "Roles"
    | "AddRole"
    | "RolePage"
    | "Customers"
    | "AddCredential"
    | "CredentialPage",
) => lazyRouteComponent(() => import("./access/index.ts"), name);

const onDevices = (name: "Devices" | "AddDevice" | "ImportDevices") =>
  lazyRouteComponent(() => import("./devices/index.ts"), name);

const onGroups = (name: "Groups" | "GroupPage") => lazyRouteComponent(() => import("./groups/index.ts"), name);

const onAlerts = (name: "Alerts" | "AlertRules" | "Webhooks") =>
  lazyRouteComponent(() => import("./alerts/index.ts"), name);

const tree = root.addChildren([
  start,
  howProtected,
  signIn,
  organisationSignIn,
  providerCallback,
  setUp,
  invitation,
  callOff,
  forgot,
  reset,
  verify,
  activate,
  shared,
  account.addChildren([
    own(
      "/",
      lazyRouteComponent(() => import("./account/index.ts"), "SigningIn"),
    ),
    own(
      "/organisations",
      lazyRouteComponent(() => import("./account/index.ts"), "OwnOrganisations"),
    ),
    own(
      "/sessions",
      lazyRouteComponent(() => import("./account/index.ts"), "AccountSessions"),
    ),
  ]),
  instance.addChildren([
    ofInstance(
      "/",
      lazyRouteComponent(() => import("./instance/index.ts"), "InstanceOrganisations"),
    ),
    ofInstance(
      "/people",
      lazyRouteComponent(() => import("./instance/index.ts"), "InstancePeople"),
    ),
    ofInstance(
      "/roots",
      lazyRouteComponent(() => import("./roots/index.ts"), "InstanceRoots"),
    ),
  ]),
  org.addChildren([
    createRoute({
      getParentRoute: () => org,
      path: "/",
      errorComponent: FailedPage,
      component: lazyRouteComponent(() => import("./overview/index.ts"), "Overview"),
    }),
    page(below(paths.devices), onDevices("Devices")),
    page(below(paths.addDevice), onDevices("AddDevice")),
    page(below(paths.importDevices), onDevices("ImportDevices")),
    page(below(paths.groups), onGroups("Groups")),
    page(below(paths.group), onGroups("GroupPage")),
    page(
      below(paths.deviceRoots),
      lazyRouteComponent(() => import("./roots/index.ts"), "DeviceRoots"),
    ),
    page(below(paths.device), onDevice("DeviceOverview")),
    page(below(paths.deviceTelemetry), onDevice("DeviceTelemetry")),
    page(below(paths.deviceLive), onDevice("DeviceLive")),
    page(below(paths.deviceTwin), onDevice("DeviceTwin")),
    page(below(paths.deviceCommands), onDevice("DeviceCommands")),
    page(below(paths.deviceAlerts), onDevice("DeviceAlerts")),
    page(below(paths.deviceCertificates), onDevice("DeviceCertificates")),
    page(below(paths.deviceGateway), onDevice("DeviceGateway")),
    page(below(paths.deviceHistory), onDevice("DeviceHistory")),
    page(below(paths.deviceAccess), onDevice("DeviceAccess")),
    page(
      below(paths.products),
      lazyRouteComponent(() => import("./products/index.ts"), "Products"),
    ),
    page(
      below(paths.product),
      lazyRouteComponent(() => import("./products/index.ts"), "Product"),
    ),
    page(below(paths.dashboards), onDashboards("Dashboards")),
    page(below(paths.dashboard), onDashboards("DashboardPage")),
    page(below(paths.editDashboard), onDashboards("EditDashboard")),
    page(below(paths.alerts), onAlerts("Alerts")),
    page(below(paths.alertRules), onAlerts("AlertRules")),
    page(below(paths.webhooks), onAlerts("Webhooks")),
    page(below(paths.access), onAccess("Credentials")),
    page(below(paths.people), onAccess("People")),
    page(below(paths.lists), onAccess("Lists")),
    page(below(paths.roles), onAccess("Roles")),
    page(below(paths.addRole), onAccess("AddRole")),
    page(below(paths.role), onAccess("RolePage")),
    page(below(paths.customers), onAccess("Customers")),
    page(below(paths.addCredential), onAccess("AddCredential")),
    page(below(paths.credential), onAccess("CredentialPage")),
    page(
      below(paths.audit),
      lazyRouteComponent(() => import("./audit/index.ts"), "Audit"),
    ),
    page(
      below(paths.usage),
      lazyRouteComponent(() => import("./usage/index.ts"), "Usage"),
    ),
    page(
      below(paths.sessions),
      lazyRouteComponent(() => import("./usage/index.ts"), "Sessions"),
    ),
    page(
      below(paths.settings),
      lazyRouteComponent(() => import("./settings/index.ts"), "Settings"),
    ),
    page(
      below(paths.providers),
      lazyRouteComponent(() => import("./providers/index.ts"), "Providers"),
    ),
    page(
      below(paths.security),
      lazyRouteComponent(() => import("./settings/index.ts"), "Security"),
    ),
  ]),
]);

export const router = createRouter({ routeTree: tree, defaultPreload: "intent", scrollRestoration: true });

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}
