import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { connectAsync, type MqttClient, type OnPacketCallback } from "mqtt";
import { newKeyAndRequest } from "@holdfast/client";
import {
  actions,
  allActions,
  deviceCodeGrant,
  everyRoute,
  instanceActions,
  isAction,
  type Action,
  type Route,
  type routes,
} from "@holdfast/protocol";
import { atEnd } from "../apps/server/src/testing/index.ts";
import { CookieBrowser } from "./cookie-browser.fixture.ts";
import { csrOf, p256 } from "./issued.fixture.ts";
import { Manufacturer } from "./manufacturers.fixture.ts";
import { formTo } from "./activation.fixture.ts";
import {
  furnish,
  secretIn,
  nobodysKey,
  startWorld,
  statusOfStream,
  textOf,
  unknown,
  viewer as viewerPerson,
  type Device,
  type Invitation,
  type Key,
  type Problem,
  type Role,
  type Thing,
  type Token,
} from "./authority.fixture.ts";

// Who may do what: every operation, by every kind of caller, in its grants and out of them. The table is checked in, and a change
// of it is reviewed as a change of who may do what. `UPDATE_MATRIX=1` writes it anew.
const file = path.join(import.meta.dirname, "../apps/server/src/authority/matrix.txt");
const header = `# Who may do what. Each operation as each caller, and the answer. Made and checked by tests/authority-matrix.long.test.ts.
`;

const world = await startWorld();
atEnd.after(() => world.close());
const { platform, clock, ours, theirs } = world;
const { visitor } = platform;
const our = await furnish(ours, visitor);
const their = await furnish(theirs, visitor);
const certificates = await visitor.get<{ certificates: { pem: string }[] }>("/security/certificates");

// What an operation is about: a thing of each kind, made anew where the operation may end or change it.
type Subject = {
  application: Thing;
  other: Thing;
  product: Thing;
  device: Device;
  neighbour: Device;
  credential: Thing;
  member: { person: string };
  invitation: Invitation;
  role: Role;
  /** That no role has yet. */
  roleName: string;
  plan: { name: string };
  entry: Thing;
  user: Thing;
  /** Of that user. */
  ownEntry: Thing;
  authority: Thing;
  provider: Thing;
  domain: string;
  /** What a program shows that wants to be let in. */
  activation: string;
  organisation: Thing;
  dashboard: Thing;
  alertRule: Thing;
  webhook: Thing;
  command: Thing;
  batch: Thing;
  group: Thing;
  task: Thing;
  /** What a manufacturer's key has to sign. */
  question: { nonce: string; text: string };
  /** A certificate request of a key that no device has. */
  csr: string;
};
/** A request for a certificate may be made more than once. */
const { csr } = await newKeyAndRequest();
/** Made when a certificate is first issued. */
async function authorityOf(owner: typeof ours, application: Thing): Promise<Thing> {
  const { id } = await owner.device(application.id);
  type Issued = { readonly certificateAuthority: string };
  return { id: (await owner.asks.post<Issued>(`/v1/devices/${id}/certificates`, { csr })).certificateAuthority };
}
const acme = await Manufacturer.of(clock.now());
const acmesOf = `/v1/applications/${our.application.id}/manufacturers`;
const keysOf = `/v1/applications/${our.application.id}/keys`;
const page = "https://app.example";
const publishedKey = await ours.asks.post<Key>(keysOf, {
  name: "published",
  kind: "application",
  conditions: { origins: [page] },
});

/** Customers of that application, who set their password with the code that they were given. */
const usersOf = `/v1/applications/${our.application.id}/users`;
const { password } = viewerPerson;
const byPage = <T>(path: string, body: object) =>
  visitor.send<T>("POST", `/v1/application-users/${path}?key=${textOf(publishedKey)}`, {
    headers: { origin: page },
    body,
  });
async function customer(login: string): Promise<Thing> {
  const { id, code } = await ours.asks.post<Thing & { code: string }>(usersOf, { login });
  assert.equal((await byPage("password", { login, code, password })).status, 200);
  return { id };
}
const customerOf = await customer("customer");
await customer("customer-without");
const customerOfGateway = await customer("customer-of-gateway");
// Bound while it was nobody's: of two customers neither's gateway speaks for what is the other's.
const gateway = await ours.device(our.application.id);
await ours.asks.send("PUT", `/v1/devices/${our.device.id}/gateway`, { body: { gateway: gateway.id } });
await ours.asks.send("PUT", `/v1/devices/${gateway.id}/user`, { body: { user: customerOfGateway.id } });
await ours.asks.send("PATCH", `/v1/applications/${our.application.id}`, { body: { signUp: "confirmed" } });
await ours.asks.send("PUT", `/v1/devices/${our.device.id}/user`, { body: { user: customerOf.id } });

type SignIn = { readonly accessToken: string; readonly refreshToken: string };
const signIns = new Map<string, { readonly at: number; readonly token: Promise<string> }>();
/** A token lasts a quarter of an hour, and here time passes. */
async function signedIn(login: string, begin?: (login: string) => Promise<unknown>, isOut = false): Promise<string> {
  await begin?.(login);
  const name = `${login} ${isOut}`;
  const there = signIns.get(name);
  if (there && clock.now() - there.at < 600_000) return there.token;
  const token = byPage<SignIn>("sign-in", { login, password }).then(async ({ body }) => {
    if (isOut) await byPage("sign-out", { refreshToken: body.refreshToken });
    return body.accessToken;
  });
  signIns.set(name, { at: clock.now(), token });
  return token;
}

/** Whoever removes herself is somebody else each time. */
function ofCustomer(
  { path, method }: Route,
  login = "customer",
): [login: string, begin?: (login: string) => Promise<unknown>] {
  return path === "/v1/application-users/me" && method === "DELETE" ? [freshEmail(), customer] : [login];
}

const ownEntry = async (value: string) =>
  visitor
    .as(await signedIn("customer"))
    .post<Thing>("/v1/application-users/me/lists", { list: "deny", what: "address", value });

/** Nobody is called: it is in this very house. */
const newProvider = { name: "Provider", issuer: "https://127.0.0.1:9", clientId: "client" };
const freshProvider = () => ours.asks.post<Thing>("/v1/providers", newProvider);
let domainsMade = 0;
const freshDomain = () => `domain-${(domainsMade += 1)}.example`;
async function enteredDomain({ id }: Thing): Promise<string> {
  const domain = freshDomain();
  await ours.asks.post(`/v1/providers/${id}/domains`, { domain });
  return domain;
}
const ofProvider = ({ provider }: Subject) => ({ params: { provider: provider.id } });
const ofDomain = ({ provider, domain }: Subject) => ({ params: { provider: provider.id, domain } });
const provider = await freshProvider();
/** What a link shows may be read by whoever makes it. */
const picture = {
  type: "value",
  id: "a",
  place: { x: 0, y: 0, w: 3, h: 2 },
  device: our.device.id,
  attribute: "temperature",
};
const named = { name: "Named" };
const freshDashboard = (widgets: readonly object[] = [picture]) =>
  ours.asks.post<Thing>("/v1/dashboards", { name: "Board", widgets });
