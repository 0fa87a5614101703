import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { systemRandom } from "@holdfast/kernel";
import { actions, allActions, instanceActions, type Action } from "@holdfast/protocol";
import { atEnd, type Answer } from "../apps/server/src/testing/index.ts";
import {
  startOrgs,
  textOf,
  unknown,
  type Device,
  type Key,
  type Problem,
  type Thing,
  type Token,
} from "./authority.fixture.ts";

// Credentials that make credentials: what each may do is within what made it, and what `explain` says is what happens.
const { platform, visitor, ours, our, their } = await startOrgs();
atEnd.after(() => platform.close());

const things: Record<string, readonly string[]> = {
  org: [ours.org],
  application: [our.application.id, our.other.id],
  product: [our.product.id],
  device: [our.device.id, our.neighbour.id, our.elsewhere.id],
};
const questions = allActions.flatMap((action) =>
  (things[actions[action]] ?? []).map((resource) => ({ action, resource })),
);
type Decision = { allowed: boolean; because: string };
/** With a token for each that asks a lot: a credential may ask two thousand times at once. */
const explaining = async () => {
  const asks = visitor.as((await ours.tokenOf(["authority.explain"])).token);
  return (credential: string, action: Action, resource: string) =>
    asks.post<Decision>("/v1/explain", { credential, action, resource });
};
type Explain = Awaited<ReturnType<typeof explaining>>;

/** What a credential may do, as one line for each thing that it may. */
async function powerOf(credential: string, explained: Explain): Promise<ReadonlySet<string>> {
  const answers = await Promise.all(
    questions.map(async ({ action, resource }) =>
      (await explained(credential, action, resource)).allowed ? [`${action} ${resource}`] : [],
    ),
  );
  return new Set(answers.flat());
}

type Made = { id: string; text: string; parent: Made | undefined };
const places = [
  "",
  `:${our.application.id}`,
  `:${our.other.id}`,
  `:${our.device.id},${our.elsewhere.id}`,
  ":tag:site=north",
];
const grants = fc
  .array(
    fc.tuple(
      fc.constantFrom("*", "device.*", "telemetry.*", "token.create", ...allActions),
      fc.constantFrom(...places),
    ),
    { minLength: 1, maxLength: 4 },
  )
  .map((pairs) => pairs.map(([action, where]) => action + where));

async function mint(
  maker: Made | undefined,
  wanted: readonly string[],
  kind: "tokens" | "operator-keys",
): Promise<Made | undefined> {
  const as = visitor.as(maker?.text ?? ours.token);
  const { status, body } = await as.send<Partial<Token & Key> & Problem>("POST", `/v1/${kind}`, {
    body: { name: "x", grants: wanted },
  });
  if (status !== 201) {
    assert.match(body.code, /^(permit\.missing|credential\.amplifies|grant\.malformed)$/);
    return undefined;
  }
  const { id = "", token, secret = "" } = body;
  return { id, text: token ?? textOf({ id, secret }), parent: maker };
}

test("of credentials made at random none may do what the one that made it may not, also when that one shrinks or ends", async () => {
  const first = await mint(undefined, ["*"], "operator-keys");
  const second = await mint(first, ["*"], "tokens");
  const third = await mint(second, ["telemetry.*", "token.create"], "tokens");
  assert.ok(first && second && third);
  const made: Made[] = [first, second, third];
  for (let index = 0; index < 150 && made.length < 10; index += 1) {
    const maker = made[systemRandom.bytes(1)[0]! % made.length]; // one byte
    const [wanted = []] = fc.sample(grants, 1);
    // Most can make others; who may not is refused.
    const one = await mint(maker, [...wanted, "token.create"], index % 5 === 0 ? "operator-keys" : "tokens");
    if (one) made.push(one);
  }
  assert.ok(made.length > 5, `${made.length} were made`);
  const within = async () => {
    const explained = await explaining();
    const powers = new Map<string, ReadonlySet<string>>();
    for (const one of made) powers.set(one.id, await powerOf(one.id, explained));
    for (const { id, parent } of made) {
      if (!parent) continue;
      const above = powers.get(parent.id);
      for (const one of powers.get(id) ?? []) assert.ok(above?.has(one), `${id} may ${one}, and ${parent.id} may not`);
    }
    return powers;
  };
  await within();
  // The device that was reached by its tag is reached no more.
  await ours.asks.patch(`/v1/devices/${our.device.id}`, { tags: {} });
  await within();
  await ours.asks.patch(`/v1/devices/${our.device.id}`, { tags: { site: "north" } });
  // Some end, and everything that was made by them.
  const some = made.filter((_, index) => index % 4 === 1);
  for (const { id } of some) await ours.revoke(id);
  const powers = await within();
  const hasEnded = (one: Made | undefined): boolean =>
    one !== undefined && (some.includes(one) || hasEnded(one.parent));
  for (const one of made) {
    const { state } = await ours.asks.get<{ state: string }>(`/v1/credentials/${one.id}`);
    assert.equal(state, hasEnded(one) ? "revoked" : "active");
    const { status } = await visitor.as(one.text).send("GET", "/v1/me");
    assert.equal(status, hasEnded(one) ? 401 : 200);
    if (hasEnded(one)) assert.equal(powers.get(one.id)?.size, 0);
  }
});

