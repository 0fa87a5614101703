import assert from "node:assert/strict";
import { test } from "node:test";
import { atEnd, startTestPlatform } from "../apps/server/src/testing/index.ts";
import { furnish, Owner, startWorld, unknown, type Problem, type Role } from "./authority.fixture.ts";
import { closedWithin, events, mqtt } from "./revocation.fixture.ts";

// Roles of an organisation's own: who gets what by them, and who may change that.
const world = await startWorld();
atEnd.after(() => world.close());
const { platform, clock, ours, theirs } = world;
const { visitor } = platform;
const our = await furnish(ours, visitor);
const password = "correct horse battery staple";

let people = 0;
/** Somebody who comes in this role. */
async function come(role: string, to = ours): Promise<Owner & { email: string }> {
  const email = `somebody-${(people += 1)}@example.com`;
  clock.move(1_000); // so that trying often is not what decides
  return Object.assign(new Owner(visitor, await to.member({ email, password }, role)), { email });
}
/** With all that she holds now: a token has what it was made with, however her role grows. */
async function again({ email, org, person }: Owner & { email: string }): Promise<Owner> {
  clock.move(1_000);
  const { token } = await visitor.post<{ token: string }>("/v1/sign-in", { email, password, org });
  return new Owner(visitor, { org, person, token });
}
async function programOf(by: Owner, grants: string[]): Promise<Owner> {
  const { token } = await by.tokenOf(grants);
  return new Owner(visitor, { org: by.org, person: by.person, token });
}
type Asked = { body?: unknown; headers?: Record<string, string> };
async function codeOf(by: Owner, method: string, path: string, asked: Asked = {}): Promise<string> {
  const { status, body } = await by.asks.send<Problem>(method, path, asked);
  return status < 300 ? String(status) : body.code;
}
const make = (by: Owner, name: string, grants: string[]) => codeOf(by, "POST", "/v1/roles", { body: { name, grants } });
const change = (by: Owner, { id }: { id: string }, body: object) => codeOf(by, "PATCH", `/v1/roles/${id}`, { body });
const give = (by: Owner, { person }: Owner, role: string) =>
  codeOf(by, "PATCH", `/v1/members/${person}`, { body: { role } });
const read = (by: Owner, device: { id: string }) => codeOf(by, "GET", `/v1/devices/${device.id}`);
const applying = (by: Owner, roles: unknown, { query = "", match }: { query?: string; match?: string } = {}) =>
  by.asks.send<Outcome & Problem & { errors?: { path: string }[] }>("POST", `/v1/roles/file${query}`, {
    body: { roles },
    ...(match && { headers: { "if-match": match } }),
  });
const exported = async (by: Owner) => {
  const { body, headers } = await by.asks.send<File>("GET", "/v1/roles/file");
  return { ...body, etag: String(headers["etag"]) };
};
type File = { roles: { name: string; description: string; grants: string[] }[]; version: number };
type Outcome = {
  applied: boolean;
  version: number;
  added: { name: string }[];
  removed: { name: string }[];
  changed: { name: string; added: string[]; removed: string[] }[];
  people: { person: string; role: string; gains: string[]; loses: string[] }[];
};

test("a role of the organisation's own holds what it says, where it says, for her and her programs, and explain names it", async () => {
  const grants = [`device.*:${our.application.id}`, "telemetry.read:tag:site=north", "token.create"];
  const role = await ours.role("Greenhouse", grants, { description: "The people of the greenhouse" });
  assert.ok(!role.grants.includes("device.create"), "where it was given, and not everywhere");
  assert.ok(role.grants.includes(`device.create:${our.application.id}`));
  const member = await come(role.id);
  assert.deepEqual([await read(member, our.device), await read(member, our.elsewhere)], ["200", "device.unknown"]);
  const { items } = await member.asks.get<{ items: { id: string }[] }>("/v1/devices");
  assert.ok(!items.some(({ id }) => id === our.elsewhere.id) && items.length >= 2);
  const beyond = { name: "x", grants: ["device.read"] };
  assert.equal(await codeOf(member, "POST", "/v1/tokens", { body: beyond }), "credential.amplifies");
  const program = await member.tokenOf([`device.read:${our.application.id}`]);
  const asked = { credential: program.id, action: "device.read", resource: our.elsewhere.id };
  const { allowed, because } = await ours.asks.post<{ allowed: boolean; because: string }>("/v1/explain", asked);
  assert.equal(allowed, false);
  const signedIn = (await member.asks.get<{ credential: string }>("/v1/me")).credential;
  const hers = { ...asked, credential: signedIn };
  const told = await ours.asks.post<{ because: string }>("/v1/explain", hers);
  assert.match(because + told.because, /does not grant device\.read there, only device\.read:app_/);
  const mine = { ...hers, resource: our.device.id };
  assert.match(
    (await ours.asks.post<{ because: string }>("/v1/explain", mine)).because,
    new RegExp(`as ${role.id} grants`),
  );
  assert.equal(await read(await again(member), our.elsewhere), "device.unknown");
  const listed = await ours.asks.get<{ items: { person: string; role: string; roleName: string }[] }>("/v1/members");
  const found = listed.items.find(({ person }) => person === member.person);
  assert.deepEqual([found?.role, found?.roleName], [role.id, "Greenhouse"]);
});