const ofDashboard = ({ dashboard }: Subject) => ({ params: { dashboard: dashboard.id } });
const dashboard = await freshDashboard();
const freshAlertRule = () => ours.asks.post<Thing>("/v1/alert-rules", named);
const hook = { name: "Hook", url: "https://hook.invalid/" };
const freshWebhook = () => ours.asks.post<Thing>("/v1/webhooks", hook);
const ofAlertRule = ({ alertRule }: Subject) => ({ params: { rule: alertRule.id } });
const ofWebhook = ({ webhook }: Subject) => ({ params: { webhook: webhook.id } });

/** It waits for approval, so that it can be given or withheld. */
const freshCommand = async () => {
  const device = await ours.device(our.application.id, { product: our.product.id });
  await ours.asks.put(`/v1/devices/${device.id}/door`, { dangerous: ["unlock"] });
  return { device, command: await ours.asks.post<Thing>(`/v1/devices/${device.id}/commands`, { name: "unlock" }) };
};
const ofCommand = ({ device, command }: Subject) => ({ params: { device: device.id, command: command.id } });
const ofGroup = ({ application, group }: Subject) => ({ params: { application: application.id, group: group.id } });
const groupsOf = `/v1/applications/${our.application.id}/groups`;
let groupsMade = 0;
const freshGroup = () => `group-${(groupsMade += 1)}`;
/** With a device in it. */
async function newGroup(): Promise<Thing> {
  const group = await ours.asks.post<Thing>(groupsOf, { name: freshGroup() });
  return ours.asks.put<Thing>(`${groupsOf}/${group.id}/members/${our.device.id}`, {});
}
const ofBatch = ({ batch }: Subject) => ({ params: { batch: batch.id } });

async function freshTask() {
  const group = await newGroup();
  return { group, task: await ours.asks.post<Thing>(`${groupsOf}/${group.id}/tasks`, { name: "dig" }) };
}

const standing: Subject = {
  ...our,
  command: await ours.asks.post<Thing>(`/v1/devices/${our.device.id}/commands`, { name: "blink" }),
  ...(await freshTask()),
  batch: await ours.asks.post<Thing>("/v1/command-batches", {
    to: { product: our.product.id },
    name: "blink",
  }),
  credential: await ours.tokenOf(["org.read"]),
  member: await ours.member({ email: "member@example.com", password: viewerPerson.password }),
  invitation: await ours.invite("invited@example.com"),
  role: await ours.role("Standing"),
  roleName: "Fresh 0",
  plan: { name: "standing" },
  entry: await ours.deny("192.0.2.1"),
  user: customerOf,
  ownEntry: await ownEntry("192.0.2.1"),
  authority: await authorityOf(ours, our.application),
  provider,
  domain: await enteredDomain(provider),
  activation: "BBBB-BBBB",
  organisation: { id: theirs.org },
  dashboard,
  alertRule: await freshAlertRule(),
  csr,
  webhook: await freshWebhook(),
  question: { nonce: "00".repeat(32), text: "" },
};
await ours.asks.post("/v1/plans", { name: "standing", quotas: { devices: 1_000_000 } });

type Asked = {
  params?: Record<string, string>;
  query?: string;
  body?: unknown;
  bytes?: string;
  /** What the bytes are, where that is not JSON. */
  type?: string;
  form?: Record<string, string>;
};
type Operation = {
  /** Makes what is asked about, where asking may end or change it. */
  readonly fresh?: () => Promise<Partial<Subject>>;
  readonly ask?: (subject: Subject) => Asked;
  /** By these callers only; they are enough where each costs a slow hash. */
  readonly by?: readonly string[];
  /** What else is needed: because the answer hands it on, or for this part of what the operation can do. */
  readonly also?: readonly Action[];
};

const freshDevice = async () => ({ device: await ours.device(our.application.id) });
const freshApplication = async () => ({ application: await ours.application() });
const inPath = (kind: "application" | "device" | "product" | "credential" | "entry") => (subject: Subject) => ({
  params: { [kind]: subject[kind].id },
});
const freshOrganisation = async () => {
  const { org } = await ours.asks.post<{ org: string }>("/v1/orgs", { name: "Fresh" });
  return { organisation: { id: org } };
};
const ofOrganisation = ({ organisation }: Subject) => ({ params: { org: organisation.id } });
const inFreshOrganisation = (path: string) => ({
  fresh: async () => {
    const made = await freshOrganisation();
    await ours.asks.post(`/v1/instance/organisations/${made.organisation.id}/${path}`);
    return made;
  },
  ask: ofOrganisation,
});
const freshMember = async () => ({
  member: await ours.member({ email: freshEmail(), password: viewerPerson.password }),
});
const onDevice = { ask: inPath("device") };
const onFreshDevice = { fresh: freshDevice, ...onDevice };
const onApplication = { ask: inPath("application") };
const onProduct = { ask: inPath("product") };
const ofMember = ({ member }: Subject) => ({ params: { person: member.person } });
const ofRole = ({ role }: Subject) => ({ params: { role: role.id } });
let rolesMade = 0;
const freshName = () => `Fresh ${(rolesMade += 1)}`;
let invited = 0;
const freshEmail = () => `guest-${(invited += 1)}@example.com`;
const ofUser = ({ application, user }: Subject) => ({ params: { application: application.id, user: user.id } });
const ofTask = (subject: Subject) => ({ params: { ...ofGroup(subject).params, task: subject.task.id } });
const freshUser = () => ours.asks.post<Thing>(usersOf, { login: freshEmail() });
const onFreshUser = { fresh: async () => ({ user: await freshUser() }), ask: ofUser };
const reading = JSON.stringify({ temperature: 21.5 });
const lines = "weather temperature=21.5";
/** Neither made nor shown by anything. */
const noPasskey = {
  id: "AA",
  rawId: "AA",
  type: "public-key",
  response: { clientDataJSON: "e30", attestationObject: "AA", authenticatorData: "AA", signature: "AA" },
};
/** Neither made nor shown by anything. */
const noActivation = `hfd_${"A".repeat(49)}`;
/** The code of a program that waits to be let in. */
const freshActivation = async () => ({
  activation: (
    await formTo<{ user_code: string }>(visitor, "/v1/oauth/device_authorization", { client_id: "holdfast-command" })
  ).body.user_code,
});

/** Certificate requests, each of another key: one key is one device's. */
const requests = await Promise.all(Array.from({ length: 240 }, () => csrOf(p256())));
const request = (): string => requests.pop() ?? assert.fail("more of them are needed");
const estRequest = (): string => request().replaceAll(/-----[A-Z ]+-----\n/g, "");

