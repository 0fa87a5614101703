import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { newKeyAndRequest } from "@holdfast/client";
import { actions, everyRoute, isAction, type Route } from "@holdfast/protocol";
import { entryWord } from "../apps/console/src/words/index.ts";
import { atEnd } from "../apps/server/src/testing/index.ts";
import {
  startOrgs,
  textOf,
  unknown,
  type Entry,
  type Key,
  type Problem,
  type Thing,
  type Token,
} from "./authority.fixture.ts";

// What leaves a trace: every change, every sign-in, every refusal. And what the trace never holds.
const { platform, visitor, ours, theirs, our, their } = await startOrgs();
atEnd.after(() => platform.close());
const { asks } = ours;
const owner = (await asks.get<{ credential: string }>("/v1/me")).credential;

const eventually = (about: string, found: (entries: readonly Entry[]) => boolean, where = ours) =>
  where.auditedOnce(found, about);

test("a change leaves an entry about its subject, by whoever made it, in the same breath", async () => {
  const application = our.application.id;
  const left = async (what: string, about: string, by = owner) => {
    const entries = await ours.audited(about);
    assert.ok(
      entries.some((entry) => entry.what === what && entry.by === by),
      `${what} ${about}: ${JSON.stringify(entries)}`,
    );
  };
  const made = await ours.application("Made");
  await left("application.created", made.id);
  await asks.patch(`/v1/applications/${made.id}`, { name: "Renamed" });
  await left("application.updated", made.id);
  await asks.delete(`/v1/applications/${made.id}`);
  await left("application.deleted", made.id);

  const entry = await ours.deny("192.0.2.1");
  await left("list.entryAdded", entry.id);
  await asks.delete(`/v1/lists/${entry.id}`);
  await left("list.entryRemoved", entry.id);

  const product = await ours.product();
  await left("product.created", product.id);
  await asks.put(`/v1/products/${product.id}/door`, { size: 1_000 });
  await asks.delete(`/v1/products/${product.id}/door`);
  assert.equal((await ours.audited(product.id)).filter(({ what }) => what === "product.doorSet").length, 2);
  await asks.patch(`/v1/products/${product.id}`, { strict: true });
  await left("product.updated", product.id);
  await asks.put(`/v1/products/${product.id}/retention`, { keep: 30 });
  await asks.delete(`/v1/products/${product.id}/retention`);
  assert.equal((await ours.audited(product.id)).filter(({ what }) => what === "retention.set").length, 2);
  await asks.put("/v1/org/retention", { keep: "forever" });
  await left("retention.set", ours.org);
  await asks.delete(`/v1/products/${product.id}`);
  await left("product.deleted", product.id);

  const device = await ours.device(application);
  await left("device.created", device.id);
  await left("credential.created", device.key.id);
  await asks.patch(`/v1/devices/${device.id}`, { tags: { site: "south" } });
  await left("device.updated", device.id);
  await asks.post(`/v1/devices/${device.id}/suspend`);
  await left("device.suspended", device.id);
  await asks.post(`/v1/devices/${device.id}/resume`);
  await left("device.resumed", device.id);
  await left("credential.created", (await ours.deviceKey(device.id)).id);
  await asks.post(`/v1/devices/${device.id}/erase`);
  await left("device.erased", device.id);
  const certified = await ours.device(application);
  const { csr } = await newKeyAndRequest();
  type Certificate = Thing & { certificateAuthority: string };
  const issued = await asks.post<Certificate>(`/v1/devices/${certified.id}/certificates`, { csr });
  await left("credential.created", issued.id);
  await left("certificateAuthority.created", issued.certificateAuthority);
  await ours.revoke(issued.id);
  const own = visitor.as(textOf(certified.key));
  const certificate = await own.post<Certificate>("/v1/me/certificates", { csr });
  await left("credential.created", certificate.id, certified.key.id);
  await own.post("/v1/me/certificates", { csr });
  await left("credential.rotated", certificate.id, certified.key.id);
  await asks.delete(`/v1/certificate-authorities/${issued.certificateAuthority}`);
  await left("certificateAuthority.ended", issued.certificateAuthority);
  await asks.post("/v1/revocations", { about: device.id, ends: ["devices"] });
  await left("credentials.revoked", device.id);
  await asks.post(`/v1/devices/${device.id}/retire`);
  await left("device.retired", device.id);
  const deleted = await ours.device(application);
  await asks.delete(`/v1/devices/${deleted.id}`);
  await left("device.retired", deleted.id);

  const operator = await ours.operatorKey();
  await left("credential.created", operator.id);
  await left("credential.created", (await ours.accessKey(application)).id);
  const token = await visitor.as(textOf(operator)).post<Token>("/v1/tokens", { name: "t", grants: ["org.read"] });
  await left("credential.created", token.id, operator.id);
  await ours.revoke(operator.id);
  await left("credential.revoked", operator.id);

  await asks.patch("/v1/org", { name: "Renamed" });
  await left("org.updated", ours.org);
  const withdrawn = await ours.invite("withdrawn@example.com");
  await left("member.invited", withdrawn.id);
  await asks.delete(`/v1/invitations/${withdrawn.id}`);
  await left("invitation.withdrawn", withdrawn.id);
  const { person } = await ours.member({ email: "member@example.com", password: "correct horse battery staple" });
  await left("member.added", person, person);
  await asks.patch(`/v1/members/${person}`, { role: "owner" });
  await left("member.updated", person);
  await asks.post(`/v1/members/${person}/suspend`);
  await left("member.suspended", person);
  await asks.post(`/v1/members/${person}/resume`);
  await left("member.resumed", person);
  await asks.delete(`/v1/members/${person}`);
  await left("member.removed", person);

  const role = await asks.post<{ id: string }>("/v1/roles", { name: "Watcher", grants: ["device.read"] });
  await left("role.created", role.id);
  await asks.patch(`/v1/roles/${role.id}`, { name: "Onlooker" });
  await left("role.updated", role.id);
  await asks.delete(`/v1/roles/${role.id}`);
  await left("role.deleted", role.id);
  await asks.post("/v1/roles/file", { roles: [{ name: "Filed", grants: ["device.read"] }] });
  const [filed] = (await asks.get<{ items: { id: string; name: string }[] }>("/v1/roles")).items.filter(
    ({ name }) => name === "Filed",
  );
  await left("role.created", filed?.id ?? assert.fail());

  const key = await ours.operatorKey();
  await asks.post(`/v1/credentials/${key.id}/rotate`, {});
  await left("credential.rotated", key.id);
  await asks.patch("/v1/org/upkeep", { oldAfterDays: 30 });
  await left("upkeep.changed", ours.org);

  const provider = await asks.post<Thing>("/v1/providers", {
    name: "House",
    issuer: "https://sign-in.example",
    clientId: "holdfast",
  });
  await left("provider.created", provider.id);
  await asks.patch(`/v1/providers/${provider.id}`, { name: "Renamed" });
  await left("provider.updated", provider.id);
  await asks.post(`/v1/providers/${provider.id}/domains`, { domain: "house.example" });
  await left("domain.added", provider.id);
  await asks.send("PUT", `/v1/orgs/${ours.org}/domains/house.example`);
  await left("domain.approved", provider.id);
  await asks.delete(`/v1/orgs/${ours.org}/domains/house.example`);
  await left("domain.withdrawn", provider.id);
  await asks.delete(`/v1/providers/${provider.id}/domains/house.example`);
  await left("domain.removed", provider.id);
  await asks.delete(`/v1/providers/${provider.id}`);
  await left("provider.removed", provider.id);

  const users = `/v1/applications/${application}/users`;
  const user = await asks.post<{ id: string }>(users, { login: "customer@example.com" });
  await left("applicationUser.invited", user.id);
  await asks.post(`${users}/${user.id}/suspend`);
  await left("applicationUser.suspended", user.id);
  await asks.post(`${users}/${user.id}/activate`);
  await left("applicationUser.activated", user.id);
  await asks.post(`${users}/${user.id}/reset`);
  await left("applicationUser.reset", user.id);
  const rented = await ours.device(application);
  await asks.put(`/v1/devices/${rented.id}/user`, { user: user.id });
  await left("device.bound", rented.id);
  await asks.put(`/v1/devices/${rented.id}/gateway`, { gateway: our.device.id });
  await left("device.tied", rented.id);
  await asks.delete(`/v1/devices/${rented.id}/gateway`);
  await left("device.tied", rented.id);
  const groups = `/v1/applications/${application}/groups`;
  const group = await asks.post<{ id: string }>(groups, { name: "pumps" });
  await left("group.created", group.id);
  await asks.put(`${groups}/${group.id}/members/${rented.id}`, {});
  await left("group.memberAdmitted", group.id);
  const task = await asks.post<{ id: string }>(`${groups}/${group.id}/tasks`, { name: "dig" });
  await left("task.put", group.id);
  await asks.delete(`${groups}/${group.id}/tasks/${task.id}`);
  await left("task.cancelled", group.id);
  await asks.delete(`${groups}/${group.id}/members/${rented.id}`);
  await left("group.memberExpelled", group.id);
  await asks.delete(`${groups}/${group.id}`);
  await left("group.deleted", group.id);
  await asks.delete(`${users}/${user.id}`);
  await left("applicationUser.removed", user.id);

  const { org } = await asks.post<{ org: string }>("/v1/orgs", { name: "Third" });
  await left("org.created", org);
  await asks.post("/v1/plans", { name: "small", quotas: { devices: 5 } });
  await left("plan.saved", ours.org);
  await asks.put(`/v1/orgs/${ours.org}/plan`, { plan: "small" });
  await left("org.planChanged", ours.org);
  await asks.put(`/v1/orgs/${ours.org}/plan`, { plan: null });
  await asks.delete("/v1/plans/small");
  await left("plan.removed", ours.org);
});