test("a change of a role takes effect at once: on sign-ins, programs, streams and MQTT that stand open", async () => {
  const role = await ours.role("Night", ["device.read", "telemetry.*", "token.create"]);
  const member = await come(role.id);
  const program = await member.tokenOf(["telemetry.*"]);
  const line = await mqtt(platform, { username: "program", password: program.token, protocolVersion: 5 });
  const stream = await events(platform, member.token, our.device.id);
  const publish = () =>
    line.client
      .publishAsync(`devices/${our.device.id}/telemetry`, '{"temperature":1}', { qos: 1 })
      .then(() => "taken")
      .catch((error: unknown) => (error instanceof Error ? error.message : "?"));
  assert.equal(await publish(), "taken");
  const from = performance.now();
  assert.equal(await change(ours, role, { grants: ["device.read:tag:site=south"] }), "200");
  assert.match(await publish(), /Not authorized/i);
  await closedWithin(stream, from, 1_000);
  assert.equal(await read(member, our.device), "device.unknown");
  assert.equal(await change(ours, role, { grants: ["device.read", "telemetry.*"] }), "200");
  assert.deepEqual([await publish(), await read(member, our.device)], ["taken", "200"]);
  line.end();
  const updates = (await ours.audited(role.id)).filter(({ what }) => what === "role.updated");
  assert.deepEqual(updates.at(-1)?.facts?.["added"], ["device.read:tag:site=south"]);
});

test("nobody gives or writes a role that holds more than he does, in where too, and none is lent by a program", async () => {
  const { application, other } = our;
  const local = await ours.role("Local", [
    `device.*:${application.id}`,
    "role.update",
    "role.read",
    "member.invite",
    "member.update",
    "member.remove",
    "org.read",
  ]);
  const chief = await come(local.id);
  assert.equal(await make(chief, "Inside", [`device.read:${application.id}`]), "201");
  assert.equal(await make(chief, "Listed", [`device.read:${our.device.id}`]), "role.amplifies"); // it may be moved away
  assert.equal(await make(chief, "Elsewhere", [`device.read:${other.id}`]), "role.amplifies");
  assert.equal(await make(chief, "Everywhere", ["device.read"]), "role.amplifies");
  assert.equal(await make(chief, "More", ["audit.read"]), "role.amplifies");
  const wide = await ours.role("Wide", ["device.read"]);
  const narrow = await ours.role("Narrow", [`device.read:${application.id}`]);
  assert.equal(await change(chief, narrow, { grants: ["device.read"] }), "role.amplifies");
  assert.equal(await change(chief, narrow, { grants: [`device.update:${application.id}`] }), "200");
  const invite = { email: "invited@example.com", role: wide.id };
  assert.equal(await codeOf(chief, "POST", "/v1/invitations", { body: invite }), "role.amplifies");
  assert.equal(await codeOf(chief, "POST", "/v1/invitations", { body: { ...invite, role: narrow.id } }), "201");
  assert.equal(
    await codeOf(chief, "POST", "/v1/invitations", { body: { ...invite, role: "viewer" } }),
    "role.amplifies",
  );
  const colleague = await come(narrow.id);
  assert.equal(await give(chief, colleague, wide.id), "role.amplifies");
  assert.equal(await give(chief, colleague, local.id), "200");
  const file = [{ name: "Narrow", grants: ["device.read"] }];
  assert.equal((await applying(chief, file, { query: "?dryRun=true" })).body.code, "role.greater");
  // A program holds as much, and its person may: what it made would outlast it.
  const program = await programOf(ours, ["*"]);
  assert.equal(await make(program, "Lent", ["device.read"]), "permit.missing");
  assert.equal(await change(program, narrow, { description: "Lent" }), "permit.missing");
  assert.equal(await codeOf(program, "DELETE", `/v1/roles/${narrow.id}`), "permit.missing");
  assert.equal((await applying(program, [])).body.code, "permit.missing");
  assert.equal((await applying(program, (await exported(ours)).roles, { query: "?dryRun=true" })).status, 200);
});

