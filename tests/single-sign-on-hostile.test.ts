import assert from "node:assert/strict";
import { test } from "node:test";
import { systemClock } from "@holdfast/kernel";
import { atEnd, TestClock } from "../apps/server/src/testing/index.ts";
import { textOf, type Key, type Problem } from "./authority.fixture.ts";
import { startHouse, enter, Comer } from "./provider.fixture.ts";
import { HostileProvider, stranger, type Trick } from "./hostile-provider.fixture.ts";

// A provider that lies, and browsers that bring what is not theirs: nobody is signed in by it.
const clock = new TestClock(systemClock.now());
const house = await startHouse(clock);
atEnd.after(() => house.close());
const { owner, platform } = house;
const hostile = new HostileProvider(house);
const provider = await enter(house, { joins: "viewer", scopes: ["email"] });

/** Nobody is made to wait for how often this file asks. */
const patiently = () => clock.move(3_000);

/** What comes of a sign-in that this trick is played on. */
async function tricked(trick: Trick) {
  patiently();
  const comer = new Comer(house);
  hostile.trick = {};
  const location = await comer.begin();
  hostile.trick = trick;
  const answer = await comer.answer(hostile.back(location));
  hostile.trick = {};
  return { ...answer, comer };
}

test("a provider that says what is right signs somebody in, and says once what it said", async () => {
  const { status, comer } = await tricked({});
  assert.equal(status, 201);
  assert.notEqual(comer.cookie, undefined);
  assert.equal(comer.errand, undefined, "the errand is over");
});

test("what a provider hides behind long, slow, moved or broken answers is told to whoever runs the organisation, and not to a stranger", async () => {
  for (const [raw, because] of [
    [{ "/token": (response) => response.writeHead(302, { location: "https://127.0.0.1/" }).end() }, /redirect/],
    [{ "/token": (response) => response.end("x".repeat(1024 * 1024)) }, /too large/],
    [{ "/userinfo": (response) => response.destroy() }, /could not be reached/],
  ] as const satisfies readonly (readonly [NonNullable<Trick["raw"]>, RegExp])[]) {
    const { status, body } = await tricked({ raw });
    assert.deepEqual([status, body.code, body.detail], [502, "provider.unreachable", undefined]);
    for (let isTold = false; !isTold; clock.move(100)) {
      const refusals = (await owner.audited(provider.id)).filter(({ what }) => what === "access.refused");
      isTold = refusals.some(({ facts }) => because.test(String(facts?.["because"])));
    }
  }
});

const now = Math.floor(Date.now() / 1_000);
const tricks: Readonly<Record<string, Trick>> = {
  "a state of its own": { back: { state: "another" } },
  "no state": { back: { state: undefined } },
  "another issuer in the answer (mix-up)": { back: { iss: "https://other.example" } },
  "no issuer in the answer, though it says that there is one": { back: { iss: undefined } },
  "no code": { back: { code: undefined } },
  "an error": { back: { error: "access_denied", code: undefined } },
  "a code that it never gave": { back: { code: "another" } },
  "another issuer in the ID token": { claims: { iss: "https://other.example" } },
  "another audience": { claims: { aud: "another client" } },
  "two audiences, and another party that is meant": { claims: { aud: ["holdfast", "other"], azp: "other" } },
  "another nonce": { claims: { nonce: "another" } },
  "no nonce": { claims: { nonce: undefined } },
  "an ID token that is over": { claims: { iat: now - 7_200, exp: now - 3_600 } },
  "an ID token that is not good yet": { claims: { nbf: now + 3_600 } },
  "no subject": { claims: { sub: undefined } },
  "a signature by somebody else": { signer: stranger },
  "no signature": { signer: "nobody", header: { alg: "none" } },
  "a signature without one": { signer: "nobody" },
  "an algorithm that the client's secret signs with": { header: { alg: "HS256" } },
  "a key that nobody has": { header: { kid: "two" } },
  "userinfo about somebody else": { userinfo: { sub: "eve" } },
  "no e-mail": { userinfo: { email: undefined } },
  "an e-mail that would forge a line": { userinfo: { email: "ada@house.example\nowner: eve@house.example" } },
  "an answer that is no answer": { token: { status: 200, body: { access_token: "opaque", token_type: "Bearer" } } },
  "a refusal": { token: { status: 400, body: { error: "invalid_grant" } } },
};
for (const [what, trick] of Object.entries(tricks))
  test(`[V6.8.2] nobody is signed in by a provider that answers with ${what}`, async () => {
    const members = await owner.asks.get<{ items: unknown[] }>("/v1/members");
    // Somebody whom nobody knows yet: what is refused must not make her known either.
    const { claims, userinfo } = trick;
    const subject = "sub" in (claims ?? {}) || userinfo?.["sub"] ? {} : { sub: "somebody" };
    const { status, body, comer } = await tricked({
      ...trick,
      claims: { ...subject, ...claims },
      userinfo: { ...subject, ...userinfo },
    });
    assert.deepEqual([status, body.code], [403, "provider.refused"]);
    assert.deepEqual([comer.cookie, comer.errand], [undefined, undefined]);
    assert.deepEqual(await owner.asks.get("/v1/members"), members);
  });