test("an entry of a move says from where to where, and one of a credential what it hangs on and how long", async () => {
  const { application, other, product } = our;
  const factsOf = async (what: string, about: string) =>
    (await ours.audited(about)).find((entry) => entry.what === what)?.facts;
  const device = await ours.device(application.id, { tags: { site: "north" } });
  assert.deepEqual(await factsOf("device.created", device.id), {
    name: "Pump 1",
    application: application.id,
    tags: { site: "north" },
  });
  await asks.patch(`/v1/devices/${device.id}`, { application: other.id, product: product.id, tags: { site: "south" } });
  assert.deepEqual(await factsOf("device.updated", device.id), {
    fields: ["application", "product", "tags"],
    from: { application: application.id, product: null, tags: { site: "north" } },
    to: { application: other.id, product: product.id, tags: { site: "south" } },
  });
  await asks.patch(`/v1/devices/${device.id}`, { name: "Named" });
  assert.deepEqual(await factsOf("device.updated", device.id), { fields: ["name"] });

  const operator = await ours.operatorKey();
  const token = await visitor
    .as(textOf(operator))
    .post<Token & { expiresAt: string }>("/v1/tokens", { name: "t", grants: ["org.read"], expiresIn: "1h" });
  assert.deepEqual(await factsOf("credential.created", token.id), {
    kind: "apiToken",
    name: "t",
    grants: ["org.read"],
    parent: operator.id,
    expiresAt: token.expiresAt,
  });
  const key = await ours.accessKey(application.id, ["telemetry.read"]);
  assert.deepEqual(await factsOf("credential.created", key.id), {
    kind: "accessKey",
    name: "access key",
    grants: [`telemetry.read:${application.id}`],
    application: application.id,
  });
});

