import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { connectAsync, type OnPacketCallback } from "mqtt";
import { actions, allActions, everyRoute, isAction, type Action } from "@holdfast/protocol";
import { atEnd } from "../apps/server/src/testing/index.ts";
import { CookieBrowser } from "./cookie-browser.fixture.ts";
import {
  Owner,
  startOrgs,
  statusOfStream,
  textOf,
  unknown,
  type Key,
  type Problem,
  type Thing,
  type Token,
} from "./authority.fixture.ts";

// What must be so, whatever the matrix says.
const { platform, visitor, ours, theirs, our, their } = await startOrgs();
atEnd.after(() => platform.close());

const all = Object.entries(everyRoute);
const open = [
  "readSetUp",
  "setUp",
  "signIn",
  "acceptInvitation",
  "createSession",
  "certificates",
  "certificateFile",
  "rootsBundle",
  "healthz",
  "openapi",
  "readyz",
  "securityTxt",
  "reportLeak",
  // By a secret that was sent, or for one: answered alike whoever there is.
  "forgotPassword",
  "resetPassword",
  "verifyEmail",
  "callOffFactorResetByLink",
  "invitationPasskeyOptions",
  // Who comes by a passkey, or by a provider.
  "passkeyQuestion",
  "beginProviderSignIn",
  "endProviderSignIn",
  "providerSignedOut",
  // A program that asks to be let in.
  "authorizeDevice",
  "obtainToken",
  "revokeToken",
  "readOAuth",
  // Which authority signs devices' certificates, which stands in each of them, and which keys it takes.
  "revocationList",
  "estCaCertsOf",
  "estCsrAttrs",
  "estCsrAttrsOf",
];

test("every operation says what it needs, and the few that are open to all are these", async () => {
  for (const [name, { needs, on, openTo, session }] of all) {
    const asksCookie = session !== undefined && session !== "begins";
    assert.equal(needs === "public" && !asksCookie, open.includes(name), name);
    assert.equal(openTo, name === "metrics" ? "thisMachine" : undefined, name);
    if (!isAction(needs)) continue;
    assert.ok(on !== undefined, name);
    if (typeof on !== "object") continue;
    // What it is asked about is of the action's kind.
    assert.equal("path" in on ? on.path : on.body, actions[needs], name);
  }
  const { paths } = await visitor.get<{ paths: Record<string, Record<string, unknown>> }>("/openapi.json");
  const served = Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((m) => `${m.toUpperCase()} ${path}`),
  );
  const declared = all.map(([, { method, path }]) => `${method} ${path}`);
  assert.deepEqual(new Set(served), new Set(declared));
});

/** All that somebody can tell of an answer, less what differs from one second to the next. */
async function seen(as: Owner, method: string, path: string, body: unknown, hidden: string) {
  const passing = new Set(["date", "x-request-id", "ratelimit", "location"]); // of what it made, a name of its own
  const { status, headers, text } = await (method === "STREAM"
    ? statusOfStream(platform, path, { "x-auth-token": as.token }).then((it) => ({
        ...it,
        text: JSON.stringify(it.body),
      }))
    : as.asks.send(method, path, body === undefined ? {} : { body }));
  const told = text
    .replaceAll(hidden, "ID")
    .replaceAll(/"(requestId|createdAt|expiresAt|id|token|secret)": ?"[^"]*"/g, '"$1"');
  return {
    status,
    text: told,
    headers: Object.fromEntries(Object.entries(headers).filter(([name]) => !passing.has(name))),
  };
}

