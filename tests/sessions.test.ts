import assert from "node:assert/strict";
import { test } from "node:test";
import { newSecret } from "@holdfast/crypto";
import { systemRandom } from "@holdfast/kernel";
import { routes } from "@holdfast/protocol";
import { atEnd } from "../apps/server/src/testing/index.ts";
import { Owner, startWorld, textOf, unknown, viewer, type Problem, type Thing } from "./authority.fixture.ts";
import { CookieBrowser, type SignedIn, type Version } from "./cookie-browser.fixture.ts";
import { closedWithin, events, webSocket } from "./revocation.fixture.ts";

// People in browsers: who is let in by a cookie, from which pages, as a member of what, and until when.
const world = await startWorld();
atEnd.after(() => world.close());
const { platform, clock, ours, theirs } = world;
const { visitor } = platform;
const owner = { email: "owner@example.com", password: "correct horse battery staple" };
const hour = 3_600_000;
const versions: readonly Version[] = ["HTTP/1.1", "HTTP/2"];

/** An owner's token that the test may end or outlive. */
async function signedInAgain(org: string): Promise<Owner> {
  return new Owner(visitor, await visitor.post("/v1/sign-in", { ...owner, org, expiresIn: "30d" }));
}

async function browserOf(who: { email: string; password: string } = owner, version?: Version): Promise<CookieBrowser> {
  clock.move(2_000); // signing in costs, and is counted
  const browser = new CookieBrowser(platform, version);
  browser.org = ours.org;
  await browser.signIn(who);
  return browser;
}

const credentialOf = async (browser: CookieBrowser) =>
  (await browser.good<{ credential: string }>("GET", "/v1/me")).credential;
const stateOf = async (id: string, as: Owner) => (await as.asks.get<{ state: string }>(`/v1/credentials/${id}`)).state;
const codeOf = async (answer: Promise<{ status: number; body: unknown }>): Promise<string> => {
  const { status, body } = await answer;
  return status < 300 ? String(status) : `${status} ${(body as Problem).code}`; // errors are RFC 9457
};