test("[V7.6.2] an answer is good in the browser that was sent, once, in its time, and for the organisation that sent it", async () => {
  clock.move(60_000);
  const stale = async (comer: Comer, back: URL, org = owner.org) => {
    const { status, body } = await comer.send<{ code: string }>("POST", "/v1/provider-sign-ins/answer", {
      body: { org, query: back.search },
    });
    return [status, body.code, comer.cookie];
  };
  const refused = [403, "provider.stale", undefined];
  // Login CSRF: somebody sends her link to another one, who would be signed in as her.
  const eve = new Comer(house);
  const back = hostile.back(await eve.begin());
  const ada = new Comer(house);
  assert.deepEqual(await stale(ada, back), refused, "no errand at all");
  await ada.begin();
  const { status, body } = await ada.answer(back);
  assert.deepEqual([status, body.code], [403, "provider.refused"], "an errand of another sign-in");
  assert.equal((await eve.answer(back)).status, 201, "her own");
  // Again, with the same cookie and the same code.
  const again = new Comer(house);
  const once = hostile.back(await again.begin());
  const { errand } = again;
  assert.equal((await again.answer(once)).status, 201);
  again.cookie = undefined;
  again.errand = errand;
  assert.deepEqual(await stale(again, once), refused);
  // For another organisation, whose own answer looks alike.
  const other = new Comer(house);
  const theirs = await platform.setUp();
  assert.deepEqual(await stale(other, hostile.back(await other.begin()), theirs.org), refused);
  // Too late.
  const slow = new Comer(house);
  const late = hostile.back(await slow.begin());
  clock.move(10 * 60_000);
  assert.deepEqual(await stale(slow, late), refused);
  // Altered, or of another platform.
  for (const altered of ["", "AAAA", `${errand?.slice(0, -2)}${errand?.endsWith("AA") ? "BB" : "AA"}`, "!"]) {
    const one = new Comer(house);
    one.errand = altered;
    assert.deepEqual(await stale(one, once), refused, altered);
  }
});

test("[V7.6.2] a page of another site neither begins a sign-in nor ends one", async () => {
  const comer = new Comer(house);
  for (const path of ["/v1/provider-sign-ins", "/v1/provider-sign-ins/answer"])
    for (const headers of [{ origin: "https://other.example" }, { "sec-fetch-site": "cross-site" }]) {
      const { status, body } = await comer.send<{ code: string }>("POST", path, {
        body: { org: owner.org, query: "" },
        headers,
      });
      assert.deepEqual([status, body.code], [403, "origin.foreign"]);
    }
  const { status } = await platform.visitor.send("POST", "/v1/provider-sign-ins", { body: { org: owner.org } });
  assert.equal(status, 403, "whoever says no origin is no page of ours");
});

test("a provider that was changed while somebody was there does not sign her in", async () => {
  const comer = new Comer(house);
  const back = hostile.back(await comer.begin());
  await owner.asks.patch(`/v1/providers/${provider.id}`, { name: "Provider" });
  assert.deepEqual((await comer.answer(back)).body.code, "provider.stale");
});

test("[V6.8.1] what a provider calls somebody is hers at that provider alone: the same subject of another one is somebody else", async () => {
  const first = await tricked({});
  const second = await enter(house, { name: "Second", joins: "viewer", scopes: ["email"] });
  const comer = new Comer(house);
  const answer = await comer.answer(hostile.back(await comer.begin({ org: owner.org, provider: second.id })));
  assert.equal(answer.status, 201);
  const who = async (one: Comer) => (await one.good<{ person: { id: string } }>("GET", "/v1/session")).person.id;
  assert.notEqual(await who(comer), await who(first.comer));
});