test("what is another organisation's and what never was are answered alike, wherever an identifier may stand", async () => {
  const [theirMember, theirGuest] = await Promise.all([
    theirs.member({ email: "their-member@example.com", password: "correct horse battery staple" }),
    theirs.invite("their-guest@example.com"),
  ]);
  const theirRole = await theirs.role("Theirs");
  const theirUser = await theirs.asks.post<Thing>(`/v1/applications/${their.application.id}/users`, {
    login: "theirs",
  });
  const foreignToken = await theirs.tokenOf(["org.read"]);
  const theirEntry = await theirs.deny("203.0.113.0/24");
  const theirProvider = await theirs.asks.post<Thing>("/v1/providers", {
    name: "Theirs",
    issuer: "https://sign-in.example",
    clientId: "theirs",
  });
  await theirs.asks.post(`/v1/providers/${theirProvider.id}/domains`, { domain: "theirs.example" });
  const foreign: Record<string, string> = {
    application: their.application.id,
    product: their.product.id,
    device: their.device.id,
    credential: foreignToken.id,
    org: theirs.org,
    key: their.device.key.id,
    person: theirMember.person,
    invitation: theirGuest.id,
    role: theirRole.id,
    user: theirUser.id,
    listEntry: theirEntry.id,
    provider: theirProvider.id,
  };
  const never: Record<string, string> = Object.fromEntries(
    Object.keys(foreign).map((kind) => [kind, unknown(kind === "credential" ? "token" : (kind as "device"))]), // these are kinds
  );
  const mine = our.device.id;
  const person = { email: "owner@example.com", password: "correct horse battery staple", org: ours.org };
  const asked: [method: string, kind: string, path: (id: string) => string, body?: (id: string) => unknown][] = [];
  // Every operation with an identifier in its path.
  for (const [, { method, path, needs, body }] of all) {
    const name = /\{(application|product|device|credential|person|invitation|role|provider)\}/.exec(path)?.[1];
    // Whoever administers the instance, as `ours` does, helps people of all organisations.
    if (name === undefined || needs === "person.resetFactors") continue;
    const given = path.endsWith("/domains")
      ? { domain: "ours.example" }
      : needs === "member.update"
        ? { role: "viewer" }
        : needs.endsWith(".update") || (needs === "provider.manage" && method === "PATCH")
          ? { name: "Mine now" }
          : needs === "accessKey.create"
            ? { name: "Mine" }
            : needs === "device.bind"
              ? { user: null }
              : path.endsWith("/users")
                ? { login: "mine" }
                : body === "bytes"
                  ? { temperature: 1 }
                  : undefined;
    const query = path.endsWith("/telemetry") && method === "GET" ? "?attribute=temperature" : "";
    const below = path.replace("{domain}", "theirs.example");
    asked.push([method, name, (id) => below.replace(`{${name}}`, id) + query, () => given]);
  }
  assert.ok(asked.length >= 18, "the routes have identifiers in their paths");
  // And everywhere else.
  asked.push(
    ["PUT", "user", () => `/v1/devices/${mine}/user`, (user) => ({ user })],
    ...(
      ["GET ", "GET /devices", "GET /sessions", "POST /suspend", "POST /activate", "POST /reset", "DELETE "] as const
    ).map((one): (typeof asked)[number] => {
      const [method = "", below = ""] = one.split(" ");
      return [method, "user", (id) => `/v1/applications/${our.application.id}/users/${id}${below}`];
    }),
    ["POST", "user", () => "/v1/tokens", (user) => ({ name: "n", grants: [`telemetry.read:${user}`] })],
    ["POST", "application", () => "/v1/devices", (application) => ({ application, name: "Mine" })],
    ["POST", "product", () => "/v1/devices", (product) => ({ application: our.application.id, product, name: "Mine" })],
    ["PATCH", "application", () => `/v1/devices/${mine}`, (application) => ({ application })],
    ["PATCH", "product", () => `/v1/devices/${mine}`, (product) => ({ product })],
    ["GET", "application", (id) => `/v1/devices?application=${id}`],
    ["GET", "product", (id) => `/v1/devices?product=${id}`],
    ["GET", "device", (id) => `/v1/credentials?device=${id}`],
    ["GET", "key", (id) => `/v1/credentials/${id}`],
    ["DELETE", "key", (id) => `/v1/credentials/${id}`],
    ["STREAM", "device", (id) => `/v1/live?device=${id}`],
    ...["application", "product", "device", "org", "key", "credential", "person"].map(
      (kind): (typeof asked)[number] => ["POST", kind, () => "/v1/revocations", (about) => ({ about })],
    ),
    ["POST", "role", () => "/v1/invitations", (role) => ({ email: "guest@example.com", role })],
    ["PATCH", "role", () => `/v1/members/${ours.person}`, (role) => ({ role })],
    ["POST", "device", () => "/v1/roles", (device) => ({ name: "n", grants: [`telemetry.read:${device}`] })],
    ["POST", "application", () => "/v1/roles", (app) => ({ name: "n", grants: [`telemetry.read:${app}`] })],
    [
      "POST",
      "device",
      () => "/v1/roles/file?dryRun=true",
      (device) => ({ roles: [{ name: "n", grants: [`telemetry.read:${device}`] }] }),
    ],
    ["POST", "credential", () => "/v1/explain", (credential) => ({ credential, action: "org.read" })],
    [
      "POST",
      "device",
      () => "/v1/explain",
      (resource) => ({ credential: our.device.key.id, action: "telemetry.write", resource }),
    ],
    [
      "POST",
      "org",
      () => "/v1/explain",
      (resource) => ({ credential: our.device.key.id, action: "org.read", resource }),
    ],
    ...(["device", "product", "listEntry", "role"] as const).map((kind): (typeof asked)[number] => [
      "POST",
      kind,
      () => "/v1/authority/simulations",
      (id) => ({ change: changeOf(kind, id) }),
    ]),
    ["POST", "device", () => "/v1/tokens", (device) => ({ name: "n", grants: [`telemetry.read:${device}`] })],
    [
      "POST",
      "application",
      () => "/v1/tokens",
      (application) => ({ name: "n", grants: [`telemetry.read:${application}`] }),
    ],
    [
      "POST",
      "application",
      () => `/v1/applications/${our.application.id}/keys`,
      (application) => ({ name: "n", grants: [`telemetry.read:${application}`] }),
    ],
    [
      "POST",
      "device",
      () => `/v1/applications/${our.application.id}/keys`,
      (device) => ({ name: "n", grants: [`telemetry.read:${device}`] }),
    ],
    ["POST", "device", () => "/v1/operator-keys", (device) => ({ name: "n", grants: [`telemetry.read:${device}`] })],
    ["POST", "device", () => "/v1/sign-in", (device) => ({ ...person, grants: [`telemetry.read:${device}`] })],
    ["POST", "application", () => "/v1/sign-in", (id) => ({ ...person, grants: [`telemetry.read:${id}`] })],
    ["POST", "org", () => "/v1/sign-in", (org) => ({ email: "owner@example.com", password: "not the password", org })],
  );
  let as: Owner = ours;
  for (const [at, [method, kind, path, body]] of asked.entries()) {
    // The log lists sixty refusals of one caller at once: of one who asks further nobody could compare what it says.
    if (at % 20 === 19) as = new Owner(visitor, await visitor.post("/v1/sign-in", person));
    const [there = "", nowhere = ""] = [foreign[kind], never[kind]];
    const about = `${method} ${path("ID")} ${JSON.stringify(body?.("ID"))}`;
    const first = await seen(as, method, path(there), body?.(there), there);
    assert.deepEqual(first, await seen(as, method, path(nowhere), body?.(nowhere), nowhere), about);
  }
  // In the log, too, once all is written down: how often what was refused, because a moment that was its own may have fallen between two.
  const refusedAbout = async (id: string) => {
    const counts = new Map<string, number>();
    for (const { what, facts: { action, because, count = 1 } = {} } of await ours.audited(id)) {
      const name = JSON.stringify([what, action, because]);
      counts.set(name, (counts.get(name) ?? 0) + Number(count));
    }
    return [...counts].toSorted(([one], [other]) => one.localeCompare(other));
  };
  const [there = "", nowhere = ""] = [foreign["device"], never["device"]];
  // Refusals are written in order: once a later one is there, all of them are, and nothing comes between two looks.
  const blind = await ours.tokenOf(["org.read"]);
  await visitor.as(blind.token).send("GET", `/v1/devices/${mine}`);
  await ours.auditedOnce((entries) => entries.some(({ by }) => by === blind.id), mine);
  assert.deepEqual(await refusedAbout(there), await refusedAbout(nowhere));
  assert.ok((await refusedAbout(there)).length > 10);
  const still = await theirs.asks.get<{ name: string; state: string }>(`/v1/devices/${their.device.id}`);
  assert.deepEqual([still.name, still.state], ["Pump 1", "active"]);
});

