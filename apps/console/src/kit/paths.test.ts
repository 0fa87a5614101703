import assert from "node:assert/strict";
import { test } from "node:test";
import { paths, pathTo } from "./paths.ts";

// Links in bookmarks, chats and other programs: a change here breaks them.
test("every place keeps its path", () => {
  assert.deepEqual(paths, {
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
    customers: "/o/$org/access/customers",
    lists: "/o/$org/access/lists",
    roles: "/o/$org/access/roles",
    addRole: "/o/$org/access/roles/add",
    role: "/o/$org/access/roles/$role",
    addCredential: "/o/$org/access/add",
    credential: "/o/$org/access/$credential",
    audit: "/o/$org/audit",
    usage: "/o/$org/usage",
    sessions: "/o/$org/usage/sessions",
    settings: "/o/$org/settings",
    security: "/o/$org/settings/security",
    providers: "/o/$org/settings/providers",
  });
});

test("what stands in a path cannot leave it", () => {
  assert.equal(pathTo("device", { org: "org_1", device: "../../x?y#z" }), "/o/org_1/devices/..%2F..%2Fx%3Fy%23z");
  assert.equal(pathTo("signIn"), "/sign-in");
});