/** What is tried in other files, as it takes a browser, mail, a program or a provider: the entry that each operation leaves there. */
const elsewhere: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  alerts: {
    createAlertRule: "alertRule.created",
    updateAlertRule: "alertRule.updated",
    deleteAlertRule: "alertRule.deleted",
    acknowledgeAlert: "alert.acknowledged",
    createWebhook: "webhook.created",
    updateWebhook: "webhook.updated",
    deleteWebhook: "webhook.deleted",
  },
  "account-email": { verifyEmail: "email.verified" },
  "account-passkeys": {
    createAccountPasskey: "factor.added",
    renameAccountPasskey: "factor.renamed",
    removeAccountPasskey: "factor.removed",
    removePassword: "password.removed",
    takeInvitation: "invitation.accepted",
  },
  "account-password": { changePassword: "password.changed", resetPassword: "password.reset" },
  "account-sessions": {
    endAccountSession: "signOut.elsewhere",
    endOtherAccountSessions: "signOut.elsewhere",
    endMemberSessions: "sessions.ended",
  },
  activations: {
    approveActivation: "activation.approved",
    refuseActivation: "activation.refused",
    obtainToken: "credential.created",
    revokeToken: "credential.revoked",
  },
  dashboards: {
    createDashboard: "dashboard.created",
    updateDashboard: "dashboard.updated",
    deleteDashboard: "dashboard.deleted",
    createDashboardLink: "credential.created",
    endDashboardLink: "credential.revoked",
  },
  confirmation: { confirmIdentity: "session.confirmed" },
  enrolment: {
    estEnrol: "device.created",
    estEnrolIn: "credential.created",
    estRenew: "credential.rotated",
    estRenewIn: "credential.rotated",
  },
  manufacturers: { askManufacturer: "manufacturer.asked", createManufacturer: "credential.created" },
  "factor-reset": {
    beginFactorReset: "factorReset.begun",
    callOffFactorReset: "factorReset.withdrawn",
    callOffFactorResetByLink: "factorReset.calledOff",
    callOffOwnFactorReset: "factorReset.calledOff",
  },
  factors: { addTotp: "factor.added", removeTotp: "factor.removed", renewRecoveryCodes: "factor.codesRenewed" },
  "single-sign-on": {
    endProviderSignIn: "provider.signedIn",
    endLink: "provider.linked",
    removeLink: "provider.unlinked",
    unlinkPerson: "provider.unlinked",
    providerSignedOut: "provider.signedOut",
  },
  twins: {
    updateTwin: "twin.updated",
    sendCommand: "command.sent",
    sendCommands: "command.batchSent",
    approveCommand: "command.approved",
    cancelCommand: "command.cancelled",
  },
  roots: { switchRoots: "roots.switched" },
  "single-sign-on-demanded": { proveDomain: "domain.looked" },
};