for (const version of versions) {
  test(`over ${version} a person signs in, asks by the cookie alone, and signs out`, async () => {
    const browser = new CookieBrowser(platform, version);
    assert.equal(await codeOf(browser.send("GET", "/v1/session")), "401 credential.missing");
    const answer = await browser.send<SignedIn>("POST", "/v1/sessions", { body: owner });
    assert.equal(answer.status, 201);
    assert.match(
      String([answer.headers["set-cookie"]].flat()[0]),
      /^__Host-holdfast=hfc_[\w-]{49}; Path=\/; Secure; HttpOnly; SameSite=Strict; Max-Age=172800$/,
    );
    assert.ok(!answer.text.includes("hfc_"), "what the cookie holds is for no script");
    const { person, orgs, expiresAt } = answer.body;
    assert.deepEqual(person, { id: ours.person, email: owner.email });
    assert.equal(Date.parse(expiresAt), clock.now() + 12 * hour);
    const [first, another] = [ours, theirs].map((it) => orgs.find(({ id }) => id === it.org));
    assert.equal(orgs.length, 2);
    for (const [one, name] of [
      [first, "First"],
      [another, "Another"],
    ] as const)
      assert.partialDeepStrictEqual(one, { name, role: "owner", isSimulated: false });
    assert.ok(first?.grants.includes("org.create") && !another?.grants.includes("org.create"));
    assert.deepEqual(routes.readSession.reply.parse(await browser.good("GET", "/v1/session")), answer.body);

    for (const { id } of orgs) {
      browser.org = id;
      const made = await browser.good<Thing>("POST", "/v1/applications", { name: "Made in a browser" });
      assert.equal(await codeOf(browser.send("GET", `/v1/applications/${made.id}`)), "200");
      assert.equal(await codeOf(browser.send("DELETE", `/v1/applications/${made.id}`)), "200");
    }
    const { cookie } = browser;
    const gone = await browser.send("DELETE", "/v1/session");
    assert.equal(gone.status, 200);
    assert.match(String(gone.headers["set-cookie"]), /^__Host-holdfast=; Path=\/; .*; Max-Age=0$/);
    assert.equal(browser.cookie, undefined);
    browser.cookie = cookie;
    assert.equal(await codeOf(browser.send("GET", "/v1/org")), "401 credential.invalid");
    const over = await browser.send("GET", "/v1/session");
    assert.equal(over.status, 401);
    assert.match(String(over.headers["set-cookie"]), /Max-Age=0$/, "nobody goes on showing it");
    browser.close();
  });

  test(`over ${version} a request that changes something counts only from a page of the platform's own`, async () => {
    const browser = await browserOf(owner, version);
    const { port } = new URL(browser.origin);
    const made = () => browser.good<{ items: unknown[] }>("GET", "/v1/applications?limit=1000");
    const before = (await made()).items.length;
    const foreign: Record<string, string | undefined>[] = [
      { origin: undefined },
      { origin: "null" },
      { origin: "https://example.com" },
      { origin: `http://localhost:${port}` },
      { origin: `https://localhost:${Number(port) + 1}` },
      { origin: `https://localhost.example.com:${port}` },
      { origin: `${browser.origin}/` },
      { origin: browser.origin.replace("localhost", "LOCALHOST") },
      { "sec-fetch-site": "cross-site" },
      { "sec-fetch-site": "same-site" },
    ];
    for (const headers of foreign) {
      const sent = { ...browser.headers("POST"), ...headers } as Record<string, string>;
      if (headers["origin"] === undefined && "origin" in headers) delete sent["origin"];
      const stranger = new CookieBrowser(platform, version);
      stranger.headers = () => sent;
      for (const [method, path] of [
        ["POST", "/v1/applications"],
        ["PATCH", "/v1/org"],
        ["DELETE", "/v1/session"],
      ] as const) {
        const body = method === "DELETE" ? {} : { body: { name: "Forged" } };
        assert.equal(await codeOf(stranger.send(method, path, body)), "403 origin.foreign", JSON.stringify(headers));
      }
      stranger.close();
    }
    assert.equal((await made()).items.length, before);
    // Reading changes nothing, but a page of another site has nothing to read here either.
    assert.equal(
      await codeOf(browser.send("GET", "/v1/org", { headers: { "sec-fetch-site": "cross-site" } })),
      "403 origin.foreign",
    );
    assert.equal(
      await codeOf(browser.send("GET", "/v1/org", { headers: { origin: "https://example.com" } })),
      "403 origin.foreign",
    );
    assert.equal(await codeOf(browser.send("GET", "/v1/org", { headers: { "sec-fetch-site": "none" } })), "200");
    // By the name that was asked: the platform may have several.
    const other = { host: `127.0.0.1:${port}`, origin: `https://127.0.0.1:${port}` };
    const by = version === "HTTP/2" ? { ":authority": other.host, origin: other.origin } : other;
    assert.equal(await codeOf(browser.send("POST", "/v1/applications", { body: { name: "x" }, headers: by })), "201");
    // No other site signs a browser in, as somebody who waits for what is written there.
    const login = { body: owner, headers: { origin: "https://example.com", "sec-fetch-site": "cross-site" } };
    assert.equal(await codeOf(new CookieBrowser(platform).send("POST", "/v1/sessions", login)), "403 origin.foreign");
    browser.close();
  });

  test(`over ${version} two cookies of the name, and a cookie beside another credential, are refused`, async () => {
    const browser = await browserOf(owner, version);
    const { cookie = "" } = browser;
    const ask = (headers: Record<string, string>) => codeOf(browser.send("GET", "/v1/org", { headers }));
    const named = (text: string) => `__Host-holdfast=${text}`;
    assert.equal(await ask({ cookie: `a=b; ${named(cookie)};c=d` }), "200", "others' cookies are nobody's matter");
    assert.equal(await ask({ cookie: `__host-holdfast=x; x__Host-holdfast=x; ${named(cookie)}` }), "200");
    const planted = newSecret(systemRandom, "session");
    for (const both of [
      [planted, cookie],
      [cookie, planted],
      [cookie, cookie],
      ["", cookie],
    ]) {
      assert.equal(await ask({ cookie: both.map(named).join("; ") }), "401 credential.invalid");
    }
    const key = await ours.operatorKey();
    for (const beside of [ours.token, textOf(key), cookie]) {
      assert.equal(await ask({ "x-auth-token": beside }), "401 credential.invalid");
      assert.equal(await ask({ authorization: `Bearer ${beside}` }), "401 credential.invalid");
    }
    // What is no cookie's is none, and what is a cookie's is no token.
    for (const text of [ours.token, textOf(key), key.id, "", `"${cookie}"`, cookie.slice(0, -1), `${cookie}x`]) {
      assert.equal(await ask({ cookie: named(text) }), "401 credential.invalid", text);
    }
    assert.equal((await visitor.as(cookie).send("GET", "/v1/me")).status, 401);
    browser.close();
  });
}

