import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout } from "node:timers/promises";
import pg from "pg";
import { systemClock, uuidOf, type Id } from "@holdfast/kernel";
import { atEnd, freshDatabase, Mailbox, startTestPlatform, TestClock } from "../apps/server/src/testing/index.ts";
import { App } from "./application-users.fixture.ts";
import { dumpOf } from "./at-rest/dump.ts";
import { furnish, Owner, textOf, unknown, type Device, type Problem, type SignedIn } from "./authority.fixture.ts";
import { CookieBrowser } from "./cookie-browser.fixture.ts";
import { closedWithin, events, mqtt, shown } from "./revocation.fixture.ts";

// Organisations as a whole: how one is stopped, how it ends, and what whoever administers the instance sees of it.
const hour = 3_600_000;
const day = 24 * hour;
const patience = 1_000; // milliseconds until what was ended is closed
const password = "correct horse battery staple";
const founder = { email: "owner@example.com", password };

const clock = new TestClock(systemClock.now());
const mailbox = await Mailbox.open();
type Received = Mailbox["received"][number];
const database = await freshDatabase();
const platform = await startTestPlatform({
  database,
  clock,
  timers: clock,
  config: {
    mail: {
      server: { host: "localhost", port: mailbox.port, tls: "none", user: undefined, password: undefined },
      from: { name: "Holdfast", address: "holdfast@example.com" },
      passwordFile: undefined,
      caFile: undefined,
    },
  },
});
atEnd.after(async () => {
  await platform.close();
  await database.drop();
  await mailbox.close();
});
const { visitor } = platform;
const first = await platform.setUp();

const codeOf = async (answer: Promise<{ status: number; body: unknown }>): Promise<string> => {
  const { status, body } = await answer;
  return status < 300 ? String(status) : (body as Problem).code; // errors are RFC 9457
};
const statusOf = async (credential: string) => (await visitor.as(credential).anew().send("GET", "/v1/me")).status;
const codeFor = (credential: string) => codeOf(visitor.as(credential).anew().send("GET", "/v1/me"));

/** Her tokens last a day, and here weeks pass. */
async function signIn(who: object): Promise<Owner> {
  clock.move(1_000); // so that trying often is not what decides
  return new Owner(visitor, await visitor.anew().post<SignedIn>("/v1/sign-in", who));
}
let signedIn: { readonly at: number; readonly by: Promise<Owner> } | undefined;
async function administrator(): Promise<Owner> {
  if (!signedIn || clock.now() - signedIn.at > 20 * hour)
    signedIn = { at: clock.now(), by: signIn({ ...founder, org: first.org }) };
  const { org, person, token } = await signedIn.by;
  return new Owner(visitor.anew(), { org, person, token });
}

let made = 0;
/** An organisation that is not empty, and of which the administrator of the instance is no member. */
async function begin() {
  made += 1;
  const who = { email: `founder-${made}@example.com`, password };
  const by = await administrator();
  const { org, token } = await by.asks.post<SignedIn>("/v1/orgs", { name: "Works" });
  const owner = new Owner(visitor, await new Owner(visitor, { org, person: by.person, token }).member(who, "owner"));
  await owner.asks.delete(`/v1/members/${by.person}`);
  return { org, who, owner, things: await furnish(owner, visitor) };
}

async function browserOf(who: { email: string; password: string }, org: string): Promise<CookieBrowser> {
  clock.move(1_000);
  const browser = new CookieBrowser(platform);
  browser.org = org;
  await browser.signIn(who);
  return browser;
}

/** Days go by at once, but for the last hour, in which all that is done each hour is. */
function pass(milliseconds: number): void {
  clock.set(clock.now() + milliseconds - hour);
  clock.move(hour);
}

async function until(look: () => Promise<boolean>): Promise<void> {
  for (const late = performance.now() + 20_000; !(await look()); await setTimeout(20))
    assert.ok(performance.now() < late, "it did not come to that");
}

const isOfDeletion = ({ headers }: Received) => /Works is going to be deleted/.test(headers.get("subject") ?? "");
const toldTo = (email: string) => mailbox.received.some((one) => isOfDeletion(one) && one.to.includes(email));
/** Letters leave in rounds, and are written a moment after the answer. */
async function ofDeletion(email: string): Promise<Received> {
  const coming = mailbox.take((one) => isOfDeletion(one) && one.to.includes(email));
  let hasCome = false;
  void coming.then(() => (hasCome = true));
  await until(async () => {
    clock.move(1_000);
    return hasCome;
  });
  return coming;
}