const operations: Record<keyof typeof routes, Operation> = {
  readSetUp: {},
  setUp: { ask: () => ({ body: { secret: `hfl_${"A".repeat(49)}`, ...viewerPerson, org: "Mine" } }) },
  signIn: { by: ["a stranger", "the owner", "a revoked token"], ask: () => ({ body: viewerPerson }) },
  createSession: { by: ["a stranger", "the owner", "a revoked token"], ask: () => ({ body: viewerPerson }) },
  readSession: {},
  listAccountSessions: {},
  endAccountSession: { ask: () => ({ params: { session: unknown("session") } }) },
  // Not by the owner, whose other sessions are those of other callers here.
  endOtherAccountSessions: {
    by: [
      "a stranger",
      "the owner",
      "a viewer in a browser",
      "the owner in a browser, who proved long ago who she is",
      "the owner in a browser, from another site's page",
    ],
  },
  listMemberSessions: { ask: ofMember },
  endMemberSessions: { ask: ofMember },
  confirmIdentity: { ask: () => ({ body: { password: ownerPerson.password } }) },
  deleteSession: {},
  readAccount: {},
  takeInvitation: { ask: () => ({ body: { secret: "x" } }) },
  offerTotp: { ask: () => ({ body: {} }) },
  addTotp: { ask: () => ({ body: { offer: "AA", code: "123456" } }) },
  removeTotp: {},
  renewRecoveryCodes: { ask: () => ({ body: {} }) },
  passkeyQuestion: {},
  accountPasskeyOptions: {},
  createAccountPasskey: { ask: () => ({ body: { answer: noPasskey } }) },
  listAccountPasskeys: {},
  renameAccountPasskey: { ask: () => ({ params: { passkey: unknown("passkey") }, body: named }) },
  listFactorResets: {},
  beginFactorReset: { ask: () => ({ params: { person: unknown("person") } }) },
  callOffFactorReset: { ask: () => ({ params: { person: unknown("person") } }) },
  readOwnFactorReset: {},
  callOffOwnFactorReset: {},
  callOffFactorResetByLink: { ask: () => ({ body: { secret: "hfx_unknown" } }) },
  removePassword: {},
  removeAccountPasskey: { ask: () => ({ params: { passkey: unknown("passkey") } }) },
  changePassword: {
    by: ["a stranger", "the owner", "the owner in a browser", "the owner in a browser, from another site's page"],
    ask: () => ({ body: { password: "not her password", newPassword: viewerPerson.password } }),
  },
  forgotPassword: { ask: () => ({ body: { email: freshEmail() } }) },
  resetPassword: { ask: () => ({ body: { secret: `hfw_${"A".repeat(49)}`, password } }) },
  readEmail: {},
  askVerification: { ask: () => ({ body: {} }) },
  changeEmail: { ask: () => ({ body: { email: freshEmail() } }) },
  verifyEmail: { ask: () => ({ body: { secret: `hfe_${"A".repeat(49)}` } }) },
  createOrg: { ask: () => ({ body: named }) },
  readOrg: {},
  updateOrg: { ask: () => ({ body: named }) },
  endSimulation: {},
  deleteOrg: { ask: () => ({ body: { name: "Not its name" } }) },
  keepOrg: {},
  confirmOrg: {},
  leaveOrg: {
    by: ["a stranger", "the owner", "the owner in a browser", "an operator key", "its device", "a revoked token"],
  },
  leaveOrganisation: {
    by: [
      "a stranger",
      "the owner",
      "the owner in a browser",
      "the owner in a browser, from another site's page",
      "an operator key",
      "a revoked token",
    ],
    ask: () => ({ params: { org: ours.org } }),
  },
  listOrganisations: {},
  suspendOrganisation: { fresh: freshOrganisation, ask: ofOrganisation },
  resumeOrganisation: inFreshOrganisation("suspend"),
  deleteOrganisation: { fresh: freshOrganisation, ask: ofOrganisation },
  confirmOrganisation: { fresh: freshOrganisation, ask: ofOrganisation },
  confirmOrganisations: {},
  keepOrganisation: inFreshOrganisation("deletion"),
  listPeople: {},
  readRoots: {},
  // As many are not cut off: nothing is switched.
  switchRoots: { ask: () => ({ body: { cutOff: 1_000_000 } }) },
  listDeviceRoots: {},
  makeAdministrator: { ask: ofMember },
  unmakeAdministrator: {
    fresh: async () => {
      const made = await freshMember();
      await ours.asks.send("PUT", `/v1/instance/administrators/${made.member.person}`);
      return made;
    },
    ask: ofMember,
  },
  whoAmI: {},
  createApplication: { ask: () => ({ body: named }) },
  listApplications: {},
  readApplication: onApplication,
  updateApplication: { ask: (subject) => ({ ...inPath("application")(subject), body: named }) },
  deleteApplication: { fresh: freshApplication, ...onApplication },
  createProduct: { ask: () => ({ body: named }) },
  listProducts: {},
  readProduct: onProduct,
  updateProduct: { ask: (subject) => ({ ...inPath("product")(subject), body: named }) },
  deleteProduct: { fresh: async () => ({ product: await ours.product() }), ...onProduct },
  createAlertRule: { ask: () => ({ body: named }) },
  listAlertRules: {},
  readAlertRule: { ask: ofAlertRule },
  updateAlertRule: { ask: (subject) => ({ ...ofAlertRule(subject), body: named }) },
  deleteAlertRule: { fresh: async () => ({ alertRule: await freshAlertRule() }), ask: ofAlertRule },
  listAlerts: {},
  // None was raised here: whoever may is told that there is none.
  readAlert: { ask: () => ({ params: { alert: unknown("alert") } }) },
  acknowledgeAlert: { ask: () => ({ params: { alert: unknown("alert") } }) },
  createWebhook: { ask: () => ({ body: hook }) },
  listWebhooks: {},
  updateWebhook: { ask: (subject) => ({ ...ofWebhook(subject), body: named }) },
  deleteWebhook: { fresh: async () => ({ webhook: await freshWebhook() }), ask: ofWebhook },
  // Nobody is there who would take it, which is an answer too.
  tryWebhook: { ask: ofWebhook },
  createDashboard: { ask: () => ({ body: named }) },
  listDashboards: {},
  readDashboard: { ask: ofDashboard },
  readDashboardDevices: { ask: ofDashboard },
  previewDashboard: { ask: (subject) => ({ ...ofDashboard(subject), body: { widgets: [picture] } }) },
  updateDashboard: { ask: (subject) => ({ ...ofDashboard(subject), body: named }) },
  deleteDashboard: { fresh: async () => ({ dashboard: await freshDashboard() }), ask: ofDashboard },
  listDashboardLinks: { ask: ofDashboard },
  createDashboardLink: {
    fresh: async () => ({ dashboard: await freshDashboard([]) }),
    ask: (subject) => ({ ...ofDashboard(subject), body: { ...named, expiresIn: "1h" } }),
  },
  endDashboardLink: {
    ask: (subject) => ({ params: { ...ofDashboard(subject).params, link: unknown("key") } }),
  },
  createDevice: {
    ask: ({ application }) => ({ body: { application: application.id, ...named } }),
    also: ["telemetry.write"],
  },
  readProductDoor: onProduct,
  setProductDoor: { ask: (subject) => ({ ...inPath("product")(subject), body: { size: 65_536 } }) },
  removeProductDoor: onProduct,
  eraseDevice: onDevice,
  eraseUserReadings: { ask: ofUser },
  readOrgRetention: {},
  setOrgRetention: { ask: () => ({ body: { keep: "forever" as const } }) },
  previewOrgRetention: { ask: () => ({ body: { keep: 30 } }) },
  readProductRetention: onProduct,
  setProductRetention: { ask: (subject) => ({ ...inPath("product")(subject), body: { keep: "forever" as const } }) },
  removeProductRetention: onProduct,
  previewProductRetention: { ask: (subject) => ({ ...inPath("product")(subject), body: { keep: 30 } }) },
  readDeviceDoor: onDevice,
  setDeviceDoor: { ask: (subject) => ({ ...inPath("device")(subject), body: { size: 65_536 } }) },
  removeDeviceDoor: onDevice,
  readTwin: onDevice,
  updateTwin: { ask: (subject) => ({ ...inPath("device")(subject), body: { desired: { interval: 60 } } }) },
  listTwinChanges: onDevice,
  readOwnTwin: {},
  reportRoots: { ask: () => ({ bytes: JSON.stringify({ roots: ["ab".repeat(32)] }) }) },
  reportTwin: { ask: () => ({ bytes: '{"interval": 60}' }) },
  sendCommand: { ask: (subject) => ({ ...inPath("device")(subject), body: { name: "blink" } }) },
  listCommands: onDevice,
  readCommand: { ask: ofCommand },
  cancelCommand: { fresh: freshCommand, ask: ofCommand },
  approveCommand: { fresh: freshCommand, ask: ofCommand },
  sendCommands: { ask: ({ product }) => ({ body: { to: { product: product.id }, name: "blink" } }) },
  readBatch: { ask: ofBatch },
  listBatchCommands: { ask: ofBatch },
  listOwnCommands: {},
  acknowledgeCommand: { ask: () => ({ params: { command: unknown("command") } }) },
  replyToCommand: { ask: () => ({ params: { command: unknown("command") }, bytes: '{"result": 1}' }) },
  listEntries: {},
  readListEntry: { ask: inPath("entry") },
  createListEntry: { ask: () => ({ body: { list: "deny", what: "address", value: "192.0.2.2" } }) },
  removeListEntry: { fresh: async () => ({ entry: await ours.deny("192.0.2.3") }), ask: inPath("entry") },
  listDevices: {},
  summariseDevices: {},
  readPosture: {},
  readDevice: onDevice,
  listDeviceSessions: onDevice,
  updateDevice: { ask: (subject) => ({ ...inPath("device")(subject), body: named }) },
  suspendDevice: onFreshDevice,
  resumeDevice: {
    fresh: async () => {
      const { device } = await freshDevice();
      await ours.asks.post(`/v1/devices/${device.id}/suspend`);
      return { device };
    },
    ...onDevice,
  },
  retireDevice: onFreshDevice,
  deleteDevice: onFreshDevice,
  issueCertificate: {
    ...onFreshDevice,
    ask: (subject) => ({ ...inPath("device")(subject), body: { csr } }),
    also: ["telemetry.write"],
  },
  renewCertificate: { fresh: async () => ({ csr: request() }), ask: (subject) => ({ body: { csr: subject.csr } }) },
  listCertificates: { ask: inPath("credential") },
  revocationList: {
    fresh: async () => ({ authority: await authorityOf(ours, our.application) }),
    ask: ({ authority }) => ({ params: { file: `${authority.id}.crl` } }),
  },
  listCertificateAuthorities: {},
  endCertificateAuthority: {
    fresh: async () => ({ authority: await authorityOf(ours, our.application) }),
    ask: ({ authority }) => ({ params: { certificateAuthority: authority.id } }),
  },
  mintDeviceKey: { ...onFreshDevice, also: ["telemetry.write"] },
  createToken: { ask: () => ({ body: { ...named, grants: ["token.create"] } }) },
  createOperatorKey: { ask: () => ({ body: { ...named, grants: ["operatorKey.create"] } }) },
  createAccessKey: {
    ask: (subject) => ({ ...inPath("application")(subject), body: { ...named, grants: ["accessKey.create"] } }),
  },
  checkSecrets: {
    ask: (subject) => ({ ...inPath("application")(subject), body: { secrets: [{ secret: "admin" }] } }),
  },
  askManufacturer: {
    ask: (subject) => ({ ...inPath("application")(subject), body: { certificate: acme.certificate } }),
  },
  createManufacturer: {
    fresh: async () => ({
      product: await ours.product(),
      question: await ours.asks.post<Subject["question"]>(`${acmesOf}/nonce`, { certificate: acme.certificate }),
    }),
    ask: (subject) => {
      const { nonce, text } = subject.question;
      const { certificate } = acme;
      const body = { ...named, product: subject.product.id, certificate, nonce, signature: acme.sign(text) };
      return { ...inPath("application")(subject), body };
    },
    also: ["device.enrol"],
  },
  listManufacturers: {},
  listCredentials: {},
  readCredential: { ask: inPath("credential") },
  listCredentialSessions: { ask: inPath("credential") },
  previewRevocation: { ask: inPath("credential") },
  revokeCredential: {
    fresh: async () => ({ credential: await ours.tokenOf(["org.read"]) }),
    ask: inPath("credential"),
  },
  previewDemands: { ask: () => ({ body: { demands: { devices: { greatestAgeDays: 30 } } } }) },
  previewRevocationUnder: { ask: ({ device }) => ({ query: `?about=${device.id}` }) },
  rotateCredential: {
    fresh: async () => ({ credential: await ours.tokenOf(["org.read"]) }),
    ask: (subject) => ({ ...inPath("credential")(subject), body: {} }),
  },
  reportLeak: { ask: () => ({ body: { secret: nobodysKey() } }) },
  readUpkeep: {},
  updateUpkeep: { ask: () => ({ body: { oldAfterDays: 365 } }) },
  revoke: { fresh: freshDevice, ask: ({ device }) => ({ body: { about: device.id } }) },
  simulateChange: {
    also: ["device.read"],
    ask: ({ device }) => ({ body: { change: { kind: "door", of: device.id, door: {} } } }),
  },
  explain: { ask: ({ credential }) => ({ body: { credential: credential.id, action: "org.read" } }) },
  listAudit: {},
  listMembers: {},
  updateMember: { ask: (subject) => ({ ...ofMember(subject), body: { role: "viewer" } }) },
  removeMember: { fresh: freshMember, ask: ofMember },
  suspendMember: { fresh: freshMember, ask: ofMember },
  resumeMember: {
    fresh: async () => {
      const made = await freshMember();
      await ours.asks.post(`/v1/members/${made.member.person}/suspend`);
      return made;
    },
    ask: ofMember,
  },
  invite: { ask: () => ({ body: { email: "invited-again@example.com", role: "viewer" } }) },
  listInvitations: {},
  withdrawInvitation: {
    fresh: async () => ({ invitation: await ours.invite(freshEmail()) }),
    ask: ({ invitation }) => ({ params: { invitation: invitation.id } }),
  },
  invitationPasskeyOptions: {
    by: ["a stranger", "the owner", "a revoked token"],
    fresh: async () => ({ invitation: await ours.invite(freshEmail()) }),
    ask: ({ invitation }) => ({ body: { secret: secretIn(invitation), email: invitation.email } }),
  },
  acceptInvitation: {
    by: ["a stranger", "the owner", "a revoked token"],
    fresh: async () => ({ invitation: await ours.invite(freshEmail()) }),
    ask: ({ invitation }) => ({
      body: { secret: secretIn(invitation), email: invitation.email, password: viewerPerson.password },
    }),
  },
  listRoles: {},
  readRole: { ask: ofRole },
  createRole: {
    fresh: async () => ({ roleName: freshName() }),
    ask: ({ roleName }) => ({ body: { name: roleName, grants: ["role.update"] } }),
  },
  updateRole: { ask: (subject) => ({ ...ofRole(subject), body: { description: "Changed" } }) },
  deleteRole: { fresh: async () => ({ role: await ours.role(freshName()) }), ask: ofRole },
  exportRoles: {},
  applyRoles: { ask: () => ({ query: "?dryRun=true", body: { roles: [] } }), also: ["role.read"] },
  sendTelemetry: { ask: () => ({ bytes: reading }) },
  writeLines: { ask: () => ({ bytes: lines }) },
  sendTelemetryFor: { ask: (subject) => ({ ...inPath("device")(subject), bytes: reading }) },
  readTelemetry: { ask: (subject) => ({ ...inPath("device")(subject), query: "?attribute=temperature" }) },
  readLatest: onDevice,
  queryTelemetry: {
    ask: ({ device }) => ({ body: { devices: [device.id], attributes: ["temperature"], from: 0, every: "1d" } }),
  },
  readLatestOfMany: { ask: ({ device }) => ({ body: { devices: [device.id] } }) },
  exportTelemetry: { ask: ({ device }) => ({ body: { devices: [device.id], from: 0, format: "csv" } }) },
  watch: { ask: ({ device }) => ({ query: `?device=${device.id}` }) },
  readUsage: {},
  listConnections: {},
  readQuotas: {},
  listPlans: {},
  savePlan: { ask: () => ({ body: { name: "large", quotas: { messages: 1_000_000_000 } } }) },
  signUpUser: { ask: () => ({ body: { login: "somebody@example.com", password: viewerPerson.password } }) },
  signInUser: { ask: () => ({ body: { login: "customer", password } }) },
  setUserPassword: { ask: () => ({ body: { login: "customer", password, code: "no code" } }) },
  refreshUser: { ask: () => ({ body: { refreshToken: "none" } }) },
  signOutUser: { ask: () => ({ body: { refreshToken: "none" } }) },
  readOwnUser: {},
  removeOwnUser: { fresh: async () => ({ user: await freshUser() }) },
  listOwnUserSessions: {},
  endOtherUserSessions: {},
  endOwnUserSession: { ask: () => ({ params: { session: unknown("session") } }) },
  passkeySignUpOptions: { ask: () => ({ body: { login: "somebody@example.com" } }) },
  signUpWithPasskey: { ask: () => ({ body: { login: "somebody@example.com", answer: noPasskey } }) },
  passkeySignInOptions: { ask: () => ({ body: {} }) },
  signInWithPasskey: { ask: () => ({ body: { answer: noPasskey } }) },
  ownPasskeyOptions: { ask: () => ({ body: {} }) },
  createOwnPasskey: { ask: () => ({ body: { answer: noPasskey } }) },
  listOwnPasskeys: {},
  renameOwnPasskey: { ask: () => ({ params: { passkey: unknown("passkey") }, body: named }) },
  removeOwnPasskey: { ask: () => ({ params: { passkey: unknown("passkey") } }) },
  listOwnListEntries: {},
  readOwnListEntry: { ask: (subject) => ({ params: { entry: subject.ownEntry.id } }) },
  createOwnListEntry: { ask: () => ({ body: { list: "deny", what: "address", value: "192.0.2.2" } }) },
  removeOwnListEntry: {
    fresh: async () => ({ ownEntry: await ownEntry("192.0.2.3") }),
    ask: (subject) => ({ params: { entry: subject.ownEntry.id } }),
  },
  listDeviceUserEntries: onDevice,
  listUsers: onApplication,
  createUser: { ask: (subject) => ({ ...inPath("application")(subject), body: { login: freshEmail() } }) },
  readUser: { ask: ofUser },
  suspendUser: onFreshUser,
  activateUser: onFreshUser,
  removeUser: onFreshUser,
  resetUser: onFreshUser,
  listUserDevices: { ask: ofUser, also: ["device.read"] },
  listUserSessions: { ask: ofUser },
  endUserSessions: onFreshUser,
  endUserSession: { ask: (subject) => ({ params: { ...ofUser(subject).params, session: unknown("session") } }) },
  listUserPasskeys: { ask: ofUser },
  removeUserPasskey: { ask: (subject) => ({ params: { ...ofUser(subject).params, passkey: unknown("passkey") } }) },
  createClaimCode: { ask: (subject) => ({ ...inPath("device")(subject), body: {} }) },
  readDeviceClaim: onDevice,
  offerHandover: { ask: (subject) => ({ ...inPath("device")(subject), body: {} }) },
  readHandover: onDevice,
  withdrawHandover: onDevice,
  takeHandover: {
    ask: (subject) => ({ ...inPath("application")(subject), body: { code: "0000-0000-0000-0000-0000" } }),
  },
  claimDevice: { ask: () => ({ body: { code: "0000-0000-0000-0000-0000" } }) },
  contestDevice: { ask: () => ({ body: { code: "0000-0000-0000-0000-0000" } }) },
  listOwnClaims: {},
  transferOwnDevice: { ask: () => ({ params: { device: unknown("device") }, body: {} }) },
  keepOwnDevice: { ask: () => ({ params: { device: unknown("device") } }) },
  objectToContest: { ask: () => ({ params: { device: unknown("device") } }) },
  relayFrame: { ask: () => ({ body: { frame: "AAAA" } }) },
  releaseOwnDevice: { ask: () => ({ params: { device: unknown("device") } }) },
  bindDevice: { ask: (subject) => ({ ...inPath("device")(subject), body: { user: subject.user.id } }) },
  putTask: { ask: (subject) => ({ ...ofGroup(subject), body: { name: "dig" } }) },
  listTasks: { ask: ofGroup },
  readTask: { ask: ofTask },
  cancelTask: { fresh: freshTask, ask: ofTask },
  putOwnTask: { ask: ({ group }) => ({ params: { group: group.id }, body: { name: "dig" } }) },
  leaseTasks: { ask: ({ group }) => ({ params: { group: group.id }, body: {} }) },
  renewTask: { ask: ({ group, task }) => ({ params: { group: group.id, task: task.id }, body: { lease: 1 } }) },
  answerTask: {
    ask: ({ group, task }) => ({ params: { group: group.id, task: task.id }, body: { lease: 1, result: 1 } }),
  },
  releaseTask: { ask: ({ group, task }) => ({ params: { group: group.id, task: task.id }, body: { lease: 1 } }) },
  createGroup: { ask: (subject) => ({ ...inPath("application")(subject), body: { name: freshGroup() } }) },
  listGroups: onApplication,
  readGroup: { ask: ofGroup },
  deleteGroup: { fresh: async () => ({ group: await newGroup() }), ask: ofGroup },
  admitToGroup: { ask: (subject) => ({ params: { ...ofGroup(subject).params, device: subject.device.id }, body: {} }) },
  expelFromGroup: {
    fresh: async () => ({ group: await newGroup() }),
    ask: (subject) => ({ params: { ...ofGroup(subject).params, device: subject.device.id } }),
  },
  setGateway: { ask: (subject) => ({ ...inPath("device")(subject), body: { gateway: subject.device.id } }) },
  removeGateway: { ask: (subject) => inPath("device")(subject) },
  removePlan: {
    fresh: async () => {
      await ours.asks.post("/v1/plans", { name: "fleeting", quotas: {} });
      return { plan: { name: "fleeting" } };
    },
    ask: ({ plan }) => ({ params: { plan: plan.name } }),
  },
  givePlan: { ask: ({ plan }) => ({ params: { org: ours.org }, body: { plan: plan.name } }) },
  certificates: {},
  rootsBundle: {},
  certificateFile: { ask: () => ({ params: { file: certificates.certificates[0]?.pem.split("/").at(-1) ?? "" } }) },
  healthz: {},
  metrics: {},
  openapi: {},
  readPlatform: {},
  readyz: {},
  securityTxt: {},
  readOAuth: {},
  estCaCerts: {},
  estCaCertsOf: { ask: () => ({ params: { label: ours.org } }) },
  estCsrAttrs: {},
  estCsrAttrsOf: { ask: () => ({ params: { label: ours.org } }) },
  estEnrol: { ask: () => ({ bytes: estRequest(), type: "application/pkcs10" }) },
  estEnrolIn: {
    ask: ({ application }) => ({
      params: { label: application.id },
      bytes: estRequest(),
      type: "application/pkcs10",
    }),
  },
  estRenew: { ask: () => ({ bytes: estRequest(), type: "application/pkcs10" }) },
  estRenewIn: {
    ask: () => ({ params: { label: ours.org }, bytes: estRequest(), type: "application/pkcs10" }),
  },
  authorizeDevice: {
    by: ["a stranger", "the owner", "a revoked token"],
    ask: () => ({ form: { client_id: "holdfast-command" } }),
  },
  obtainToken: {
    ask: () => ({ form: { client_id: "holdfast-command", grant_type: deviceCodeGrant, device_code: noActivation } }),
  },
  revokeToken: { by: ["a stranger", "the owner", "a revoked token"], ask: () => ({ form: { token: revoked.token } }) },
  readActivation: { fresh: freshActivation, ask: ({ activation }) => ({ params: { code: activation } }) },
  approveActivation: { fresh: freshActivation, ask: ({ activation }) => ({ params: { code: activation }, body: {} }) },
  listProviders: {},
  readProvider: { ask: ofProvider },
  createProvider: { ask: () => ({ body: newProvider }) },
  updateProvider: { ask: (subject) => ({ ...ofProvider(subject), body: named }) },
  removeProvider: { fresh: async () => ({ provider: await freshProvider() }), ask: ofProvider },
  tryProvider: { ask: ofProvider },
  listLinkedPeople: { ask: ofProvider },
  unlinkPerson: { ask: (subject) => ({ params: { ...ofProvider(subject).params, person: unknown("person") } }) },
  addDomain: { ask: (subject) => ({ ...ofProvider(subject), body: { domain: freshDomain() } }) },
  proveDomain: { ask: ofDomain },
  removeDomain: {
    fresh: async () => ({ domain: await enteredDomain(standing.provider) }),
    ask: ofDomain,
  },
  approveDomain: { ask: ({ domain }) => ({ params: { org: ours.org, domain } }) },
  withdrawDomain: { ask: ({ domain }) => ({ params: { org: ours.org, domain } }) },
  beginProviderSignIn: { ask: () => ({ body: { org: ours.org } }) },
  endProviderSignIn: { ask: () => ({ body: { org: ours.org, query: "?code=none" } }) },
  providerSignedOut: {
    ask: ({ provider }) => ({ params: { org: ours.org, provider: provider.id }, form: { logout_token: "none" } }),
  },
  listOwnProviders: {},
  beginLink: { ask: ({ provider }) => ({ body: { org: ours.org, provider: provider.id } }) },
  endLink: { ask: () => ({ body: { org: ours.org, query: "?code=none" } }) },
  removeLink: { ask: () => ({ params: { provider: unknown("provider") } }) },
  refuseActivation: { fresh: freshActivation, ask: ({ activation }) => ({ params: { code: activation } }) },
};