test("whose member she asks as has to be said, and where she is none there is nothing", async () => {
  const browser = await browserOf(viewer);
  const ask = async (org: string | undefined) => {
    browser.org = org;
    const { status, body } = await browser.send<Problem & { errors?: { path: string }[] }>("GET", "/v1/org");
    return [status, body.code, body.errors?.map(({ path }) => path)];
  };
  assert.deepEqual(await ask(undefined), [400, "request.malformed", ["Holdfast-Org"]]);
  for (const text of ["", "First", ours.org.slice(0, -1), ours.person]) {
    assert.deepEqual(await ask(text), [400, "request.malformed", ["Holdfast-Org"]], text);
  }
  assert.deepEqual(await ask(theirs.org), await ask(unknown("org")));
  assert.deepEqual(await ask(theirs.org), [404, "org.unknown", undefined]);
  assert.deepEqual(await ask(ours.org), [200, undefined, undefined]);
  // Everybody else's credential says it itself.
  const { body } = await visitor
    .as(ours.token)
    .send<Thing>("GET", "/v1/org", { headers: { "holdfast-org": theirs.org } });
  assert.equal(body.id, ours.org);
});

test("a cookie that is sent at sign-in is passed over and replaced", async () => {
  const browser = await browserOf();
  const before = browser.cookie;
  await browser.signIn(viewer);
  assert.notEqual(browser.cookie, before);
  const planted = newSecret(systemRandom, "session");
  browser.cookie = planted;
  await browser.signIn(owner);
  assert.notEqual(browser.cookie, planted);
  assert.equal((await browser.good<SignedIn>("GET", "/v1/session")).person.email, owner.email);
  browser.cookie = planted;
  assert.equal(await codeOf(browser.send("GET", "/v1/session")), "401 credential.invalid");
});

test("a wrong password and an unknown e-mail are answered alike, and both sign-ins leave the same entries", async () => {
  clock.move(60_000);
  const browser = new CookieBrowser(platform);
  const tries = [
    { ...owner, password: "not the password" },
    { ...owner, email: "nobody@example.com" },
  ];
  const answers = await Promise.all(tries.map((body) => browser.send<Problem>("POST", "/v1/sessions", { body })));
  for (const { status, body, headers } of answers) {
    assert.deepEqual([status, body.code, headers["set-cookie"]], [401, "credential.invalid", undefined]);
  }
  const count = async (it: Owner, what: string) =>
    (await it.audited(it.person))
      .filter((entry) => entry.what === what)
      .reduce((n, { facts }) => n + Number(facts?.["count"] ?? 1), 0);
  const before = await Promise.all([ours, theirs].map((it) => count(it, "signIn.done")));
  await browserOf();
  for (const [at, it] of [ours, theirs].entries()) {
    assert.equal(await count(it, "signIn.done"), (before[at] ?? 0) + 1);
    while ((await count(it, "signIn.refused")) === 0) await new Promise(setImmediate);
  }
});