/** A request that is decided by this action alone, and does no harm when it is allowed. */
const requests: Partial<Record<Action, (resource: string) => [method: string, path: string, body?: unknown]>> = {
  "org.read": () => ["GET", "/v1/org"],
  "org.update": () => ["PATCH", "/v1/org", { name: "Ours" }],
  "application.create": () => ["POST", "/v1/applications", { name: "More" }],
  "application.read": (id) => ["GET", `/v1/applications/${id}`],
  "application.update": (id) => ["PATCH", `/v1/applications/${id}`, { name: "Named" }],
  "application.delete": (id) => ["DELETE", `/v1/applications/${id}`],
  "product.create": () => ["POST", "/v1/products", { name: "More" }],
  "product.read": (id) => ["GET", `/v1/products/${id}`],
  "product.update": (id) => ["PATCH", `/v1/products/${id}`, { name: "Named" }],
  "product.delete": (id) => ["DELETE", `/v1/products/${id}`],
  "device.read": (id) => ["GET", `/v1/devices/${id}`],
  "device.update": (id) => ["PATCH", `/v1/devices/${id}`, { name: "Named" }],
  "device.resume": (id) => ["POST", `/v1/devices/${id}/resume`],
  "telemetry.write": (id) => ["POST", `/v1/devices/${id}/telemetry`, { temperature: 21 }],
  "telemetry.read": (id) => ["GET", `/v1/devices/${id}/telemetry/latest`],
  "credential.read": () => ["GET", "/v1/credentials?limit=1"],
  "authority.explain": () => ["POST", "/v1/explain", { credential: our.device.key.id, action: "org.read" }],
  "audit.read": () => ["GET", "/v1/audit?limit=1"],
};

test("what explain says of any credential, action and thing is what happens", async () => {
  const explained = await explaining();
  const accessKey = await ours.accessKey(our.application.id, ["*"]);
  const credentials: Made[] = [
    { id: accessKey.id, text: textOf(accessKey), parent: undefined },
    { id: our.device.key.id, text: textOf(our.device.key), parent: undefined },
  ];
  for (const wanted of [["*"], ...fc.sample(grants, 10)]) {
    const ofOrg = wanted.filter((grant) => !instanceActions.some((action) => grant.startsWith(action)));
    const one = ofOrg.length > 0 && (await mint(undefined, ofOrg, "tokens"));
    if (one) credentials.push(one);
  }
  let allowed = 0;
  let refused = 0;
  for (const { id, text } of credentials) {
    for (const { action, resource } of questions) {
      const request = requests[action];
      if (!request) continue;
      const [method, path, body] = request(resource);
      const [decision, answer]: [Decision, Answer<Problem>] = await Promise.all([
        explained(id, action, resource),
        visitor.as(text).send<Problem>(method, path, body === undefined ? {} : { body }),
      ]);
      const saidNo = answer.status === 403 || answer.status === 404;
      assert.equal(
        decision.allowed,
        !saidNo,
        `${id} ${action} ${resource}: ${answer.status} ${answer.text.slice(0, 200)} ${decision.because}`,
      );
      if (decision.allowed) allowed += 1;
      else refused += 1;
    }
  }
  assert.ok(allowed > 20 && refused > 20, `${allowed} allowed, ${refused} refused`);
});