test("what is tried in another file is looked for there, and the console says it in words", () => {
  for (const [file, left] of Object.entries(elsewhere)) {
    const text = readFileSync(path.join(import.meta.dirname, `${file}.test.ts`), "utf8");
    for (const what of Object.values(left)) {
      assert.ok(text.includes(`"${what}`), `${file} looks for ${what}`);
      assert.notEqual(entryWord(what), what);
    }
  }
});

test("every operation that changes something is in the lists above", () => {
  // Tried below, in `sessions`, in `credential-life`, and in `simulation`, whose organisation goes with its log; readings; questions.
  const early = ["setUp", "signIn", "createSession", "deleteSession", "reportLeak", "endSimulation"];
  // Tried in `organisations` and `people`: what stops an organisation, and who goes by herself.
  const ofWhole = [
    "deleteOrg",
    "keepOrg",
    // In `backup`, where one was restored.
    "confirmOrg",
    "confirmOrganisation",
    "confirmOrganisations",
    "leaveOrg",
    "leaveOrganisation",
    "suspendOrganisation",
    "resumeOrganisation",
    "deleteOrganisation",
    "keepOrganisation",
    "makeAdministrator",
    "unmakeAdministrator",
  ];
  // Tried in `application-users`, `user-lists` and `passkeys`: what users do themselves, and what is done to what they made.
  const isByUsers = ({ needs }: Route) => needs === "publishedKey" || needs === "applicationUser";
  const toUsers = ["endUserSession", "endUserSessions", "removeUserPasskey"];
  // These change nothing.
  const questions = [
    "checkSecrets",
    "explain",
    "previewDashboard",
    "previewDemands",
    "previewOrgRetention",
    "previewProductRetention",
    "queryTelemetry",
    "readLatestOfMany",
    "exportTelemetry",
    "simulateChange",
    "tryProvider",
    "tryWebhook",
    "accountPasskeyOptions",
    "invitationPasskeyOptions",
    "offerTotp",
  ];
  // Nor these, before somebody takes the link that is sent, lets the program in, or comes back from the provider: that leaves an entry.
  const begun = [
    "askVerification",
    "changeEmail",
    "forgotPassword",
    "authorizeDevice",
    "beginLink",
    "beginProviderSignIn",
  ];
  const others = Object.values(elsewhere).flatMap((left) => Object.keys(left));
  const listed = new Set([
    ...early,
    ...others,
    ...begun,
    ...ofWhole,
    ...toUsers,
    ...questions,
    // What devices say.
    "acknowledgeCommand",
    "answerTask",
    "leaseTasks",
    "putOwnTask",
    "releaseTask",
    "renewTask",
    "replyToCommand",
    "reportRoots",
    "reportTwin",
    "sendTelemetry",
    "sendTelemetryFor",
    "writeLines",
  ]);
  const changing = Object.entries(everyRoute).filter(
    ([name, route]) => route.method !== "GET" && !listed.has(name) && !isByUsers(route),
  );
  assert.deepEqual(changing.map(([name]) => name).toSorted(), [
    "acceptInvitation",
    "activateUser",
    "addDomain",
    "admitToGroup",
    "applyRoles",
    "approveDomain",
    "bindDevice",
    "cancelTask",
    "createAccessKey",
    "createApplication",
    "createClaimCode",
    "createDevice",
    "createGroup",
    "createListEntry",
    "createOperatorKey",
    "createOrg",
    "createProduct",
    "createProvider",
    "createRole",
    "createToken",
    "createUser",
    "deleteApplication",
    "deleteDevice",
    "deleteGroup",
    "deleteProduct",
    "deleteRole",
    "endCertificateAuthority",
    "eraseDevice",
    "eraseUserReadings",
    "expelFromGroup",
    "givePlan",
    "invite",
    "issueCertificate",
    "mintDeviceKey",
    "offerHandover",
    "putTask",
    "removeDeviceDoor",
    "removeDomain",
    "removeGateway",
    "removeListEntry",
    "removeMember",
    "removePlan",
    "removeProductDoor",
    "removeProductRetention",
    "removeProvider",
    "removeUser",
    "renewCertificate",
    "resetUser",
    "resumeDevice",
    "resumeMember",
    "retireDevice",
    "revoke",
    "revokeCredential",
    "rotateCredential",
    "savePlan",
    "setDeviceDoor",
    "setGateway",
    "setOrgRetention",
    "setProductDoor",
    "setProductRetention",
    "suspendDevice",
    "suspendMember",
    "suspendUser",
    "takeHandover",
    "updateApplication",
    "updateDevice",
    "updateMember",
    "updateOrg",
    "updateProduct",
    "updateProvider",
    "updateRole",
    "updateUpkeep",
    "withdrawDomain",
    "withdrawHandover",
    "withdrawInvitation",
  ]);
});