const reading = ({ key }: Device) =>
  codeOf(
    visitor
      .anew()
      .as(textOf(key))
      .send("POST", "/v1/me/telemetry", { body: { temperature: 1 } }),
  );

test("an owner who types its name deletes an organisation: at once nobody comes in but owners, who look and call it off", async () => {
  const { org, who, owner, things } = await begin();
  const admin = await owner.member({ email: `second-${org}@example.com`, password }, "administrator");
  const program = await owner.tokenOf(["telemetry.*", "org.delete"]);
  const operator = await owner.operatorKey();
  const browser = await browserOf(who, org);
  const remove = (name: string) => codeOf(browser.send("POST", "/v1/org/deletion", { body: { name } }));
  for (const wrong of ["", "works", "Works Ltd"]) assert.equal(await remove(wrong), "org.misnamed");
  const name = { body: { name: "Works" } };
  for (const credential of [program.token, textOf(operator), admin.token])
    assert.equal(await codeOf(visitor.as(credential).send("POST", "/v1/org/deletion", name)), "permit.missing");
  assert.equal(await codeOf(browser.send("DELETE", "/v1/org/deletion")), "org.notEnding");

  const held = await Promise.all([
    events(platform, textOf(operator), things.device.id),
    events(platform, admin.token, things.device.id),
    mqtt(platform, { username: things.device.key.id, password: things.device.key.secret }),
    mqtt(platform, { username: "program", password: program.token }),
  ]);
  await held[3].client.subscribeAsync("devices/+/telemetry");
  await shown([held[0], held[1], held[3]], 4_711, () =>
    visitor.as(textOf(things.device.key)).post("/v1/me/telemetry", { temperature: 4_711 }),
  );
  const from = performance.now();
  assert.equal(await remove("Works"), "200");
  for (const one of held) await closedWithin(one, from, patience);

  for (const credential of [admin.token, program.token, textOf(operator), textOf(things.device.key)])
    assert.equal(await codeFor(credential), "org.ending");
  assert.equal(await reading(things.device), "org.ending");
  assert.equal(await remove("Works"), "org.ending");
  assert.equal(await codeOf(browser.send("GET", "/v1/devices")), "permit.missing");
  assert.equal(await codeOf(browser.send("POST", "/v1/applications", { body: { name: "x" } })), "permit.missing");
  const { endsAt } = await browser.good<{ endsAt: string }>("GET", "/v1/org");
  assert.ok(Math.abs(Date.parse(endsAt) - clock.now() - 7 * day) < 60_000);
  const { orgs } = await browser.good<{ orgs: { id: string; endsAt?: string; grants: string[] }[] }>(
    "GET",
    "/v1/session",
  );
  assert.deepEqual(orgs, [
    { ...orgs[0], id: org, endsAt, grants: ["org.read", "member.read", "audit.read", "org.delete"] },
  ]);
  const tryAgain = { email: `second-${org}@example.com`, password, org };
  assert.equal(await codeOf(visitor.send("POST", "/v1/sign-in", { body: tryAgain })), "org.ending");

  const letter = await ofDeletion(who.email);
  assert.ok(letter.text.includes(endsAt.slice(0, 16)), letter.text);
  assert.equal(await codeOf(browser.send("DELETE", "/v1/org/deletion")), "200");
  for (const credential of [admin.token, program.token, textOf(operator), textOf(things.device.key)])
    assert.equal(await statusOf(credential), 200, "all of it is as it was");
  assert.equal(await reading(things.device), "200");
  pass(8 * day);
  await until(async () => (await codeFor(textOf(things.device.key))) === "200");
  const whats = (await (await signIn({ ...who, org })).audited(org)).map(({ what }) => what);
  for (const what of ["org.deletionBegun", "org.deletionCalledOff"]) assert.ok(whats.includes(what), what);
});

async function rows(): Promise<string> {
  const { tls: _, ...login } = database.login;
  const client = new pg.Client(login);
  await client.connect();
  try {
    // But for what says that it was, so that an older keyring does not have its keys again.
    await client.query("begin; delete from holdfast.erased_org");
    return (await dumpOf(client)).toString("latin1");
  } finally {
    await client.end();
  }
}

