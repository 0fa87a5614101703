import assert from "node:assert/strict";
import { createHash, generateKeyPairSync, randomUUID, sign, type KeyObject } from "node:crypto";
import { once } from "node:events";
import { request } from "node:https";
import { test } from "node:test";
import { selfSigned } from "@holdfast/client/testing";
import { systemClock } from "@holdfast/kernel";
import { WebSocket } from "ws";
import { atEnd, startTestPlatform, TestClock, type Answer } from "../apps/server/src/testing/index.ts";
import { Owner, textOf, type Problem, type Token } from "./authority.fixture.ts";
import { http2, placeOf } from "./clients.fixture.ts";

// RFC 9449 and RFC 8705 over HTTPS, by clients that are nothing but TLS and text.
const clock = new TestClock(systemClock.now());
const platform = await startTestPlatform({ clock, config: { clientCertificatePort: 0 } });
atEnd.after(() => platform.close());
const place = placeOf(platform);
const owner = new Owner(platform.visitor, await platform.setUp());
const application = await owner.application();

const kinds = {
  Ed25519: () => generateKeyPairSync("ed25519"),
  "P-256": () => generateKeyPairSync("ec", { namedCurve: "P-256" }),
};
const jwkOf = (key: KeyObject) => {
  const { kty, crv, x, y } = key.export({ format: "jwk" });
  return { kty, crv, x, ...(y !== undefined && { y }) };
};

type Pair = ReturnType<(typeof kinds)["P-256"]>;

const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");

function proofOf({ privateKey, publicKey }: Pair, claims: object, header: object = {}): string {
  const isEd = privateKey.asymmetricKeyType === "ed25519";
  const head = { typ: "dpop+jwt", alg: isEd ? "EdDSA" : "ES256", jwk: jwkOf(publicKey), ...header };
  const text = `${part(head)}.${part(claims)}`;
  const signature = sign(
    isEd ? null : "sha256",
    Buffer.from(text),
    isEd ? privateKey : { key: privateKey, dsaEncoding: "ieee-p1363" },
  );
  return `${text}.${signature.toString("base64url")}`;
}

/** Somebody with a bound credential, who knows RFC 9449. */
class Holder {
  readonly text: string;
  readonly pair: Pair;
  nonce: string | undefined;

  constructor(text: string, pair: Pair) {
    this.text = text;
    this.pair = pair;
  }

  claims(method: string, path: string) {
    return {
      jti: randomUUID(),
      htm: method,
      htu: `${place.url}${path}`,
      iat: Math.floor(clock.now() / 1_000),
      ath: createHash("sha256").update(this.text).digest("base64url"),
      ...(this.nonce !== undefined && { nonce: this.nonce }),
    };
  }

  /** With whatever proof. */
  async show<T = Problem>(proof: string, method = "GET", path = "/v1/me", body?: object): Promise<Answer<T>> {
    const headers = { authorization: `DPoP ${this.text}`, dpop: proof };
    const answer = await platform.visitor.send<T>(method, path, { headers, ...(body && { body }) });
    this.nonce = answer.headers["dpop-nonce"]?.toString() ?? this.nonce;
    return answer;
  }

  /** As a client does it: once more with the nonce that it is given. */
  async ask<T = Problem>(method = "GET", path = "/v1/me", body?: object): Promise<Answer<T>> {
    const once = () => this.show<T>(proofOf(this.pair, this.claims(method, path)), method, path, body);
    const answer = await once();
    return (answer.body as Problem).code === "proof.nonce" ? once() : answer;
  }
}

async function holder(pair: Pair = kinds["P-256"](), grants: readonly string[] = ["org.read", "token.create"]) {
  const { token } = await owner.tokenOf(grants, { publicKey: jwkOf(pair.publicKey) });
  const one = new Holder(token, pair);
  assert.equal((await one.ask()).status, 200);
  return one;
}

for (const [kind, pair] of Object.entries(kinds)) {
  test(`a credential that is bound to an ${kind} key is good with a proof for each request, and a device sends by it`, async () => {
    const keys = pair();
    const device = await owner.device(application.id, { publicKey: jwkOf(keys.publicKey) });
    const pump = new Holder(textOf(device.key), keys);
    const first = await pump.show(proofOf(keys, pump.claims("GET", "/v1/me")));
    assert.deepEqual([first.status, first.body.code], [401, "proof.nonce"]);
    assert.match(String(first.headers["www-authenticate"]), /^DPoP .*error="use_dpop_nonce"/);
    for (let value = 0; value < 3; value++)
      assert.equal((await pump.ask("POST", "/v1/me/telemetry", { temperature: value })).status, 200);
  });
}