test("over MQTT, too, another organisation's device is answered like one that never was", async () => {
  const { mqttsUrl, caPem = "" } = platform.platform;
  const client = await connectAsync(mqttsUrl, { ca: caPem, protocolVersion: 5, password: ours.token, username: "me" });
  client.on("error", () => {});
  const answer = async (act: () => Promise<unknown>): Promise<unknown> => {
    const { promise, resolve } = Promise.withResolvers<unknown>();
    const look: OnPacketCallback = (packet) => {
      if (packet.cmd === "puback") resolve([packet.reasonCode, packet.properties]);
      if (packet.cmd === "suback") resolve([packet.granted, packet.properties]);
    };
    client.on("packetreceive", look);
    await act().catch(() => undefined); // a code that says no is an error there
    const told = await promise;
    client.off("packetreceive", look);
    return told;
  };
  const answers = async (device: string) => [
    await answer(() => client.publishAsync(`devices/${device}/telemetry`, '{"temperature":1}', { qos: 1 })),
    await answer(() => client.subscribeAsync(`devices/${device}/telemetry`, { qos: 1 })),
    await answer(() => client.subscribeAsync(`devices/${device}/#`, { qos: 1 })),
  ];
  assert.deepEqual(await answers(their.device.id), await answers(unknown("device")));
  await client.endAsync(true);
});