/** What some operations can do needs more than the rest of them: asked once more, for that. */
const parts: Record<string, Operation & { readonly of: keyof typeof routes }> = {
  "createDevice with tags": {
    of: "createDevice",
    ask: ({ application }) => ({ body: { application: application.id, ...named, tags: { site: "north" } } }),
    also: ["telemetry.write", "device.tag"],
  },
  "updateDashboard for other roles": {
    of: "updateDashboard",
    ask: (subject) => ({ ...ofDashboard(subject), body: { roles: null } }),
    also: ["dashboard.share"],
  },
  "updateDevice with other tags": {
    of: "updateDevice",
    fresh: freshDevice,
    ask: (subject) => ({ ...inPath("device")(subject), body: { tags: { site: "south" } } }),
    also: ["device.tag"],
  },
  "applyRoles for good": {
    of: "applyRoles",
    ask: () => ({ body: { roles: [{ name: "Standing", grants: ["device.read"] }] } }),
    also: ["role.read"],
  },
};

// Callers
const made = new Map<string, Promise<Token>>();
function tokenWith(grants: readonly string[]): Promise<Token> {
  const name = grants.join(" ");
  const there = made.get(name) ?? ours.tokenOf(grants);
  made.set(name, there);
  return there;
}
const operator = await ours.operatorKey();
const accessKey = await ours.accessKey(our.application.id, ["*"]);
const otherAccessKey = await ours.accessKey(our.other.id, ["*"]);
const trustedKey = await ours.asks.post<Key>(keysOf, { name: "trusted", kind: "trustedApplication", grants: ["*"] });
const dashboardLink = await ours.asks.post<Key>(`/v1/dashboards/${dashboard.id}/links`, {
  name: "wall",
  expiresIn: "1d",
});
const enrolmentKey = await ours.asks.post<Key>(keysOf, { name: "factory", kind: "enrolment" });
const suspended = await ours.device(our.application.id);
await ours.asks.post(`/v1/devices/${suspended.id}/suspend`);
const revoked = await ours.tokenOf(["*"]);
await ours.revoke(revoked.id);
const expired = await ours.tokenOf(["*"], { expiresIn: "1s" });
const ofRevoked = await ours.operatorKey();
const child = await visitor.as(textOf(ofRevoked)).post<Token>("/v1/tokens", { name: "child", grants: ["*"] });
await ours.revoke(ofRevoked.id);
clock.move(2_000);

