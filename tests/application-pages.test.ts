import assert from "node:assert/strict";
import { test } from "node:test";
import { everyRoute, isAction, presets, type Route } from "@holdfast/protocol";
import { atEnd, startTestPlatform } from "../apps/server/src/testing/index.ts";
import { Owner, textOf, unknown, type Key, type Problem, type Thing } from "./authority.fixture.ts";

// What a page of an application may ask from another site than ours, as browsers ask it (Fetch, 3.2).
const platform = await startTestPlatform();
atEnd.after(() => platform.close());
const { visitor } = platform;
const owner = new Owner(visitor, await platform.setUp());
const application = await owner.application();
const page = "https://app.example";
const keysOf = `/v1/applications/${application.id}/keys`;
const rate = { perMinute: 60_000 };
const key = textOf(
  await owner.asks.post<Key>(keysOf, { name: "page", kind: "application", conditions: { origins: [page], rate } }),
);
const access = textOf(await owner.accessKey(application.id));
const all = Object.entries(everyRoute);
/**
 * All that a customer reaches, or the published key by which she comes: that, and nothing else. Of what asks only who is there this is
 * reading who that is: to leave an organisation, or to let a program in, is for a member in person, and no page of another site is told of it.
 */
// Devices come by EST, and no page does.
const reached = ({ needs, on, method, path }: Route): boolean =>
  path.startsWith("/v1/") &&
  (needs === "publishedKey" ||
    needs === "applicationUser" ||
    (needs === "signedIn" && method === "GET") ||
    (isAction(needs) && presets.applicationUser.actions.includes(needs) && on !== "me"));
const forPages = all.filter(([, route]) => reached(route)).map(([name]) => name);

const addressOf = ({ path }: Route) => path.replaceAll(/\{(\w+)\}/g, (_, kind: string) => unknown(kind as "device")); // most are kinds; what it is does not matter here
const allowed = (headers: Readonly<Record<string, unknown>>) =>
  Object.keys(headers).filter((name) => name.startsWith("access-control-"));

const preflight = (path: string, method: string, origin: string, text: string = key) =>
  visitor.send<Problem>("OPTIONS", text === "none at all" ? path : `${path}?key=${text}`, {
    headers: { origin, "access-control-request-method": method, "access-control-request-headers": "content-type" },
  });

test("a browser is told that a page may ask on exactly these routes, and only for origins of the key", async () => {
  for (const [name, route] of all) {
    const { status, headers } = await preflight(addressOf(route), route.method, page);
    if (!forPages.includes(name)) {
      // Another method of the same address may be one of them.
      assert.ok(status >= 400 && allowed(headers).length === 0, `${name} ${status}`);
      continue;
    }
    assert.equal(status, 204, name);
    assert.equal(headers["access-control-allow-origin"], page);
    assert.match(String(headers["access-control-allow-methods"]), new RegExp(route.method));
    assert.match(String(headers["access-control-allow-headers"]), /authorization/);
    assert.equal(headers["access-control-allow-credentials"], undefined, "cookies never count");
    assert.match(String(headers["vary"]), /Origin/);
  }
  const path = "/v1/application-users/sign-in";
  for (const origin of ["https://evil.example", "https://app.example.evil.example", "http://app.example", "null"]) {
    const { status, headers, body } = await preflight(path, "POST", origin);
    assert.deepEqual([status, body.code, allowed(headers)], [403, "condition.unmet", []], origin);
  }
  for (const [text, code] of [
    ["none at all", "credential.missing"],
    ["none", "credential.invalid"],
    [textOf({ id: unknown("key"), secret: key.split(".")[1] ?? "" }), "credential.invalid"],
  ] as const) {
    const { body, headers } = await preflight(path, "POST", page, text);
    assert.deepEqual([body.code, allowed(headers)], [code, []], code);
  }
});

test("another kind of key in the address opens nothing to a page, and is told to be leaked", async () => {
  for (const path of ["/v1/application-users/sign-in", "/v1/devices"]) {
    const { body, headers } = await preflight(path, "POST", page, access);
    assert.deepEqual([body.code, allowed(headers)], ["credential.exposed", []]);
  }
});

test("an answer is readable to the pages of the key alone, refusals as well", async () => {
  const ask = (origin: string | undefined) =>
    visitor.send<Problem>("POST", `/v1/application-users/sign-in?key=${key}`, {
      headers: origin === undefined ? {} : { origin },
      body: { login: "nobody", password: "no password of anybody" },
    });
  const own = await ask(page);
  assert.deepEqual(
    [own.status, own.body.code, own.headers["access-control-allow-origin"]],
    [401, "credential.invalid", page],
  );
  for (const origin of ["https://evil.example", "null", undefined]) {
    const { status, headers } = await ask(origin);
    assert.deepEqual([status, allowed(headers)], [403, []]);
  }
});

test("no other credential becomes readable to a page by a published key beside it", async () => {
  const shown = { headers: { origin: page, "x-auth-token": owner.token } };
  const { status, body } = await visitor.send<Problem>("GET", `/v1/devices?key=${key}`, shown);
  assert.deepEqual([status, body.code], [403, "permit.missing"]);
  const plain = await visitor.send("GET", "/v1/devices", shown);
  assert.deepEqual([plain.status, allowed(plain.headers)], [200, []], "without it no page reads the answer");
});

test("a published key reaches the routes of its users and no other", async () => {
  const passed: string[] = [];
  for (const [name, route] of all) {
    if (route.needs === "public" || route.reply === "stream") continue;
    const { status, body } = await visitor.send<Problem>(route.method, addressOf(route), {
      headers: { origin: page, "x-auth-token": key },
      ...(route.method !== "GET" && { body: { application: application.id, name: "Mine" } }),
    });
    const isRefused = body.code === "permit.missing" || body.code?.endsWith(".unknown") === true;
    if (!isRefused || status < 400) passed.push(name);
  }
  assert.deepEqual(
    passed.toSorted(),
    all
      .filter(([, { needs }]) => needs === "publishedKey")
      .map(([name]) => name)
      .toSorted(),
  );
});

test("a customer reads devices on the page, and the key in the address is not a question about them", async () => {
  const { id, code } = await owner.asks.post<Thing & { code: string }>(`/v1/applications/${application.id}/users`, {
    login: "ann",
  });
  const headers = { origin: page };
  const password = "correct horse battery staple";
  await visitor.send("POST", `/v1/application-users/password?key=${key}`, {
    headers,
    body: { login: "ann", code, password },
  });
  const { body } = await visitor.send<{ accessToken: string }>("POST", `/v1/application-users/sign-in?key=${key}`, {
    headers,
    body: { login: "Ann", password },
  });
  const device = await owner.device(application.id);
  await owner.asks.send("PUT", `/v1/devices/${device.id}/user`, { body: { user: id } });
  const answer = await visitor.send<{ items: Thing[] }>("GET", `/v1/devices?key=${key}&limit=5`, {
    headers: { origin: page, authorization: `Bearer ${body.accessToken}` },
  });
  assert.deepEqual(
    [answer.status, answer.body.items.map((item) => item.id), answer.headers["access-control-allow-origin"]],
    [200, [device.id], page],
  );
  for (const path of ["/v1/org/leave", "/v1/activations/BCDF-GHJK/approval"]) {
    const asked = { headers: { authorization: `Bearer ${body.accessToken}` }, body: {} };
    const refused = await visitor.send<Problem>("POST", path, asked);
    assert.deepEqual([refused.status, refused.body.code], [403, "permit.missing"], path);
  }
});