function changeOf(kind: "device" | "product" | "listEntry" | "role", id: string): object {
  if (kind === "listEntry") return { kind: "entryRemoved", entry: id };
  return kind === "role" ? { kind, role: id, grants: ["device.read"] } : { kind: "door", of: id, door: {} };
}

const resources: Record<string, readonly string[]> = {
  org: [ours.org],
  application: [our.application.id, our.other.id],
  product: [our.product.id],
  device: [our.device.id, our.neighbour.id, our.elsewhere.id],
};
const explained = (credential: string, action: Action, resource: string) =>
  ours.asks.post<{ allowed: boolean; because: string }>("/v1/explain", { credential, action, resource });

test("a device's key may send its own measurements, and nothing else with anything", async () => {
  const allowed: string[] = [];
  for (const action of allActions)
    for (const resource of resources[actions[action]] ?? [])
      if ((await explained(our.device.key.id, action, resource)).allowed) allowed.push(`${action} ${resource}`);
  assert.deepEqual(allowed, [`telemetry.write ${our.device.id}`]);
});

test("who may change a device brings none within reach of a grant by tag, unless he was granted to tag", async () => {
  const { application } = our;
  const device = await ours.device(application.id, { tags: { site: "north" } });
  await visitor.as(textOf(device.key)).post("/v1/me/telemetry", { temperature: 21.5 });
  const grants = [
    `device.update:${application.id}`,
    `device.create:${application.id}`,
    "telemetry.write",
    "telemetry.read:tag:team=blue",
  ];
  const tags = { team: "blue" };
  const tag = async ({ token }: Token): Promise<[number, unknown]> => {
    const as = visitor.as(token);
    const { status, body } = await as.send<Problem>("PATCH", `/v1/devices/${device.id}`, { body: { tags } });
    return [status, body.detail];
  };
  const make = async ({ token }: Token): Promise<[number, unknown]> => {
    const body = { application: application.id, name: "x", tags };
    const answer = await visitor.as(token).send<Problem>("POST", "/v1/devices", { body });
    return [answer.status, answer.body.detail];
  };
  const read = async ({ token }: Token) =>
    (await visitor.as(token).send("GET", `/v1/devices/${device.id}/telemetry/latest`)).status;

  const missing = [403, "It needs device.tag."];
  const narrow = await ours.tokenOf(grants);
  assert.deepEqual([await tag(narrow), await make(narrow), await read(narrow)], [missing, missing, 404]);
  const same = { name: "Named", tags: { site: "north" } };
  assert.equal((await visitor.as(narrow.token).send("PATCH", `/v1/devices/${device.id}`, { body: same })).status, 200);
  const elsewhere = await ours.tokenOf([...grants, `device.tag:${our.other.id}`]);
  assert.deepEqual([await tag(elsewhere), await make(elsewhere), await read(elsewhere)], [missing, missing, 404]);
  // Leave to tag what has the tag already is none to give it to others.
  const ofTeam = await ours.tokenOf([...grants, "device.tag:tag:team=blue"]);
  assert.deepEqual([await tag(ofTeam), await make(ofTeam), await read(ofTeam)], [missing, missing, 404]);
  const wide = await ours.tokenOf([...grants, `device.tag:${application.id}`]);
  assert.deepEqual([(await tag(wide))[0], (await make(wide))[0], await read(wide)], [200, 201, 200]);
});