test("nobody makes more than he may: each way to mint refuses, and names the grants that are too much", async () => {
  const maker = await ours.tokenOf([
    "token.create",
    "operatorKey.create",
    "accessKey.create",
    "device.create",
    "device.mintKey",
    `telemetry.read:${our.device.id}`,
  ]);
  const asks = visitor.as(maker.token);
  const attempts: [path: string, body: object | undefined][] = [
    ["/v1/tokens", { name: "x", grants: ["telemetry.read"] }],
    ["/v1/tokens", { name: "x", grants: [`telemetry.read:${our.application.id}`] }],
    ["/v1/tokens", { name: "x", grants: [`telemetry.read:${our.device.id},${our.neighbour.id}`] }],
    ["/v1/tokens", { name: "x", grants: ["org.create"] }],
    ["/v1/operator-keys", { name: "x" }],
    [`/v1/applications/${our.application.id}/keys`, { name: "x" }],
    [`/v1/applications/${our.application.id}/keys`, { name: "x", grants: [`telemetry.read:${our.device.id}`] }],
    [`/v1/devices/${our.device.id}/keys`, undefined],
    ["/v1/devices", { application: our.application.id, name: "x" }],
  ];
  for (const [path, body] of attempts) {
    const { status, body: problem } = await asks.send<Problem & { errors?: unknown[] }>("POST", path, { body });
    assert.deepEqual([status, problem.code], [403, "credential.amplifies"], path);
    assert.ok((problem.errors?.length ?? 0) > 0);
  }
  const foreignPlace = { name: "x", grants: [`telemetry.read:${our.other.id}`] };
  const { body } = await ours.asks.send<Problem>("POST", `/v1/applications/${our.application.id}/keys`, {
    body: foreignPlace,
  });
  assert.equal(body.code, "credential.amplifies");
});