test("sign-ins are ended by who may all that whoever is signed in may, her programs by who may end credentials", async () => {
  const [administrator, owner, developer] = [await come("administrator"), await come("owner"), await come("developer")];
  const { items } = await ours.asks.get<{ items: { id: string; person?: string; party: string }[] }>(
    "/v1/credentials?limit=1000",
  );
  const signIn = items.find(({ person, party }) => person === owner.person && party === "people")?.id;
  const end = (by: Owner, about: string, ends: string[]) =>
    codeOf(by, "POST", "/v1/revocations", { body: { about, ends } });
  for (const by of [administrator, developer]) {
    assert.equal(await codeOf(by, "DELETE", `/v1/credentials/${signIn}`), "role.greater");
    assert.equal(await end(by, owner.person, ["people"]), "role.greater");
    assert.equal(await end(by, owner.org, ["people", "programs"]), "role.greater");
    const program = await owner.tokenOf(["device.read"]);
    assert.equal(await codeOf(by, "DELETE", `/v1/credentials/${program.id}`), "200");
    assert.equal(await end(by, owner.person, ["programs"]), "200");
  }
  assert.equal(await codeOf(owner, "GET", "/v1/me"), "200");
  assert.equal(await end(owner, developer.person, ["people"]), "200");
  assert.equal(await codeOf(developer, "GET", "/v1/me"), "credential.invalid");
});

test("an owner ends every sign-in of her organisation, also of who administers the instance", async () => {
  // Whoever set the platform up administers it.
  const fresh = await startTestPlatform();
  atEnd.after(() => fresh.close());
  const org = new Owner(fresh.visitor, await fresh.setUp());
  const email = "second@example.com";
  const owner = new Owner(fresh.visitor, await org.member({ email, password }, "owner"));
  const denied = { list: "deny", what: "person", value: org.person };
  const entry = await owner.asks.post<{ id: string }>("/v1/lists", denied);
  await owner.asks.delete(`/v1/lists/${entry.id}`);
  assert.equal(await codeOf(owner, "POST", "/v1/revocations", { body: { about: org.org, ends: ["people"] } }), "200");
  assert.equal(await codeOf(org, "GET", "/v1/me"), "credential.invalid");
});

test("whoever holds more is not changed, removed or narrowed by who holds less", async () => {
  const [administrator, owner, developer] = [await come("administrator"), await come("owner"), await come("developer")];
  assert.equal(await give(administrator, developer, "owner"), "role.amplifies");
  assert.equal(await give(administrator, owner, "viewer"), "role.greater");
  assert.equal(await codeOf(administrator, "DELETE", `/v1/members/${owner.person}`), "role.greater");
  assert.equal(await codeOf(administrator, "PATCH", "/v1/org", { body: { name: "Mine" } }), "permit.missing");
  assert.equal(await give(administrator, developer, "administrator"), "200");
  assert.equal(await give(administrator, developer, "operator"), "200");
  const greater = await ours.role("Greater", ["org.update", "device.read"]);
  assert.equal(await change(administrator, greater, { grants: ["device.read"] }), "role.greater");
  assert.equal(await codeOf(administrator, "DELETE", `/v1/roles/${greater.id}`), "role.greater");
  const less = await ours.role("Less", ["device.read"]);
  const member = await come(less.id);
  assert.equal(await codeOf(administrator, "DELETE", `/v1/roles/${less.id}?replacement=owner`), "role.amplifies");
  assert.equal(await codeOf(administrator, "DELETE", `/v1/roles/${less.id}?replacement=developer`), "200");
  assert.equal(await codeOf(await again(member), "GET", "/v1/audit"), "200");
  assert.equal(await give(theirs, new Owner(visitor, theirs), "viewer"), "member.lastOwner");
  for (const role of ["developer", "operator"])
    assert.equal(await make(await come(role), "Mine", ["device.read"]), "permit.missing");
});