test("after seven days nothing is left of it but that it was: owners were told at the start and a day before", async () => {
  const other = await begin();
  const { org, who, owner, things } = await begin();
  const app = await App.of({ visitor, clock }, owner);
  const customer = await app.user("customer@example.com");
  await owner.role("Night shift");
  await owner.deny("192.0.2.1");
  await owner.invite("late@example.com");
  await owner.asks.put(`/v1/devices/${things.device.id}/user`, { user: null });
  const second = { email: `also-${org}@example.com`, password };
  await owner.member(second, "owner");
  // As PostgreSQL writes it: in an audit log of another organisation, whose administrator made this one, it stands as an identifier.
  const id = uuidOf(org as Id<"org">).replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
  assert.ok((await rows()).includes(id));
  await owner.asks.post("/v1/org/deletion", { name: "Works" });
  for (const { email } of [who, second]) await ofDeletion(email);

  pass(6 * day - hour);
  await setTimeout(200);
  assert.ok(!toldTo(who.email), "not earlier");
  pass(2 * hour);
  await until(async () => {
    clock.move(10_000);
    return [who, second].every(({ email }) => toldTo(email));
  });
  mailbox.received.length = 0;
  assert.equal(await codeFor(textOf(things.device.key)), "org.ending", "it is not over yet");
  pass(3 * hour);
  await setTimeout(500); // what must not come has its time to
  const told = await (await signIn({ ...who, org })).audited(org);
  assert.equal(told.filter(({ what }) => what === "org.deletionNear").length, 1);

  pass(day);
  await until(async () => (await codeFor(textOf(things.device.key))) === "credential.invalid");
  await until(async () => !(await rows()).includes(id));
  assert.ok(platform.reports.some((line) => line.includes(`The organisation ${org} was deleted`)));
  for (const credential of [owner.token, customer.accessToken])
    assert.equal(await codeFor(credential), "credential.invalid");
  clock.move(1_000);
  assert.equal(await codeOf(visitor.send("POST", "/v1/sign-in", { body: who })), "credential.invalid");
  assert.equal(await reading(other.things.device), "200", "and nothing of another one is touched");
});

test("the administrator of the instance sees of organisations how large they are and in what state, and nothing of what they are", async () => {
  const { org, who, owner } = await begin();
  const by = await administrator();
  await by.asks.post("/v1/plans", { name: "small", quotas: { devices: 10 } });
  await by.asks.put(`/v1/orgs/${org}/plan`, { plan: "small" });
  type Outside = { id: string; state: string; plan?: string; people: number; devices: number; endsAt?: string };
  const all = async () => (await by.asks.get<{ items: Outside[] }>("/v1/instance/organisations?limit=1000")).items;
  const mine = async () => (await all()).find(({ id }) => id === org);
  const { createdAt: _, ...seen } = { ...(await mine()), createdAt: "" };
  assert.deepEqual(seen, { id: org, state: "active", plan: "small", people: 1, devices: 3 });
  const text = JSON.stringify(await all());
  for (const secret of ["Works", who.email, owner.person]) assert.ok(!text.includes(secret), secret);
  const pages: string[] = [];
  let cursor = "";
  do {
    const page = await by.asks.get<{ items: Outside[]; nextCursor?: string }>(
      `/v1/instance/organisations?limit=2${cursor}`,
    );
    pages.push(...page.items.map(({ id }) => id));
    cursor = page.nextCursor === undefined ? "" : `&cursor=${page.nextCursor}`;
  } while (cursor !== "");
  assert.deepEqual(
    pages,
    (await all()).map(({ id }) => id),
  );
  for (const what of ["devices", "members", "org"])
    assert.ok(!JSON.stringify(await by.asks.get(`/v1/${what}`)).includes(org), what);

  type Known = { id: string; email: string; administrator: boolean; organisations: number };
  const people = (await by.asks.get<{ items: Known[] }>("/v1/instance/people?limit=1000")).items;
  assert.deepEqual(
    people.filter(({ administrator: is }) => is).map(({ email }) => email),
    [founder.email],
  );
  const found = people.find(({ email }) => email === who.email);
  assert.deepEqual([found?.id, found?.organisations], [owner.person, 1]);
});