test("a change that is refused leaves no entry of a change", async () => {
  const before = (await ours.audited()).filter(({ what }) => what !== "access.refused").length;
  await asks.send("DELETE", `/v1/applications/${our.application.id}`);
  await asks.send("POST", "/v1/devices", { body: { application: our.application.id, name: "x", alias: "pump-1" } });
  await asks.send("PATCH", `/v1/devices/${our.device.id}`, { body: { product: unknown("product") } });
  await asks.send("POST", `/v1/devices/${our.device.id}/resume`);
  const after = (await ours.audited()).filter(({ what }) => what !== "access.refused").length;
  assert.equal(after, before);
});

test("a refusal of somebody known says who wanted to do what with which thing, whatever operation it was", async () => {
  const expected: { action: string; about: string; by: string }[] = [];
  let nothing = await ours.tokenOf(["org.read"]);
  const dashboard = await ours.asks.post<Thing>("/v1/dashboards", { name: "Hall", widgets: [] });
  for (const { method, path, needs, on, reply } of Object.values(everyRoute)) {
    if (!isAction(needs) || needs === "org.read" || reply === "stream") continue;
    // Of one caller sixty at once are listed.
    if (expected.length % 30 === 29) nothing = await ours.tokenOf(["org.read"]);
    const kind = actions[needs];
    const ids: Partial<Record<string, Thing>> = {
      application: our.application,
      product: our.product,
      device: our.device,
      dashboard,
    };
    const address = path.replaceAll(/\{(\w+)\}/g, (_, name: string) =>
      name === "credential" ? owner : (ids[name]?.id ?? unknown(name === "person" ? "person" : "invitation")),
    );
    const isInBody = typeof on === "object" && "body" in on;
    const body = isInBody ? { application: our.application.id, name: "x" } : method === "GET" ? undefined : {};
    const { status, body: problem } = await visitor
      .as(nothing.token)
      .send<Problem>(method, address, body === undefined ? {} : { body });
    assert.ok(status === 403 || status === 404, `${method} ${path} ${status} ${problem.code}`);
    expected.push({
      action: needs,
      by: nothing.id,
      about: on === "own" || on === "reach" || on === "me" ? ours.org : (ids[kind]?.id ?? ours.org),
    });
  }
  assert.ok(expected.length > 25);
  for (const { action, about, by } of expected) {
    const isIt = (entry: Entry) =>
      entry.what === "access.refused" && entry.by === by && entry.facts?.["action"] === action;
    await eventually(about, (entries) => entries.some(isIt));
  }
});

