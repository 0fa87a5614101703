/**
 * Every place of the console as a path, made in one way: pages link by these, tests and the command's messages too.
 * Names in `$` are the router's parameters.
 */
export const paths = {
  start: "/",
  signIn: "/sign-in",
  organisationSignIn: "/sign-in/$org",
  providerCallback: "/sign-in/$org/callback",
  setUp: "/set-up",
  invitation: "/invitation",
  callOff: "/call-off",
  forgot: "/password/forgot",
  reset: "/password/reset",
  verify: "/email/verify",
  activate: "/activate",
  shared: "/shared",
  howProtected: "/security",
  account: "/account",
  accountOrganisations: "/account/organisations",
  instance: "/instance",
  instancePeople: "/instance/people",
  instanceRoots: "/instance/roots",
  accountSessions: "/account/sessions",
  overview: "/o/$org",
  devices: "/o/$org/devices",
  addDevice: "/o/$org/devices/add",
  importDevices: "/o/$org/devices/import",
  groups: "/o/$org/devices/groups",
  group: "/o/$org/devices/groups/$application/$group",
  deviceRoots: "/o/$org/devices/roots",
  device: "/o/$org/devices/$device",
  deviceTelemetry: "/o/$org/devices/$device/telemetry",
  deviceLive: "/o/$org/devices/$device/live",
  deviceTwin: "/o/$org/devices/$device/twin",
  deviceCommands: "/o/$org/devices/$device/commands",
  deviceAlerts: "/o/$org/devices/$device/alerts",
  deviceAccess: "/o/$org/devices/$device/access",
  deviceCertificates: "/o/$org/devices/$device/certificates",
  deviceGateway: "/o/$org/devices/$device/gateway",
  deviceHistory: "/o/$org/devices/$device/history",
  products: "/o/$org/products",
  product: "/o/$org/products/$product",
  dashboards: "/o/$org/dashboards",
  dashboard: "/o/$org/dashboards/$dashboard",
  editDashboard: "/o/$org/dashboards/$dashboard/edit",
  alerts: "/o/$org/alerts",
  alertRules: "/o/$org/alerts/rules",
  webhooks: "/o/$org/alerts/webhooks",
  access: "/o/$org/access",
  people: "/o/$org/access/people",
  lists: "/o/$org/access/lists",
  roles: "/o/$org/access/roles",
  addRole: "/o/$org/access/roles/add",
  role: "/o/$org/access/roles/$role",
  customers: "/o/$org/access/customers",
  addCredential: "/o/$org/access/add",
  credential: "/o/$org/access/$credential",
  audit: "/o/$org/audit",
  usage: "/o/$org/usage",
  sessions: "/o/$org/usage/sessions",
  settings: "/o/$org/settings",
  security: "/o/$org/settings/security",
  providers: "/o/$org/settings/providers",
} as const;

type Place = keyof typeof paths;
type Names<Path extends string> = Path extends `${string}$${infer Name}/${infer Rest}`
  ? Name | Names<`/${Rest}`>
  : Path extends `${string}$${infer Name}`
    ? Name
    : never;
type Params<P extends Place> = { readonly [Name in Names<(typeof paths)[P]>]: string };

/** The path of a place: `pathTo("device", { org, device })`. Values are escaped, whatever they are. */
export function pathTo<const P extends Place>(
  place: P,
  ...[params]: [Names<(typeof paths)[P]>] extends [never] ? [] : [params: Params<P>]
): string {
  const given: Readonly<Record<string, string>> = params ?? {};
  return paths[place].replaceAll(/\$(\w+)/g, (_, name: string) => encodeURIComponent(given[name] ?? ""));
}