const all: readonly Action[] = allActions;

/** Where the thing that an action is about lies, as a grant says it: the one, or another of its kind. */
function at(action: Action, subject: Subject, which: "this" | "another"): string {
  switch (actions[action]) {
    case "device":
      return `${action}:${(which === "this" ? subject.device : subject.neighbour).id}`;
    case "application":
      return `${action}:${(which === "this" ? subject.application : subject.other).id}`;
    default:
      return action;
  }
}

/** A credential, or the headers of a browser. */
type Shown = string | Readonly<Record<string, string>>;
type Caller = (route: Route, operation: Operation, subject: Subject) => Promise<Shown | undefined> | Shown | undefined;

const ownerPerson = { email: "owner@example.com", password: "correct horse battery staple" };
type SignedIn = { readonly browser: CookieBrowser; provedAt: number };
const browsers = new Map<string, SignedIn>();
async function signIn(who: typeof ownerPerson | typeof viewerPerson): Promise<SignedIn> {
  clock.move(1_000);
  const browser = new CookieBrowser(platform);
  browser.org = ours.org;
  await browser.signIn(who);
  return { browser, provedAt: clock.now() };
}

/** One sign-in for all, where none of them ends it or has another cookie from it: each costs a slow hash. */
async function browserOf(who: typeof ownerPerson | typeof viewerPerson, { session, method, isConfirmed }: Route) {
  if (session === "ends" || session === "renews") return (await signIn(who)).browser.headers(method);
  const there = browsers.get(who.email) ?? (await signIn(who));
  browsers.set(who.email, there);
  if (isConfirmed && clock.now() - there.provedAt > 300_000) {
    await there.browser.confirm(who);
    there.provedAt = clock.now();
  }
  return there.browser.headers(method);
}