test("trying a provider says in words what is wrong with it", async () => {
  const trying = async (trick: Trick, id = provider.id) => {
    patiently();
    hostile.trick = trick;
    const { isUsable, findings } = await owner.asks.post<Tried>(`/v1/providers/${id}/try`);
    hostile.trick = {};
    return [isUsable, ...findings.filter(({ level }) => level === "wrong").map(({ says }) => says)];
  };
  assert.deepEqual(await trying({}), [true]);
  const wrongs: readonly (readonly [Trick, RegExp])[] = [
    [{ metadata: { issuer: "https://other.example" } }, /https:\/\/other\.example|issuer/],
    [{ metadata: { token_endpoint: "http://provider.test/token" } }, /token_endpoint is not https/],
    [{ metadata: { response_types_supported: ["id_token"] } }, /authorization code flow/],
    [{ metadata: { code_challenge_methods_supported: ["plain"] } }, /PKCE with S256/],
    [{ metadata: { id_token_signing_alg_values_supported: ["HS256"] } }, /RS256 or ES256/],
    [
      { raw: { "/jwks": (response) => response.setHeader("content-type", "application/json").end('{"keys":[]}') } },
      /no keys/,
    ],
    [{ raw: { "/.well-known/openid-configuration": (response) => response.writeHead(404).end() } }, /status/],
    [{ raw: { "/.well-known/openid-configuration": (response) => response.end("<html>") } }, /content-type/],
    [{ token: { status: 401, body: { error: "invalid_client" } } }, /does not know the client, or the secret is wrong/],
  ];
  for (const [trick, says] of wrongs) {
    const [isUsable, ...told] = await trying(trick);
    assert.equal(isUsable, false, String(says));
    assert.match(told.join(" "), says);
  }
  const inside = await enter(house, { name: "Inside", issuer: "https://169.254.169.254" });
  assert.match(String((await trying({}, inside.id))[1]), /no address that this platform may call.*--outbound-allow/);
  const nowhere = await enter(house, { name: "Nowhere", issuer: "https://nowhere.test" });
  assert.match(String((await trying({}, nowhere.id))[1]), /no address that this platform may call/);
  // The house's own names and addresses are told to nobody who may enter a provider.
  house.zone.set("intranet.test A", ["10.11.12.13"]);
  const intranet = await enter(house, { name: "Intranet", issuer: "https://intranet.test" });
  const tried = await owner.asks.post<{ findings: { code?: string; says: string }[] }>(
    `/v1/providers/${intranet.id}/try`,
  );
  assert.equal(tried.findings[0]?.code, "provider.unreachable");
  assert.ok(!JSON.stringify(tried).includes("10.11."));
});

test("[V6.8.4] what the provider says of a second factor counts where the organisation says so, and as it says", async () => {
  const at = `/v1/providers/${provider.id}`;
  await owner.asks.patch(at, { secondFactor: { amr: ["mfa", "hwk"], acr: ["strong"] } });
  const enters = async (sub: string, said: object) => {
    const auth_time = Math.floor(clock.now() / 1_000);
    const { comer } = await tricked({ claims: { sub, auth_time, ...said }, userinfo: { sub } });
    comer.org = owner.org;
    const { status, body } = await comer.send<Problem>("GET", "/v1/org");
    return { comer, is: status === 200 ? "200" : `${status} ${body.code}` };
  };
  const { comer: chief } = await enters("chief", { amr: ["pwd", "mfa"] });
  const { person } = await chief.good<{ person: { id: string } }>("GET", "/v1/session");
  await owner.asks.patch(`/v1/members/${person.id}`, { role: "owner" });
  const { comer: hasty } = await enters("chief", { amr: ["pwd"] });
  const keyOf = async (comer: Comer) => textOf(await comer.good<Key>("POST", "/v1/operator-keys", { name: "of hers" }));
  const [key, hastyKey] = [await keyOf(chief), await keyOf(hasty)];
  const demand = (people: object) => chief.good("PATCH", "/v1/org", { demands: { people } });
  await demand({ factor: "second" });
  for (const [said, is] of [
    [{ amr: ["pwd", "mfa"] }, "200"],
    [{ amr: "hwk" }, "200"],
    [{ acr: "strong" }, "200"],
    [{ amr: ["pwd"], acr: "weak" }, "403 factor.unshown"],
    [{}, "403 factor.unshown"],
  ] as const)
    assert.equal((await enters("member", said)).is, is, JSON.stringify(said));
  const by = async (secret: string) => (await platform.visitor.as(secret).send<Problem>("GET", "/v1/org")).body.code;
  assert.deepEqual(
    [await by(key), await by(hastyKey)],
    [undefined, "factor.demanded"],
    "what she made having shown one",
  );
  const refused = await chief.send<Problem>("PATCH", "/v1/org", {
    body: { demands: { people: { factor: "passkey" } } },
  });
  assert.equal(refused.status, 400, "which is no passkey: she would shut herself out");
  await demand({});
  // Of another word of the organisation's nothing is left of what it counted before.
  await owner.asks.patch(at, { secondFactor: null });
  assert.equal((await chief.send("GET", "/v1/org")).status, 401);
});

type Tried = {
  readonly isUsable: boolean;
  readonly findings: readonly { readonly level: string; readonly says: string }[];
};