/** Everything that can be read with a credential, as text. */
async function everythingReadBy(credential: string): Promise<string> {
  const as = visitor.as(credential);
  const texts: string[] = [];
  const ids: Record<string, readonly string[]> = { ...resources, credential: [our.device.key.id, "tok_0", ours.org] };
  for (const [, { method, path, reply }] of all) {
    if (method !== "GET" || reply === "stream") continue;
    const name = /\{(\w+)\}/.exec(path)?.[1];
    for (const id of name === undefined ? [""] : (ids[name] ?? ["ca.pem"])) {
      let cursor: string | undefined;
      do {
        const more = cursor === undefined ? "" : `&cursor=${cursor}`;
        const query =
          path.includes("/telemetry") && !path.endsWith("latest")
            ? `?attribute=temperature${more}`
            : name === undefined && path.startsWith("/v1/")
              ? `?limit=1000${more}`
              : "";
        const asked = path.replace(`{${name}}`, id) + (/^\/v1\/(org|org\/upkeep|me)$/.test(path) ? "" : query);
        const { text, body } = await as.send<{ nextCursor?: string }>("GET", asked);
        texts.push(text);
        cursor = typeof body === "object" ? body.nextCursor : undefined;
      } while (cursor !== undefined);
    }
  }
  return texts.join("\n");
}

test("when programs are ended, nothing is good that one of them made and that hangs on it, whatever it is called", async () => {
  const grants = ["operatorKey.create", "token.create", "accessKey.create", "org.read"];
  const program = visitor.as((await ours.tokenOf(grants)).token);
  const made = await program.post<Key>("/v1/operator-keys", { name: "made", grants: ["org.read", "token.create"] });
  const further = await visitor.as(textOf(made)).post<Token>("/v1/tokens", { name: "further", grants: ["org.read"] });
  const hers = await ours.operatorKey();
  const preview = await ours.asks.get<{ credentials: { items: Thing[] } }>(
    `/v1/revocations/preview?about=${ours.org}&ends=programs`,
  );
  const told = new Set(preview.credentials.items.map(({ id }) => id));
  assert.deepEqual(
    [made, further, hers].map(({ id }) => told.has(id)),
    [true, true, false],
  );
  await ours.asks.post("/v1/revocations", { about: ours.org, ends: ["programs"] });
  const statuses = [textOf(made), further.token, textOf(hers), ours.token].map(
    async (text) => (await visitor.as(text).send("GET", "/v1/me")).status,
  );
  assert.deepEqual(await Promise.all(statuses), [401, 401, 200, 200]);
});

test("without leave to read credentials, and the audit log that names them, nobody sees one", async () => {
  const blind = allActions.filter((action) => action !== "credential.read" && action !== "audit.read");
  const token = await ours.tokenOf(blind);
  const told = await everythingReadBy(token.token);
  assert.ok(told.includes(our.device.id), "it does see something");
  const names = told.match(/(key|tok|ses)_[0-9a-f]{32}/g) ?? [];
  assert.deepEqual([...new Set(names)], [token.id], "its own alone");
});

test("a secret is shown once: nothing that can be read holds one, nor what is kept of it", async () => {
  const key = await ours.operatorKey();
  const secrets: string[] = [ours.token, our.device.key.secret, key.secret, "correct horse battery staple"];
  const tokens: Token[] = [await ours.tokenOf(["*"]), await ours.tokenOf(["telemetry.read"])];
  const keys: Key[] = [await ours.accessKey(our.application.id), await ours.deviceKey(our.device.id)];
  secrets.push(...tokens.map(({ token }) => token), ...keys.map(({ secret }) => secret));
  const browser = new CookieBrowser(platform);
  await browser.signIn({ email: "owner@example.com", password: "correct horse battery staple" });
  await browser.good("GET", "/v1/org");
  secrets.push(browser.cookie ?? assert.fail());
  // Refused and mistyped ones do not come back either.
  await visitor.as(`${key.id}.${our.device.key.secret}`).send("GET", "/v1/me");
  await visitor.as(textOf(key)).send("GET", `/v1/devices/${key.secret}`);
  await visitor.as(textOf(key)).send("GET", `/v1/devices/${key.id}.${key.secret}`);
  const told = await everythingReadBy(ours.token);
  assert.ok(told.includes(key.id), "its name is shown");
  for (const secret of secrets) {
    const digest = createHash("sha256").update(secret).digest();
    const forms = [
      secret,
      secret.slice(4, -6),
      digest.toString("hex"),
      digest.toString("base64"),
      digest.toString("base64url"),
    ];
    for (const form of forms) assert.ok(!told.includes(form));
  }
});