const longAgo = await signIn(ownerPerson);
clock.move(600_000);

/** What each shows. `undefined` where it makes no sense: there is no narrowest grant for what is open to all. */
const callers: Record<string, Caller | "nothing"> = {
  "a stranger": "nothing",
  "a key of nobody's": () => nobodysKey(),
  "the owner": () => ours.token,
  "a viewer": () => world.viewer,
  "the owner in a browser": (route) => browserOf(ownerPerson, route),
  "a viewer in a browser": (route) => browserOf(viewerPerson, route),
  "the owner in a browser, who proved long ago who she is": ({ isConfirmed, method }) =>
    isConfirmed ? longAgo.browser.headers(method) : undefined,
  "the owner in a browser, from another site's page": async (route) => ({
    ...(await browserOf(ownerPerson, route.session === undefined ? route : { ...route, session: "asks" })),
    origin: "https://example.com",
  }),
  "the owner in a browser, in another organisation": async (route) => ({
    ...(await browserOf(ownerPerson, route)),
    "holdfast-org": unknown("org"),
  }),
  "an operator key": () => textOf(operator),
  "a token with this grant alone": async ({ needs }, { also = [] }, subject) => {
    if (!isAction(needs)) return undefined;
    const also_ = also.map((action) =>
      actions[needs] === "application" ? `${action}:${subject.application.id}` : at(action, subject, "this"),
    );
    return (await tokenWith([at(needs, subject, "this"), ...also_])).token;
  },
  "a token with this grant on another": async ({ needs }, _, subject) =>
    isAction(needs) && !["org", "product", "dashboard"].includes(actions[needs])
      ? (await tokenWith([at(needs, subject, "another")])).token
      : undefined,
  "a token with every other grant": async ({ needs }) =>
    isAction(needs) ? (await tokenWith(all.filter((action) => action !== needs))).token : undefined,
  "a token without what else it needs": async ({ needs }, { also = [] }) =>
    also.length > 0
      ? (await tokenWith(all.filter((action) => action === needs || !also.includes(action)))).token
      : undefined,
  "an access key of its application": () => textOf(accessKey),
  "an access key of another application": () => textOf(otherAccessKey),
  "a trusted key of its application": () => textOf(trustedKey),
  "a publishable key, on its page": () => ({ "x-auth-token": textOf(publishedKey), origin: page }),
  "a publishable key, elsewhere": () => textOf(publishedKey),
  "a user of its application": (route) => signedIn(...ofCustomer(route)),
  "a user of its application who has no devices": (route) => signedIn(...ofCustomer(route, "customer-without")),
  "a user whose is its gateway": (route) => signedIn(...ofCustomer(route, "customer-of-gateway")),
  "a user who signed out": () => signedIn("customer", undefined, true),
  "an operator key, in a browser": () => ({ "x-auth-token": textOf(operator), origin: page }),
  "a stranger with a link to the dashboard": () => dashboardLink.secret,
  "a key by which devices enrol": () => textOf(enrolmentKey),
  "its device": (_, __, { device }) => textOf(device.key),
  "another device": (_, __, { neighbour }) => textOf(neighbour.key),
  "a suspended device": () => textOf(suspended.key),
  "a revoked token": () => revoked.token,
  "a token whose maker was revoked": () => child.token,
  "an expired token": () => expired.token,
  "the owner of another organisation": () => theirs.token,
};