test("an organisation that is suspended stops at once, devices included, its owners only look, and it goes on where it was", async () => {
  const { org, who, owner, things } = await begin();
  const by = await administrator();
  const ask = (method: string, what: string) =>
    codeOf(by.asks.send(method, `/v1/instance/organisations/${org}/${what}`));
  assert.equal(await ask("POST", "resume"), "org.notSuspended");
  const line = await mqtt(platform, { username: things.device.key.id, password: things.device.key.secret });
  const from = performance.now();
  assert.equal(await ask("POST", "suspend"), "200");
  await closedWithin(line, from, patience);
  assert.equal(await reading(things.device), "org.suspended");
  const browser = await browserOf(who, org);
  assert.equal(await codeOf(browser.send("GET", "/v1/org")), "200");
  assert.equal(await codeOf(browser.send("POST", "/v1/org/deletion", { body: { name: "Works" } })), "permit.missing");
  assert.equal(await codeOf(browser.send("PATCH", "/v1/org", { body: { name: "x" } })), "permit.missing");
  // Both at once: the owners cannot call off what is begun over their heads.
  assert.equal(await ask("POST", "deletion"), "200");
  assert.equal(await codeOf(browser.send("DELETE", "/v1/org/deletion")), "permit.missing");
  assert.equal(await ask("POST", "resume"), "200");
  assert.equal(await reading(things.device), "org.ending");
  assert.equal(await codeOf(browser.send("DELETE", "/v1/org/deletion")), "200");
  assert.equal(await ask("DELETE", "deletion"), "org.notEnding");
  assert.equal(await reading(things.device), "200");
  assert.equal(await statusOf(owner.token), 200);
  const whats = (await owner.audited(org)).map(({ what }) => what);
  for (const what of ["org.suspended", "org.resumed", "org.deletionBegun"]) assert.ok(whats.includes(what), what);
  const own = (path: string) => codeOf(by.asks.send("POST", `/v1/instance/organisations/${first.org}/${path}`));
  for (const path of ["suspend", "deletion"]) assert.equal(await own(path), "member.administrator");
  assert.equal(
    await codeOf(by.asks.send("POST", `/v1/instance/organisations/${unknown("org")}/suspend`)),
    "org.unknown",
  );
});

test("an administrator makes another one of a member, who acts at once and in that organisation alone, and the last one stays", async () => {
  const by = await administrator();
  const who = { email: "colleague@example.com", password };
  const { person, token } = await by.member(who, "viewer");
  const may = async (credential: string) => codeOf(visitor.as(credential).send("GET", "/v1/instance/organisations"));
  const change = (method: string, whom: string, as = by) =>
    codeOf(as.asks.send(method, `/v1/instance/administrators/${whom}`));
  assert.equal(await may(token), "permit.missing");
  const outside = await begin();
  assert.equal(await change("PUT", outside.owner.person), "member.unknown", "she is no member here");
  assert.equal(await change("PUT", person, outside.owner), "permit.missing");
  assert.equal(await change("DELETE", by.person), "administrator.last");
  assert.equal(await change("DELETE", person), "administrator.unknown");
  await by.asks.post(`/v1/members/${person}/suspend`);
  assert.equal(await change("PUT", person), "member.suspended");
  await by.asks.post(`/v1/members/${person}/resume`);
  assert.equal(await change("PUT", person), "200");
  assert.equal(await change("PUT", person), "200", "again changes nothing");
  const colleague = await signIn({ ...who, org: first.org });
  assert.equal(await may(colleague.token), "200");
  for (const [method, path] of [
    ["DELETE", ""],
    ["POST", "/suspend"],
  ] as const)
    assert.equal(await codeOf(by.asks.send(method, `/v1/members/${person}${path}`)), "member.administrator");

  await outside.owner.member(who, "administrator");
  const elsewhere = await signIn({ ...who, org: outside.org });
  assert.equal(await may(elsewhere.token), "permit.missing");

  assert.equal(await change("DELETE", by.person, colleague), "200");
  assert.equal(await may(by.token), "permit.missing", "at once");
  assert.equal(await change("PUT", by.person, colleague), "200");
  assert.equal(await change("DELETE", person), "200");
  assert.equal(await may(colleague.token), "permit.missing");
  const whats = (await by.audited(person)).map(({ what }) => what);
  for (const what of ["administrator.added", "administrator.removed"]) assert.ok(whats.includes(what), what);
});