test("a bound credential shown bare is refused with what to do, however it is shown", async () => {
  const { text } = await holder();
  for (const headers of [{ authorization: `Bearer ${text}` }, { "x-auth-token": text }] as const) {
    const { status, body, headers: told } = await platform.visitor.send<Problem>("GET", "/v1/me", { headers });
    assert.deepEqual([status, body.code], [401, "proof.required"]);
    assert.match(
      String(told["www-authenticate"]),
      /^DPoP realm="holdfast", error="invalid_token", algs="Ed25519 EdDSA ES256"$/,
    );
    assert.match(String(told["dpop-nonce"]), /^[\w-]{22}$/);
  }
});

test("a proof is good once, for one request, one credential, one platform and a few minutes, and everything else is refused alike", async () => {
  const one = await holder();
  const other = await holder();
  const claims = () => one.claims("GET", "/v1/me");
  const used = proofOf(one.pair, claims());
  assert.equal((await one.show(used)).status, 200);
  const seconds = Math.floor(clock.now() / 1_000);
  const refused: Readonly<Record<string, () => string>> = {
    "shown before": () => used,
    "the same id again": () => {
      const [, payload = ""] = used.split(".");
      const { jti } = JSON.parse(Buffer.from(payload, "base64url").toString()) as { jti: string };
      return proofOf(one.pair, { ...claims(), jti });
    },
    "for another method": () => proofOf(one.pair, { ...claims(), htm: "POST" }),
    "for another method, in small letters": () => proofOf(one.pair, { ...claims(), htm: "get" }),
    "for another path": () => proofOf(one.pair, { ...claims(), htu: `${place.url}/v1/org` }),
    "for another host": () => proofOf(one.pair, { ...claims(), htu: "https://evil.example/v1/me" }),
    "for another port": () => proofOf(one.pair, { ...claims(), htu: "https://localhost/v1/me" }),
    "for plain HTTP": () => proofOf(one.pair, { ...claims(), htu: `${place.url.replace("https", "http")}/v1/me` }),
    "for a user of the host": () =>
      proofOf(one.pair, { ...claims(), htu: `${place.url.replace("//", "//me@")}/v1/me` }),
    "for another credential": () => proofOf(one.pair, { ...claims(), ath: other.claims("GET", "/").ath }),
    "of another's key": () => proofOf(other.pair, claims()),
    "of another's key, embedded as ours": () => proofOf(other.pair, claims(), { jwk: jwkOf(one.pair.publicKey) }),
    "from an hour ago": () => proofOf(one.pair, { ...claims(), iat: seconds - 3_600 }),
    "from the future": () => proofOf(one.pair, { ...claims(), iat: seconds + 3_600 }),
    "without an algorithm": () => `${proofOf(one.pair, claims(), { alg: "none" }).split(".", 2).join(".")}.`,
    "with a kid": () => proofOf(one.pair, claims(), { kid: "key_1" }),
    "with a jku": () => proofOf(one.pair, claims(), { jku: "https://evil.example" }),
    "with a crit": () => proofOf(one.pair, claims(), { crit: ["jti"] }),
    "of another type": () => proofOf(one.pair, claims(), { typ: "JWT" }),
    "the credential in its place": () => one.text,
    nothing: () => "",
    "two at once": () => `${proofOf(one.pair, claims())}, ${proofOf(one.pair, claims())}`,
  };
  for (const [what, proof] of Object.entries(refused)) {
    const { status, body, headers } = await one.show(proof());
    assert.deepEqual([status, body.code], [401, "proof.invalid"], what);
    assert.match(String(headers["www-authenticate"]), /error="invalid_dpop_proof"/);
  }
  // Whoever signed it can mend this one, and is told how.
  const late = await one.show(proofOf(one.pair, { ...claims(), iat: seconds - 301 }));
  assert.match(String(late.body.detail), /five minutes from the platform's: set the clock/);
  const wrong = await one.show(proofOf(other.pair, { ...claims(), iat: seconds - 301 }));
  assert.doesNotMatch(JSON.stringify(wrong.body), /clock/);
  assert.equal((await one.ask()).status, 200, "a good one after all these");
});

test("a proof that somebody else passes on, under a name that is not the platform's, is refused", async () => {
  const one = await holder();
  const evil = proofOf(one.pair, { ...one.claims("GET", "/v1/me"), htu: "https://evil.example/v1/me" });
  using connection = http2(place);
  const { status, text } = await connection.ask({
    ":method": "GET",
    ":authority": "evil.example",
    ":path": "/v1/me",
    authorization: `DPoP ${one.text}`,
    dpop: evil,
  });
  assert.equal(status, 401);
  assert.match(text, /proof\.invalid/);
});

test("a nonce is over after two minutes at most, and one that was never told is none", async () => {
  const one = await holder();
  const { nonce } = one;
  clock.move(60_000);
  assert.equal((await one.show(proofOf(one.pair, { ...one.claims("GET", "/v1/me"), nonce }))).status, 200);
  assert.notEqual(one.nonce, nonce, "the next one is told with the answer");
  clock.move(60_000);
  for (const old of [nonce, "AAAAAAAAAAAAAAAAAAAAAA", "", undefined]) {
    const { status, body } = await one.show(proofOf(one.pair, { ...one.claims("GET", "/v1/me"), nonce: old }));
    assert.deepEqual([status, body.code], [401, "proof.nonce"]);
  }
  assert.equal((await one.ask()).status, 200);
});

test("what is bound to no key is shown alone, and what is bound makes nothing that is not", async () => {
  const plain = new Holder((await owner.tokenOf(["org.read"])).token, kinds["P-256"]());
  assert.equal((await plain.ask()).body.code, "proof.invalid");
  const one = await holder();
  const child = { name: "child", grants: ["org.read"] };
  const answer = await one.ask<Problem & { errors: { path: string }[] }>("POST", "/v1/tokens", child);
  assert.deepEqual(
    [answer.status, answer.body.code, answer.body.errors[0]?.path],
    [403, "credential.amplifies", "publicKey"],
  );
  const pair = kinds.Ed25519();
  const bound = await one.ask<Token>("POST", "/v1/tokens", { ...child, publicKey: jwkOf(pair.publicKey) });
  assert.equal((await new Holder(bound.body.token, pair).ask()).status, 200);
});

test("a proof is good over HTTP/2 and for a WebSocket as well", async () => {
  const one = await holder(kinds.Ed25519(), ["telemetry.read", "org.read"]);
  using connection = http2(place);
  const headers = { ":method": "GET", ":path": "/v1/me?x=1", authorization: `DPoP ${one.text}` };
  const proof = () => proofOf(one.pair, one.claims("GET", "/v1/me"));
  assert.equal((await connection.ask({ ...headers, ":path": "/v1/me", dpop: proof() })).status, 200);
  const socket = new WebSocket(`${place.url.replace("https", "wss")}/v1/live`, {
    ca: place.ca,
    headers: { authorization: `DPoP ${one.text}`, dpop: proofOf(one.pair, one.claims("GET", "/v1/live")) },
  });
  await once(socket, "open");
  const device = await owner.device(application.id);
  const seen = once(socket, "message");
  const until = performance.now() + 5_000;
  let isSeen = false;
  void seen.then(() => (isSeen = true));
  while (!isSeen && performance.now() < until)
    await platform.visitor.as(textOf(device.key)).post("/v1/me/telemetry", { temperature: 1 });
  assert.match(String((await seen)[0]), /"temperature":1/);
  socket.terminate();
});

test("on its own port a client certificate of the key is the proof, and a certificate of another key is none", async () => {
  const { clientCertificateUrl = "" } = platform.platform;
  const one = await holder();
  const ask = async (shown: object, url = `${clientCertificateUrl}/v1/me`) => {
    const call = request(url, { ca: place.ca, agent: false, headers: { "x-auth-token": one.text }, ...shown });
    call.end();
    const [response] = await once(call, "response");
    response.resume();
    return response.statusCode;
  };
  assert.equal(await ask(selfSigned({ pair: one.pair })), 200);
  assert.equal(await ask(selfSigned()), 401);
  assert.equal(await ask({}), 401);
  assert.equal(await ask(selfSigned({ pair: one.pair }), `${place.url}/v1/me`), 401, "the other port asks for none");
});