const answerOf = (status: number, body: unknown): string =>
  status < 300 ? String(status) : `${status} ${(body as Problem).code}`; // errors are RFC 9457

async function ask(route: Route, credential: Shown | undefined, asked: Asked): Promise<string> {
  clock.move(1_000); // so that failing often is not what decides
  const { params = {}, query = "", body, bytes, form } = asked;
  const address = route.path.replaceAll(/\{(\w+)\}/g, (_, name: string) => params[name] ?? "") + query;
  if (route.reply === "stream") {
    const headers = typeof credential === "string" ? { "x-auth-token": credential } : (credential ?? {});
    const { status, body: problem } = await statusOfStream(platform, address, headers);
    return answerOf(status, problem);
  }
  const as = typeof credential === "string" ? visitor.as(credential) : visitor;
  const shown = typeof credential === "object" ? credential : {};
  const sent =
    bytes === undefined
      ? { body, headers: shown }
      : { bytes: Buffer.from(bytes), headers: { "content-type": asked.type ?? "application/json", ...shown } };
  const answer = form ? await formTo(as, address, form, shown) : await as.send(route.method, address, sent);
  return answerOf(answer.status, answer.body);
}

async function linesOfHttp(): Promise<string[]> {
  const lines: string[] = [];
  const routeOf = new Map(Object.entries(everyRoute));
  const every: [name: string, of: string, operation: Operation][] = [
    ...Object.entries(operations).map(([name, operation]): [string, string, Operation] => [name, name, operation]),
    ...Object.entries(parts).map(([name, part]): [string, string, Operation] => [name, part.of, part]),
  ];
  for (const [name, of, operation] of every) {
    const route = routeOf.get(of);
    assert.ok(route);
    const needs = [route.needs, ...(operation.also ?? [])].join(", ");
    const open = route.openTo === undefined ? "" : ", or nothing from the platform's own machine, as here";
    lines.push("", `${name}: ${route.method} ${route.path} needs ${needs}${open}`);
    const asked = operation.ask ?? (() => ({}));
    let subject: Subject | undefined;
    for (const [caller, shows] of Object.entries(callers)) {
      if (operation.by && !operation.by.includes(caller)) continue;
      subject ??= { ...standing, ...(await operation.fresh?.()) };
      const credential = shows === "nothing" ? undefined : await shows(route, operation, subject);
      if (shows !== "nothing" && credential === undefined) continue;
      const answer = await ask(route, credential, asked(subject));
      lines.push(`  ${caller}: ${answer}`);
      // What was done cannot be done again to the same thing.
      if (answer.startsWith("2")) subject = undefined;
    }
    if (!isAction(route.needs)) continue;
    // Things that are not there at all, asked about by somebody who may everything.
    const nothing: Subject = {
      application: { id: unknown("application") },
      other: our.other,
      product: { id: unknown("product") },
      device: { ...our.device, id: unknown("device") },
      neighbour: our.neighbour,
      credential: { id: unknown("token") },
      member: { person: unknown("person") },
      invitation: { ...standing.invitation, id: unknown("invitation") },
      role: { ...standing.role, id: unknown("role") },
      roleName: standing.roleName,
      plan: { name: "never-was" },
      entry: { id: unknown("listEntry") },
      user: { id: unknown("user") },
      ownEntry: { id: unknown("listEntry") },
      authority: { id: unknown("certificateAuthority") },
      activation: "BBBB-BBBB",
      provider: { id: unknown("provider") },
      domain: "never-was.example",
      organisation: { id: unknown("org") },
      dashboard: { id: unknown("dashboard") },
      alertRule: { id: unknown("alertRule") },
      webhook: { id: unknown("webhook") },
      command: { id: unknown("command") },
      group: { id: unknown("group") },
      task: { id: unknown("task") },
      batch: { id: unknown("commandBatch") },
      question: standing.question,
      csr: standing.csr,
    };
    if (JSON.stringify(asked(nothing)) !== JSON.stringify(asked(standing)))
      lines.push(`  the owner, about what never was: ${await ask(route, ours.token, asked(nothing))}`);
  }
  return lines;
}