test("so does one of a product that is not there or another organisation's, named in a device", async () => {
  for (const product of [unknown("product"), their.product.id]) {
    await asks.send("POST", "/v1/devices", { body: { application: our.application.id, name: "x", product } });
    await asks.send("PATCH", `/v1/devices/${our.device.id}`, { body: { product } });
    const entries = await eventually(product, (all) => all.length === 2);
    for (const { what, by, facts } of entries)
      assert.deepEqual([what, by, facts?.["because"]], ["access.refused", owner, "product.unknown"]);
    assert.deepEqual(entries.map(({ facts }) => String(facts?.["action"])).toSorted(), [
      "device.create",
      "device.update",
    ]);
  }
});

test("what is refused because of how things stand, to somebody who may, is no refusal of access and leaves no entry", async () => {
  const application = await ours.application("Busy");
  const device = await ours.device(application.id, { alias: "busy", product: our.product.id });
  const ask = async (code: string, ...asked: Parameters<typeof asks.send>) =>
    assert.equal((await asks.send<Problem>(...asked)).body.code, code);
  await ask("device.aliasTaken", "PATCH", `/v1/devices/${our.neighbour.id}`, { body: { alias: "busy" } });
  await ask("application.inUse", "DELETE", `/v1/applications/${application.id}`);
  await ask("product.inUse", "DELETE", `/v1/products/${our.product.id}`);
  await ask("device.notSuspended", "POST", `/v1/devices/${device.id}/resume`);
  await ask("request.conflict", "PATCH", `/v1/devices/${device.id}`, {
    body: { name: "x" },
    headers: { "if-match": '"999"' },
  });
  await ask("request.malformed", "PATCH", `/v1/devices/${device.id}`, { body: { colour: "red" } });
  // Refusals are written in order: once a later one is there, an earlier one would be too.
  const blind = await ours.tokenOf(["org.read"]);
  await visitor.as(blind.token).send("GET", `/v1/devices/${device.id}`);
  await eventually(device.id, (entries) => entries.some(({ by }) => by === blind.id));
  const about = [device.id, application.id, our.product.id, our.neighbour.id];
  const refused = (await ours.audited()).filter(
    ({ what, by, about: thing }) => what === "access.refused" && by === owner && about.includes(thing),
  );
  assert.deepEqual(refused, []);
});