test("guessing is slowed down: cookies as tokens, passwords as everywhere", async () => {
  clock.move(hour);
  const browser = new CookieBrowser(platform);
  browser.org = ours.org;
  const codes = new Set<string>();
  for (let count = 0; count < 70; count += 1) {
    browser.cookie = newSecret(systemRandom, "session");
    codes.add(await codeOf(browser.send("GET", count % 2 ? "/v1/org" : "/v1/session")));
  }
  assert.deepEqual([...codes], ["401 credential.invalid", "429 rate.exceeded"]);
  clock.move(hour);
  const wrong = { body: { ...owner, password: "not the password" } };
  const tried = await Promise.all(
    Array.from({ length: 40 }, () => codeOf(browser.send("POST", "/v1/sessions", wrong))),
  );
  assert.deepEqual(new Set(tried), new Set(["401 credential.invalid", "429 rate.exceeded"]));
  clock.move(hour);
});

test("what a cookie holds ends the session when somebody hands it in, is answered as everything is, and no other session ends", async () => {
  const [leaked, stays] = [await browserOf(), await browserOf()];
  const held = await events(platform, leaked.headers("GET"));
  const id = await credentialOf(leaked);
  const answers: string[] = [];
  for (const secret of [leaked.cookie, leaked.cookie, newSecret(systemRandom, "session"), "hfc_x"]) {
    clock.move(1_000);
    const { status, body } = await visitor.send("POST", "/v1/leaks", { body: { secret } });
    answers.push(JSON.stringify([status, body]));
  }
  assert.deepEqual([...new Set(answers)], ["[200,{}]"]);
  await closedWithin(held, performance.now(), 1_000);
  assert.equal(await codeOf(leaked.send("GET", "/v1/org")), "401 credential.invalid");
  assert.equal(await codeOf(stays.send("GET", "/v1/org")), "200");
  const as = await signedInAgain(ours.org);
  assert.equal(await stateOf(id, as), "revoked");
  const told = (await as.audited(as.person)).filter(({ what }) => what === "signOut.leaked");
  assert.equal(told.length, 1, "once, however often it is handed in");
});

test("a session ends after twelve hours, and after two in which nothing was asked", async () => {
  const busy = await browserOf();
  const began = clock.now();
  while (clock.now() + hour < began + 12 * hour) {
    clock.move(hour);
    assert.equal(await codeOf(busy.send("GET", "/v1/org")), "200");
  }
  const id = await credentialOf(busy);
  const held = await events(platform, busy.headers("GET"));
  clock.move(began + 12 * hour - clock.now());
  assert.equal(await codeOf(busy.send("GET", "/v1/org")), "401 credential.expired");
  held.end();
  const idle = await browserOf();
  clock.move(2 * hour - 1);
  assert.equal(await codeOf(idle.send("GET", "/v1/org")), "200");
  clock.move(2 * hour - 1);
  assert.equal(await codeOf(idle.send("GET", "/v1/org")), "200");
  const name = await credentialOf(idle);
  const watched = await Promise.all([events(platform, idle.headers("GET")), webSocket(platform, fromPage(idle))]);
  clock.move(2 * hour);
  const from = performance.now();
  for (const one of watched) await closedWithin(one, from, 2_500); // a round each second, and then a second
  assert.match(await codeOf(idle.send("GET", "/v1/org")), /^401 /);
  // An open page asks whether the session is still good, which does not keep it so.
  const asking = await browserOf();
  clock.move(2 * hour - 1);
  assert.equal(await codeOf(asking.send("GET", "/v1/session")), "200");
  clock.move(1);
  assert.match(await codeOf(asking.send("GET", "/v1/session")), /^401 /);
  const again = await signedInAgain(ours.org);
  assert.equal(await stateOf(id, again), "expired");
  assert.equal(await stateOf(name, again), "revoked");
  assert.ok((await again.audited(again.person)).some(({ what }) => what === "signOut.idle"));
});

/** As a page opens a WebSocket, with the organisation in a header that a page could not send. */
const fromPage = (browser: CookieBrowser): Record<string, string> => ({
  ...browser.headers("POST"),
  origin: browser.origin.replace(/:\d+$/, ""), // what the fixture says as Host
});