// MQTT
const hex = (code: number): string => (code < 0x80 ? "yes" : `no 0x${code.toString(16)}`);

async function connected(username: string | undefined, password: string | undefined): Promise<MqttClient | string> {
  clock.move(1_000);
  let code = -1;
  const { mqttsUrl, caPem = "" } = platform.platform;
  const given = { ...(username !== undefined && { username }), ...(password !== undefined && { password }) };
  try {
    return await connectAsync(mqttsUrl, { ca: caPem, protocolVersion: 5, reconnectPeriod: 0, ...given }, false);
  } catch (error) {
    if (error instanceof Error && "code" in error && typeof error.code === "number") code = error.code;
    return hex(code);
  }
}

/** The code of the next answer of this sort, as it came over the wire: MQTT.js makes an error of one that says no. */
async function answered(client: MqttClient, cmd: "puback" | "suback", act: () => Promise<unknown>): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<number>();
  const look: OnPacketCallback = (packet) => {
    if (packet.cmd !== cmd) return;
    if (packet.cmd === "puback") resolve(packet.reasonCode ?? 0);
    if (packet.cmd === "suback") resolve(Number(packet.granted[0]));
  };
  const hungUp = () => resolve(0xff);
  client.on("packetreceive", look).once("close", hungUp);
  await act().catch(() => undefined);
  const code = await promise;
  client.off("packetreceive", look).off("close", hungUp);
  return hex(code);
}

async function linesOfMqtt(): Promise<string[]> {
  const { device, neighbour, elsewhere } = our;
  const narrow = await tokenWith([`telemetry.write:${device.id}`, `telemetry.read:${device.id}`]);
  const reads = await tokenWith(["telemetry.read"]);
  const writes = await tokenWith(["telemetry.write"]);
  const blind = await tokenWith(
    all.filter((action) => !action.startsWith("telemetry.") && !instanceActions.includes(action)),
  );
  const shown: Record<string, readonly [string | undefined, string | undefined]> = {
    "a stranger": [undefined, undefined],
    "a key of nobody's": nobodysKey().split(".") as [string, string], // id and secret
    "a key with a wrong secret": [device.key.id, neighbour.key.secret],
    "a device": [device.key.id, device.key.secret],
    "a device, in one text": [textOf(device.key), undefined],
    "a suspended device": [suspended.key.id, suspended.key.secret],
    "the owner": ["anybody", ours.token],
    "a viewer": ["anybody", world.viewer],
    "an operator key": [operator.id, operator.secret],
    "a token for this device alone": ["anybody", narrow.token],
    "a token that may read": ["anybody", reads.token],
    "a token that may write": ["anybody", writes.token],
    "a token that may anything but telemetry": ["anybody", blind.token],
    "an access key of its application": [accessKey.id, accessKey.secret],
    "an access key of another application": [otherAccessKey.id, otherAccessKey.secret],
    "a user whose this device is": ["anybody", await signedIn("customer")],
    "a user whose is its gateway": ["anybody", await signedIn("customer-of-gateway")],
    "its gateway, which is another user's": [gateway.key.id, gateway.key.secret],
    "a revoked token": ["anybody", revoked.token],
    "a token whose maker was revoked": ["anybody", child.token],
    "an expired token": ["anybody", expired.token],
    "the owner of another organisation": ["anybody", theirs.token],
  };
  const places: Record<string, string> = {
    "its own tree": "me",
    "this device": `devices/${device.id}`,
    "a device of the same application": `devices/${neighbour.id}`,
    "a device of another application": `devices/${elsewhere.id}`,
    "a device of another organisation": `devices/${their.device.id}`,
    "no device": `devices/${unknown("device")}`,
    "the tree of a child": `children/${device.id}`,
    "a group of this device's": `groups/${standing.group.id}`,
  };
  const lines: string[] = [];
  for (const [caller, [username, password]] of Object.entries(shown)) {
    const client = await connected(username, password);
    lines.push("", `MQTT as ${caller}`, `  CONNECT: ${typeof client === "string" ? client : "yes"}`);
    if (typeof client === "string") continue;
    client.on("error", () => {});
    for (const [place, topic] of Object.entries(places)) {
      const act = () => client.publishAsync(`${topic}/telemetry`, reading, { qos: 1 });
      lines.push(`  PUBLISH to ${place}: ${await answered(client, "puback", act)}`);
    }
    const filters = {
      ...places,
      everything: "#",
      "every device": "devices/+",
      "every device, shared": "$share/g/devices/+",
    };
    for (const [place, topic] of Object.entries(filters)) {
      const filter = topic === "#" ? topic : `${topic}/telemetry`;
      const code = await answered(client, "suback", () => client.subscribeAsync(filter, { qos: 1 }));
      lines.push(`  SUBSCRIBE to ${place}: ${code}`);
    }
    await client.endAsync(true);
  }
  return lines;
}

test("every operation answers every kind of caller as the matrix says", async () => {
  const text = [header.trimEnd(), ...(await linesOfHttp()), ...(await linesOfMqtt()), ""].join("\n");
  if (process.env["UPDATE_MATRIX"] === "1") writeFileSync(file, text);
  const kept = readFileSync(file, "utf8").split("\n");
  const now = text.split("\n");
  const differing = now.flatMap((line, index) =>
    line === kept[index] ? [] : [`${kept[index] ?? ""} -> ${line.trim()}`],
  );
  assert.deepEqual(differing.slice(0, 20), [], "who may do what has changed: look at each line, then UPDATE_MATRIX=1");
  assert.equal(now.length, kept.length);
});