test("so does one at the door: a secret that is not the credential's, and a credential that has ended", async () => {
  const { key } = our.neighbour;
  await visitor.as(textOf({ id: key.id, secret: our.device.key.secret })).send("GET", "/v1/me");
  const [wrong] = await eventually(key.id, (entries) => entries.some(({ what }) => what === "access.refused"));
  assert.deepEqual([wrong?.by, wrong?.facts], ["platform", { action: "connect", because: "a wrong secret" }]);
  const ended = await ours.tokenOf(["org.read"]);
  await ours.revoke(ended.id);
  await visitor.as(ended.token).send("GET", "/v1/me");
  const entries = await eventually(ended.id, (all) => all.some(({ what }) => what === "access.refused"));
  const refused = entries.find(({ what }) => what === "access.refused");
  assert.deepEqual(
    [refused?.by, refused?.facts],
    [ended.id, { action: "connect", because: `${ended.id} was revoked` }],
  );
});

test("asking again and again for what one may not have is one entry with a count", async () => {
  const blind = await ours.tokenOf(["org.read"]);
  const as = visitor.as(blind.token);
  await Promise.all(Array.from({ length: 100 }, () => as.send("GET", `/v1/devices/${our.elsewhere.id}`)));
  const mine = (entries: readonly Entry[]) => entries.filter(({ by }) => by === blind.id);
  const sum = (entries: readonly Entry[]) =>
    mine(entries).reduce((total, { facts }) => total + Number(facts?.["count"] ?? 1), 0);
  const entries = mine(await eventually(our.elsewhere.id, (all) => sum(all) === 100));
  assert.ok(entries.length <= 10, `${entries.length} entries`);
});

test("what stands where an identifier belongs is not written down", async () => {
  const blind = await ours.tokenOf(["org.read"]);
  await visitor.as(blind.token).send("GET", "/v1/devices/ada.lovelace@example.com");
  const entries = await eventually(ours.org, (all) => all.some(({ by }) => by === blind.id));
  assert.ok(!JSON.stringify(entries).includes("lovelace"));
});

test("a sign-in leaves an entry, and one with a wrong password another, in each organisation of that person", async () => {
  const person = ours.person;
  const right = { email: "owner@example.com", password: "correct horse battery staple" };
  const signedIn = await visitor.post<{ org: string; token: string }>("/v1/sign-in", right);
  assert.equal(signedIn.org, ours.org, "the organisation that was there first, unless another is named");
  assert.ok((await ours.audited(person)).some(({ what, by }) => what === "signIn.done" && by === person));
  const other = await visitor.post<{ org: string }>("/v1/sign-in", { ...right, org: theirs.org });
  assert.equal(other.org, theirs.org);
  const wrong = await visitor.send<Problem>("POST", "/v1/sign-in", { body: { ...right, password: "wrong" } });
  const nobody = await visitor.send<Problem>("POST", "/v1/sign-in", {
    body: { ...right, email: "nobody@example.com" },
  });
  const foreign = await visitor.send<Problem>("POST", "/v1/sign-in", { body: { ...right, org: unknown("org") } });
  for (const { status, body } of [wrong, nobody, foreign])
    assert.deepEqual([status, body.code], [401, "credential.invalid"]);
  const isRefused = (entries: readonly Entry[]) => entries.some(({ what }) => what === "signIn.refused");
  await eventually(person, isRefused);
  const there = await eventually(person, isRefused, theirs);
  const { email } = right;
  assert.ok(!JSON.stringify([...there, ...(await ours.audited(person))]).includes(email));
});

test("whoever tries a password leaves an entry in every organisation of hers, whichever he names, and also when it is right", async () => {
  const right = { email: "tried@example.com", password: "correct horse battery staple" };
  const { person } = await ours.member(right);
  await theirs.member(right);
  const refusals = (entries: readonly Entry[]) =>
    entries
      .filter(({ what }) => what === "signIn.refused")
      .reduce((sum, { facts }) => sum + Number(facts?.["count"] ?? 1), 0);
  const tried: [body: object, status: number, code: string][] = [
    [{ org: theirs.org, password: "wrong" }, 401, "credential.invalid"],
    [{ org: unknown("org"), password: "wrong" }, 401, "credential.invalid"],
    [{ org: unknown("org") }, 401, "credential.invalid"],
    [{ org: theirs.org, grants: ["org.create"] }, 403, "credential.amplifies"],
    [{ grants: Array.from({ length: 50 }, () => `telemetry.read:tag:k=${"v".repeat(250)}`) }, 422, "grant.malformed"],
  ];
  for (const [at, [more, status, code]] of tried.entries()) {
    const answer = await visitor.send<Problem>("POST", "/v1/sign-in", { body: { ...right, ...more } });
    assert.deepEqual([answer.status, answer.body.code], [status, code], JSON.stringify(more).slice(0, 200));
    for (const where of [ours, theirs]) await eventually(person, (entries) => refusals(entries) === at + 1, where);
  }
});