test("who may mint for one device is not told which others there are", async () => {
  const maker = await ours.tokenOf(["token.create", `telemetry.read:${our.device.id}`]);
  const ask = async (device: string) => {
    const body = { name: "x", grants: [`telemetry.read:${device}`] };
    const { status, text } = await visitor.as(maker.token).send("POST", "/v1/tokens", { body });
    return [status, text.replaceAll(device, "ID").replace(/"requestId":"[^"]*"/, "")];
  };
  assert.deepEqual(await ask(our.neighbour.id), await ask(unknown("device")));
  assert.equal((await ask(our.neighbour.id))[0], 403);
});

test("a grant on a device that is not there, or is another organisation's, is refused by each way to mint", async () => {
  const person = { email: "owner@example.com", password: "correct horse battery staple", org: ours.org };
  const keys = `/v1/applications/${our.application.id}/keys`;
  const ways: [path: string, body: object][] = [
    ["/v1/tokens", { name: "x" }],
    ["/v1/operator-keys", { name: "x" }],
    [keys, { name: "x" }],
    ["/v1/sign-in", person],
  ];
  const ask = async (path: string, body: object, device: string) => {
    const grants = ["device.read", `telemetry.read:${our.device.id},${device}`];
    const answer = await ours.asks.send<Problem>("POST", path, { body: { ...body, grants } });
    return [answer.status, answer.body.code];
  };
  for (const [path, body] of ways) {
    for (const device of [their.device.id, unknown("device")])
      assert.deepEqual(await ask(path, body, device), [404, "device.unknown"], path);
    assert.equal((await ask(path, body, our.neighbour.id))[0], 201, path);
  }
  // A key of an application reaches nothing elsewhere, and is not told what there is.
  assert.deepEqual(await ask(keys, { name: "x" }, our.elsewhere.id), [404, "device.unknown"]);
  const { body } = await ours.asks.send<Problem>("POST", "/v1/sign-in", {
    body: { ...person, grants: [`device.read:${their.application.id}`] },
  });
  assert.equal(body.code, "application.unknown");
});

test("nothing outlives what made it, and a chain has an end", async () => {
  let maker = await ours.tokenOf(["*"], { expiresIn: "1h" });
  const expiry = async ({ id }: Thing) =>
    (await ours.asks.get<{ expiresAt?: string }>(`/v1/credentials/${id}`)).expiresAt;
  const end = await expiry(maker);
  assert.ok(end !== undefined);
  const key = await visitor.as(maker.token).post<Key>("/v1/operator-keys", { name: "x", expiresIn: "90d" });
  const ofApplication = await visitor
    .as(maker.token)
    .post<Key>(`/v1/applications/${our.application.id}/keys`, { name: "x" });
  assert.deepEqual([await expiry(key), await expiry(ofApplication)], [end, end]);
  assert.equal(
    await expiry(await ours.accessKey(our.application.id)),
    undefined,
    "a person's access key is the application's",
  );
  let length = 1;
  for (; ; length += 1) {
    const { status, body } = await visitor
      .as(maker.token)
      .send<Token & Problem>("POST", "/v1/tokens", { body: { name: "x", grants: ["*"] } });
    if (status !== 201) {
      assert.equal(body.code, "credential.amplifies");
      break;
    }
    assert.ok(((await expiry(body)) ?? "") <= end);
    maker = body;
  }
  assert.ok(length >= 8 && length <= 16, String(length));
});

test("an access key that an operator key makes ends with it, and with the programs of the person behind it", async () => {
  const make = async () => {
    const operator = await ours.operatorKey({ expiresIn: "1h" });
    const path = `/v1/applications/${our.application.id}/keys`;
    const key = await visitor.as(textOf(operator)).post<Key>(path, { name: "x", expiresIn: "90d" });
    return { operator, key };
  };
  type Read = { parent?: string; person?: string; expiresAt?: string };
  const read = ({ id }: Thing) => ours.asks.get<Read>(`/v1/credentials/${id}`);
  const statusOf = async (key: Key) => (await visitor.as(textOf(key)).send("GET", "/v1/me")).status;
  const [one, other] = [await make(), await make()];
  const { parent, person, expiresAt } = await read(one.key);
  assert.deepEqual([parent, person, expiresAt], [one.operator.id, ours.person, (await read(one.operator)).expiresAt]);
  const lasting = await ours.accessKey(our.application.id);
  await ours.revoke(one.operator.id);
  assert.deepEqual([await statusOf(one.key), await statusOf(other.key)], [401, 200]);
  await ours.asks.post("/v1/revocations", { about: ours.person, ends: ["programs"] });
  assert.deepEqual(
    [await statusOf(other.key), await statusOf(other.operator), await statusOf(lasting)],
    [401, 200, 200],
  );
});

test("every credential says what made it, and what it made for devices and applications ends with it when that is asked for", async () => {
  const operator = await ours.operatorKey();
  const program = await visitor.as(textOf(operator)).post<Token>("/v1/tokens", { name: "x", grants: ["*"] });
  const by = visitor.as(program.token);
  const device = await by.post<Device>("/v1/devices", { application: our.application.id, name: "x" });
  const second = await by.post<Key>(`/v1/devices/${device.id}/keys`);
  const person = { email: "owner@example.com", password: "correct horse battery staple", org: ours.org };
  const { token } = await visitor.post<Token>("/v1/sign-in", person);
  const { credential } = await visitor.as(token).get<{ credential: string }>("/v1/me");
  const signedIn = { id: credential, token };
  const path = `/v1/applications/${our.application.id}/keys`;
  const access = await visitor.as(signedIn.token).post<Key>(path, { name: "x", grants: ["*"] });
  const ofAccess = await visitor
    .as(textOf(access))
    .post<Device>("/v1/devices", { application: our.application.id, name: "x" });
  const untouched = await ours.deviceKey(ofAccess.id);

  type Read = { id: string; parent?: string; madeBy?: string };
  const { items } = await ours.asks.get<{ items: Read[] }>(`/v1/credentials?device=${device.id}`);
  assert.deepEqual(
    items.map(({ parent, madeBy }) => [parent, madeBy]),
    [
      [undefined, program.id],
      [undefined, program.id],
    ],
  );
  const read = ({ id }: Thing) => ours.asks.get<Read>(`/v1/credentials/${id}`);
  assert.equal((await read(program)).madeBy, operator.id);
  assert.equal((await read(access)).madeBy, signedIn.id);
  assert.equal((await read(signedIn)).madeBy, undefined);

  const statusOf = async (key: Key) =>
    (await visitor.as(textOf(key)).send("POST", "/v1/me/telemetry", { body: { temperature: 1 } })).status;
  const statuses = () => Promise.all([device.key, second, ofAccess.key, untouched].map(statusOf));
  await ours.revoke(operator.id);
  await ours.revoke(signedIn.id);
  assert.deepEqual(await statuses(), [200, 200, 200, 200], "keys of devices belong to them");
  assert.equal((await visitor.as(textOf(access)).send("GET", "/v1/me")).status, 200);
  await ours.asks.delete(`/v1/credentials/${operator.id}?made=true`);
  assert.deepEqual(await statuses(), [401, 401, 200, 200]);
  await ours.asks.delete(`/v1/credentials/${signedIn.id}?made=true`);
  assert.deepEqual(await statuses(), [401, 401, 401, 200]);
  assert.equal((await visitor.as(textOf(access)).send("GET", "/v1/me")).status, 401);
  const states = await ours.asks.get<{ items: { state: string }[] }>(`/v1/credentials?device=${ofAccess.id}`);
  assert.deepEqual(states.items.map(({ state }) => state).toSorted(), ["active", "revoked"]);
});

test("a device has two keys at most, and those that were ended do not count", async () => {
  const device = await ours.device(our.application.id);
  const second = await ours.deviceKey(device.id);
  const tooMany = () => ours.asks.send<Problem>("POST", `/v1/devices/${device.id}/keys`);
  assert.equal((await tooMany()).body.code, "key.tooMany");
  await ours.revoke(second.id);
  await ours.deviceKey(device.id);
  await ours.asks.post("/v1/revocations", { about: device.id, ends: ["devices"] });
  const fresh = [await ours.deviceKey(device.id), await ours.deviceKey(device.id)];
  assert.equal((await tooMany()).body.code, "key.tooMany");
  for (const key of fresh) await visitor.as(textOf(key)).post("/v1/me/telemetry", { temperature: 1 });
  await ours.asks.post(`/v1/devices/${device.id}/retire`);
  assert.deepEqual([(await tooMany()).status, (await tooMany()).body.code], [410, "device.retired"]);
});

test("more grants than a token can carry are refused with what to do, not with a fault", async () => {
  const sixty = await Promise.all(Array.from({ length: 60 }, () => ours.device(our.other.id)));
  const devices = sixty.map(({ id }) => id).join(",");
  for (const grants of [[`*:${devices}`], Array.from({ length: 64 }, () => "*")]) {
    const { status, body } = await ours.asks.send<Problem>("POST", "/v1/tokens", { body: { name: "x", grants } });
    assert.deepEqual([status, body.code], [422, "grant.malformed"]);
    assert.match(body.detail ?? "", /tag/);
  }
  const { token } = await ours.tokenOf([`telemetry.read:${devices}`, `device.read:${devices}`]);
  assert.equal((await visitor.as(token).send("GET", "/v1/me")).status, 200);
});

test("what waits its turn behind the revocation of its own credential is not done", async () => {
  const { id, token } = await ours.tokenOf(["application.create", "device.update"]);
  const asks = visitor.as(token);
  const flood = () =>
    Array.from({ length: 30 }, (_, at) => asks.send("POST", "/v1/applications", { body: { name: `Flood ${at}` } }));
  const answers = [...flood()];
  const revoked = ours.revoke(id);
  answers.push(...flood());
  await Promise.all([revoked, ...answers]);
  // Newest first, in the order of their commits.
  const entries = (await ours.audited()).filter((entry) => entry.about === id || entry.by === id);
  const end = entries.findIndex(({ what }) => what === "credential.revoked");
  assert.ok(end >= 0);
  assert.deepEqual(
    entries.slice(0, end).filter(({ what }) => what !== "access.refused"),
    [],
  );
  const counted = entries.filter(({ what }) => what === "application.created").length;
  const done = (await Promise.all(answers)).filter(({ status }) => status === 201).length;
  assert.equal(counted, done);
});

test("a device is not moved into an application that ends at the same time", async () => {
  for (let round = 0; round < 5; round += 1) {
    const application = await ours.application(`Ends ${round}`);
    const device: Device = await ours.device(our.other.id);
    const [, moved] = await Promise.all([
      ours.asks.send("DELETE", `/v1/applications/${application.id}`),
      ours.asks.send<Problem>("PATCH", `/v1/devices/${device.id}`, { body: { application: application.id } }),
    ]);
    const { status } = await ours.asks.send("GET", `/v1/applications/${application.id}`);
    assert.equal(moved.status === 200, status === 200, "there is no device in an application that is not there");
  }
});