test("a role that somebody has ends with another in its place or not at all, and invitations to it are worth nothing", async () => {
  const role = await ours.role("Passing", ["device.read", "token.create"]);
  const member = await come(role.id);
  const program = await programOf(member, ["device.read"]);
  const invitation = await ours.invite("late@example.com", role.id);
  const path = `/v1/roles/${role.id}`;
  assert.equal(await codeOf(ours, "DELETE", path), "role.inUse");
  assert.equal(await codeOf(ours, "DELETE", `${path}?replacement=${role.id}`), "role.unknown");
  assert.equal(await codeOf(ours, "DELETE", `${path}?replacement=${unknown("role")}`), "role.unknown");
  assert.equal(await codeOf(ours, "DELETE", path, { headers: { "if-match": '"1"' } }), "request.conflict");
  assert.deepEqual([await read(program, our.device), await read(member, our.device)], ["200", "200"]);
  const next = await ours.role("Next", ["org.read"]);
  assert.equal(await codeOf(ours, "DELETE", `${path}?replacement=${next.id}`), "200");
  assert.deepEqual(
    [await read(program, our.device), await read(member, our.device)],
    ["device.unknown", "device.unknown"],
  );
  assert.equal(await codeOf(await again(member), "GET", "/v1/org"), "200");
  assert.equal(await codeOf(ours, "GET", path), "role.unknown");
  const secret = invitation.link.split("#invitation=")[1];
  clock.move(1_000);
  const accepted = await visitor.send<Problem>("POST", "/v1/invitations/accept", {
    body: { secret, email: "late@example.com", password },
  });
  assert.equal(accepted.body.code, "invitation.invalid");
  const about = (await ours.audited(member.person)).find(({ what }) => what === "member.updated");
  assert.deepEqual(about?.facts, { from: role.id, role: next.id });
  assert.ok((await ours.audited(role.id)).some(({ what }) => what === "role.deleted"));
});

test("what could never hold, what is taken and what is not theirs is refused, with what to mend", async () => {
  const their = await furnish(theirs, visitor);
  const foreign = await theirs.role("Theirs");
  for (const [grants, code] of [
    [["flying.read"], "grant.malformed"],
    [["org.create"], "grant.malformed"], // the instance's
    [[`org.read:${our.application.id}`], "grant.malformed"], // about the organisation there is no such place
    [[`device.create:${our.device.id}`], "grant.malformed"],
    [[`device.read:${their.device.id}`], "device.unknown"],
    [[`device.read:${their.application.id}`], "application.unknown"],
    [[`device.read:${unknown("device")}`], "device.unknown"],
    [[], "request.malformed"],
    [Array.from({ length: 100 }, (_, at) => `device.read:tag:a=${at}`), "request.malformed"],
    [
      [`device.read:tag:a=${"x".repeat(200)}`, ...Array.from({ length: 40 }, (_, at) => `device.*:tag:a=${at}`)],
      "grant.malformed",
    ],
  ] as const)
    assert.equal(await make(ours, "Bad", [...grants]), code, String(grants[0]));
  assert.equal(await make(ours, "Owner", ["device.read"]), "role.nameTaken");
  await ours.role("Twice");
  assert.equal(await make(ours, " tWICE ", ["device.read"]), "role.nameTaken");
  for (const [method, path] of [
    ["PATCH", "/v1/roles/owner"],
    ["DELETE", "/v1/roles/viewer"],
  ] as const)
    assert.equal(await codeOf(ours, method, path, { body: { description: "x" } }), "role.builtIn");
  for (const id of [foreign.id, unknown("role")]) {
    assert.equal(await codeOf(ours, "GET", `/v1/roles/${id}`), "role.unknown");
    assert.equal(await give(ours, new Owner(visitor, ours), id), "role.unknown");
  }
  assert.equal(await codeOf(ours, "GET", "/v1/roles/king"), "id.malformed");
  const two = [
    { name: "Two", grants: ["device.read"] },
    { name: "two", grants: ["audit.read"] },
  ];
  assert.equal((await applying(ours, two)).body.code, "role.nameTaken");
  const { body } = await applying(ours, [{ name: "Two", grants: ["device.read", "flying.*"] }]);
  assert.deepEqual([body.code, body.errors?.[0]?.path], ["grant.malformed", "roles.0.grants"]);
  assert.equal((await applying(ours, { Two: [] })).body.code, "request.malformed");
});