test("what happens in one organisation is in no other's log", async () => {
  const [mine, others] = [await ours.audited(), await theirs.audited()];
  for (const entry of others) assert.ok(!JSON.stringify(entry).includes(ours.org) || entry.what === "org.created");
  const text = JSON.stringify(mine);
  // That of a product was asked for here, above.
  for (const id of [their.device.id, their.application.id]) assert.ok(!text.includes(id));
});

test("the log is read newest first, in pages, and only from where it was", async () => {
  const all = await ours.audited();
  const pages: Entry[] = [];
  let cursor: string | undefined;
  do {
    const query: string = cursor === undefined ? "" : `&cursor=${cursor}`;
    const page = await asks.get<{ items: Entry[]; nextCursor?: string }>(`/v1/audit?limit=7${query}`);
    pages.push(...page.items);
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  assert.deepEqual(pages.slice(-all.length), all);
  for (const wrong of ["0", "-1", "1e3", " 7", "x", "9".repeat(20)]) {
    const { body } = await asks.send<Problem>("GET", `/v1/audit?cursor=${encodeURIComponent(wrong)}`);
    assert.equal(body.code, "cursor.malformed", wrong);
  }
});

test("where a page of the log ended tells nothing of what other organisations do", async () => {
  const cursor = async (owner = ours) => {
    const { nextCursor } = await owner.asks.get<{ nextCursor: string }>("/v1/audit?limit=1");
    return nextCursor;
  };
  const before = await cursor();
  for (let count = 0; count < 10; count += 1) await theirs.application();
  await ours.application();
  const after = await cursor();
  assert.equal(after.length, before.length);
  for (const one of [before, after])
    assert.match(one, /^[\w-]{40,}$/, "neither a number nor anything to be read from it");
  // Nor can one be made up, or brought along from elsewhere.
  const altered = `${after.slice(0, 10)}${after[10] === "A" ? "B" : "A"}${after.slice(11)}`;
  for (const wrong of [await cursor(theirs), altered, "1", "7"]) {
    const { status, body } = await asks.send<Problem>("GET", `/v1/audit?cursor=${wrong}`);
    assert.deepEqual([status, body.code], [400, "cursor.malformed"], wrong);
  }
});

test("a key of a device that was made by a program is the device's: it stays when the program's token ends", async () => {
  const maker = await ours.tokenOf([
    "device.create",
    "telemetry.write",
    "accessKey.create",
    "telemetry.read",
    "device.read",
  ]);
  const by = visitor.as(maker.token);
  const device = await by.post<{ id: string; key: Key }>("/v1/devices", { application: our.application.id, name: "x" });
  const key = await by.post<Key>(`/v1/applications/${our.application.id}/keys`, { name: "x" });
  await ours.revoke(maker.id);
  assert.equal((await visitor.as(textOf(device.key)).send("POST", "/v1/me/telemetry", { body: { a: 1 } })).status, 200);
  assert.equal(
    (await visitor.as(textOf(key)).send("GET", "/v1/me")).status,
    401,
    "an access key is the program's child",
  );
});

test("the console says each kind of entry that was left here in words", async () => {
  const left = new Set((await ours.audited()).map(({ what }) => what));
  assert.ok(left.size > 20, "there are entries of many kinds");
  assert.deepEqual(
    [...left].filter((what) => entryWord(what) === what),
    [],
  );
});