test("the file of the roles is always the same, shows what it would change and for whom, and is applied whole or not at all", async () => {
  const owner = new Owner(visitor, theirs);
  for (const { id, version } of (await owner.asks.get<{ items: Role[] }>("/v1/roles")).items)
    if (version !== undefined) await owner.asks.delete(`/v1/roles/${id}`);
  const [watch, build] = [
    await owner.role("Watch", ["telemetry.read", "device.read", "device.read"], { description: "Looks" }),
    await owner.role("build", ["device.create", "device.update"]),
  ];
  const member = await come(watch.id, owner);
  const first = await exported(owner);
  assert.deepEqual(
    first.roles.map(({ name, grants }) => [name, grants]),
    [
      ["build", ["device.create", "device.update"]],
      ["Watch", ["device.read", "telemetry.read"]],
    ],
  );
  const backwards = first.roles.map((role) => ({ ...role, grants: role.grants.toReversed() })).toReversed();
  const same = await applying(owner, backwards, { query: "?dryRun=true", match: first.etag });
  assert.deepEqual(same.body, {
    applied: false,
    version: first.version,
    added: [],
    removed: [],
    changed: [],
    people: [],
  });

  const file = [
    { name: "Watch", description: "Looks", grants: ["device.read:tag:site=north", "telemetry.read", "audit.read"] },
    { name: "New", description: "", grants: ["org.read"] },
  ];
  const wanted = {
    added: [{ name: "New", grants: ["org.read"] }],
    removed: [{ name: "build", grants: build.grants }],
    changed: [
      {
        name: "Watch",
        described: false,
        added: ["device.read:tag:site=north", "audit.read"],
        removed: ["device.read"],
      },
    ],
    people: [{ person: member.person, role: "Watch", gains: ["audit.read"], loses: ["device.read"] }],
  };
  const dry = await applying(owner, file, { query: "?dryRun=true" });
  assert.deepEqual(dry.body, { applied: false, version: first.version, ...wanted });
  assert.equal(dry.headers["etag"], first.etag, "the state that the difference is from");
  assert.deepEqual((await exported(owner)).roles, first.roles, "nothing has changed");

  // Somebody changes a role in between: the difference is not the one that was seen.
  await owner.asks.patch(`/v1/roles/${build.id}`, { description: "Builds" });
  assert.equal((await applying(owner, file, { match: first.etag })).body.code, "request.conflict");
  const before = await exported(owner);
  // One role of it cannot be: none of it is.
  const broken = [...file, { name: "Broken", description: "", grants: [`device.read:${unknown("application")}`] }];
  assert.equal((await applying(owner, broken, { match: before.etag })).body.code, "application.unknown");
  // Whose role is left out has to get another one first.
  const holder = await come(build.id, owner);
  assert.equal((await applying(owner, file)).body.code, "role.inUse");
  assert.deepEqual(await exported(owner), before);
  await give(owner, holder, "viewer");

  const applied = await applying(owner, file, { match: before.etag });
  assert.deepEqual({ ...applied.body, version: 0 }, { applied: true, ...wanted, version: 0 });
  assert.equal(await codeOf(await again(member), "GET", "/v1/audit"), "200");
  const after = await exported(owner);
  assert.equal(after.etag, String(applied.headers["etag"]));
  assert.equal((await applying(owner, after.roles)).body.version, after.version, "the same again changes nothing");
  const { items } = await owner.asks.get<{ items: Role[] }>("/v1/roles");
  assert.equal(items.find(({ name }) => name === "Watch")?.id, watch.id, "it stays the role that it was");
});

test("two who change roles at the same time are told of each other, and an Idempotency-Key tells a difference from its application", async () => {
  const role = await ours.role("Contested");
  const match = { "if-match": `"${role.version}"` };
  const answers = await Promise.all(
    ["a", "b", "c"].map((description) =>
      codeOf(ours, "PATCH", `/v1/roles/${role.id}`, { body: { description }, headers: match }),
    ),
  );
  assert.deepEqual(answers.toSorted(), ["200", "request.conflict", "request.conflict"]);
  const { roles } = await exported(ours);
  const headers = { "idempotency-key": "once" };
  const send = (query: string) => codeOf(ours, "POST", `/v1/roles/file${query}`, { body: { roles }, headers });
  assert.deepEqual([await send("?dryRun=true"), await send("")], ["200", "idempotency.reused"]);
});
