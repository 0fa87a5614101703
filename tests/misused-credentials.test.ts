import assert from "node:assert/strict";
import { createHash, generateKeyPairSync } from "node:crypto";
import { once } from "node:events";
import { request } from "node:https";
import { test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { selfSigned } from "@holdfast/client/testing";
import { newSecret } from "@holdfast/crypto";
import { systemClock, systemRandom } from "@holdfast/kernel";
import { connectAsync, type IClientOptions } from "mqtt";
import { WebSocket } from "ws";
import { atEnd, startTestPlatform, TestClock, type Answer } from "../apps/server/src/testing/index.ts";
import { Owner, secretIn, textOf, type Key, type Problem } from "./authority.fixture.ts";
import { http2, placeOf, say } from "./clients.fixture.ts";

// What is good somewhere, shown where it is not: every secret that there is at every place that takes one (RFC 8725, 2.8: one kind for
// another), and in every place and spelling in which a request could carry one (RFC 6750, 2; RFC 9110, 5.3 and 11.4; RFC 9700, 4.3).
const clock = new TestClock(systemClock.now());
const platform = await startTestPlatform({ clock, config: { clientCertificatePort: 0 } });
atEnd.after(() => platform.close());
const { visitor } = platform;
const place = placeOf(platform);
const owner = new Owner(visitor, await platform.setUp());
const who = { email: "owner@example.com", password: "correct horse battery staple" };
const page = "https://app.example";

const application = await owner.application();
await owner.asks.patch(`/v1/applications/${application.id}`, { signUp: "open" });
const device = await owner.device(application.id);
const keyOf = (body: object) =>
  owner.asks.post<Key>(`/v1/applications/${application.id}/keys`, { name: "key", ...body });
const published = textOf(await keyOf({ kind: "application", conditions: { origins: [page] } }));

const asPage = <T = Problem>(path: string, body: object, key = published) => {
  clock.move(2_000); // so that asking often is not what decides
  const headers = { origin: page };
  return visitor.send<T>("POST", `/v1/application-users${path}?key=${key}`, { headers, body });
};
const customer = { login: "customer@example.com", password: who.password };
await asPage("", customer);
const { body: signedIn } = await asPage<{ accessToken: string; refreshToken: string }>("/sign-in", customer);
const invited = await owner.asks.post<{ code: string }>(`/v1/applications/${application.id}/users`, {
  login: "invited@example.com",
});
const session = await visitor.send("POST", "/v1/sessions", {
  body: who,
  headers: { origin: new URL(place.url).origin },
});

const guest = "guest@example.com";
const secrets = {
  "an API token": (await owner.tokenOf(["telemetry.read", "device.read"])).token,
  "an operator key": textOf(await owner.operatorKey()),
  "an access key": textOf(await keyOf({})),
  "a trusted application's key": textOf(await keyOf({ kind: "trustedApplication" })),
  "a publishable key": published,
  "a device's key": textOf(device.key),
  "a device's secret with an access key's id": `${(await keyOf({})).id}.${device.key.secret}`,
  "a customer's token": signedIn.accessToken,
  "a customer's refresh token": signedIn.refreshToken,
  "a customer's code": invited.code,
  "an invitation": secretIn(await owner.invite(guest)),
  "a set-up link": newSecret(systemRandom, "setupLink"),
  "a browser's cookie": /=(hfc_[^;]+)/.exec(String(session.headers["set-cookie"]))?.[1] ?? assert.fail(),
} as const;
type Secret = keyof typeof secrets;

/** Whoever has nothing that is good reads the same sentence, whatever it was. */
let refused: string | undefined;

function says({ status, body }: Answer<Problem>): string {
  if (status < 300) return "good";
  if (body.code === "credential.invalid") {
    const { requestId: _, ...problem } = body as Problem & { requestId: string }; // every problem has one
    assert.equal(JSON.stringify(problem), (refused ??= JSON.stringify(problem)));
  }
  return `${status} ${body.code}`;
}

const ask = async (headers: Readonly<Record<string, string>>, path = "/v1/me") => {
  clock.move(2_000);
  return says(await visitor.send<Problem>("GET", path, { headers }));
};

async function overMqtt(shown: IClientOptions): Promise<string> {
  clock.move(2_000);
  try {
    const options = { ca: place.ca, reconnectPeriod: 0, protocolVersion: 5 } as const;
    await (await connectAsync(platform.platform.mqttsUrl, { ...options, ...shown })).endAsync();
    return "good";
  } catch (error) {
    return `CONNACK ${(error as { code: number }).code}`; // MQTT.js says it so
  }
}

const streams = async () => /holdfast_live_streams (\d+)/.exec((await visitor.send("GET", "/metrics")).text)?.[1];

let visitors = 0;
/** Where a secret is taken, and what comes of it. */
const doors = {
  "as Bearer": (text: string) => ask({ authorization: `Bearer ${text}` }),
  "as X-Auth-Token": (text: string) => ask({ "x-auth-token": text }),
  "as Basic": (text: string) => ask({ authorization: `Basic ${btoa(text.replace(".", ":"))}` }),
  "as DPoP": (text: string) => ask({ authorization: `DPoP ${text}` }),
  "as a cookie": (text: string) => ask({ cookie: `__Host-holdfast=${text}`, "holdfast-org": owner.org }),
  "as MQTT's password": (text: string) => {
    const [, id, secret] = /^(key_\w+)\.(.*)$/.exec(text) ?? [];
    return overMqtt({ username: id ?? `me ${(visitors += 1)}`, password: secret ?? text });
  },
  "as MQTT's user name": (text: string) => overMqtt({ username: text }),
  "in a first frame": async (text: string) => {
    const before = await streams();
    const socket = new WebSocket(`${place.url.replace("https", "wss")}/v1/live`, { ca: place.ca });
    await once(socket, "open");
    socket.send(JSON.stringify({ token: text }));
    const closed = once(socket, "close").then(([code]) => `closed ${code}`);
    const isIn = async () => {
      while (socket.readyState === socket.OPEN && (await streams()) === before) await setTimeout(2);
      return socket.readyState === socket.OPEN ? "good" : closed;
    };
    const what = await isIn();
    socket.terminate();
    await closed;
    while ((await streams()) !== before) await setTimeout(2);
    return what;
  },
  "in the address, for a published key": async (text: string) =>
    says(await asPage("/sign-in", customer, encodeURIComponent(text))),
  "for an invitation's secret": async (secret: string) =>
    says(
      await visitor.send("POST", "/v1/invitations/accept", { body: { secret, email: guest, password: who.password } }),
    ),
  "for a customer's code": async (code: string) => {
    clock.move(120_000); // who tries more often waits
    return says(await asPage("/password", { login: "invited@example.com", code, password: who.password }));
  },
  "for a refresh token": async (refreshToken: string) => says(await asPage("/refresh", { refreshToken })),
  "for a set-up link's secret": async (secret: string) =>
    says(await visitor.send("POST", "/v1/setup", { body: { secret, ...who, org: "Mine" } })),
} as const;

/** What comes of each: `else` for whatever is not named, which is what comes of nonsense. */
type Expected = Partial<Record<Secret, string>> & { readonly else: string };
const programs = {
  "an API token": "good",
  "an operator key": "good",
  "an access key": "good",
  "a trusted application's key": "good",
  "a customer's token": "good",
} as const;
const unproved = Object.fromEntries(Object.keys(programs).map((one) => [one, "401 proof.invalid"]));
const exposed = Object.fromEntries(Object.keys(secrets).map((one) => [one, "400 credential.exposed"]));
// No such text is as long as a token.
const long = { "an API token": "400 request.malformed", "a customer's token": "400 request.malformed" } as const;
const mqttTakes = {
  ...programs,
  "a device's key": "good",
  "a publishable key": "CONNACK 135",
  else: "CONNACK 134",
} as const;
const inHeader = {
  ...programs,
  "a device's key": "good",
  "a publishable key": "403 condition.unmet",
  else: "401 credential.invalid",
} as const;

const expected: Readonly<Record<keyof typeof doors, Expected>> = {
  "as Bearer": inHeader,
  "as X-Auth-Token": inHeader,
  "as Basic": { else: "401 credential.missing" },
  "as DPoP": { ...inHeader, ...unproved, "a device's key": "401 proof.invalid" },
  "as a cookie": { "a browser's cookie": "good", else: "401 credential.invalid" },
  "as MQTT's password": mqttTakes,
  "as MQTT's user name": mqttTakes,
  "in a first frame": {
    ...programs,
    "a device's key": "closed 4403",
    "a publishable key": "closed 4403",
    else: "closed 4401",
  },
  "in the address, for a published key": { ...exposed, "a publishable key": "good", else: "401 credential.invalid" },
  "for an invitation's secret": { ...long, "an invitation": "good", else: "403 invitation.invalid" },
  "for a customer's code": { ...long, "a customer's code": "good", else: "403 code.invalid" },
  "for a refresh token": { ...long, "a customer's refresh token": "good", else: "401 credential.invalid" },
  "for a set-up link's secret": { ...long, "a set-up link": "409 setup.done", else: "403 setup.invalid" },
};

for (const [name, door] of Object.entries(doors)) {
  const { else: usual, ...but } = expected[name as keyof typeof doors]; // a key of it
  const good = Object.entries(but).flatMap(([secret, what]) => (what === "good" ? [secret] : []));
  test(`${name} ${good.join(", ") || "nothing"} is good, and nothing else`, async () => {
    assert.equal(await door("nonsense"), usual);
    for (const [secret, text] of Object.entries(secrets))
      assert.equal(await door(text), new Map(Object.entries(but)).get(secret) ?? usual, secret);
  });
}

test("a key has one spelling, wherever it is shown", async () => {
  const [id = "", secret = ""] = secrets["an access key"].split(".");
  const last = secret.charCodeAt(46); // of 256 bits in 43 characters, two bits are left
  const spelt: Readonly<Record<string, readonly [id: string, secret: string]>> = {
    "its id in capitals": [id.toUpperCase(), secret],
    "its id without the kind": [id.slice(4), secret],
    "another kind of id": [id.replace("key_", "tok_"), secret],
    "a space before its id": [` ${id}`, secret],
    "a NUL behind its secret": [id, `${secret}\0`],
    "a mark of byte order before its secret": [id, `\uFEFF${secret}`],
    "a space behind its secret": [id, `${secret} `],
    "a line end behind its secret": [id, `${secret}\r\n`],
    "padding on its secret": [id, `${secret}=`],
    "bits after the end": [id, secret.slice(0, 46) + String.fromCharCode(last + 1) + secret.slice(47)],
    "no checksum": [id, secret.slice(0, -6)],
    "another checksum": [id, `${secret.slice(0, -6)}000000`],
    "its secret in capitals": [id, secret.toUpperCase()],
    "another kind of secret": [id, secret.replace("hfs_", "hfc_")],
    "half of its secret": [id, secret.slice(0, 26)],
    "its secret twice": [id, secret + secret],
    "its secret and another's": [id, `${secret}.${secrets["a device's key"].split(".")[1]}`],
    "its secret alone": ["", secret],
    "its id alone": [id, ""],
    "its digest": [id, createHash("sha256").update(secret).digest("base64url")],
  };
  for (const [how, [name, word]] of Object.entries(spelt)) {
    const text = `${name}.${word}`;
    if (/^[\x21-\x7e]+$/.test(text)) {
      assert.equal(await doors["as Bearer"](text), "401 credential.invalid", how);
      continue;
    }
    clock.move(301_000); // whoever shows one id again and again waits
    assert.equal(await overMqtt({ username: name, password: word }), "CONNACK 134", how); // no header could hold it
  }
  assert.equal(await overMqtt({ username: id, password: secret }), "good");
});

test("what is written in a certificate signs nobody in, nor does the certificate of another's key that carries the same name", async () => {
  const pin = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const { kty, crv, x, y } = pin.publicKey.export({ format: "jwk" });
  const body = { kind: "certificate", publicKey: { kty, crv, x, y } };
  const pinned = await owner.asks.post<{ id: string }>(`/v1/devices/${device.id}/keys`, body);
  const come = (shown: object, username = `me ${(visitors += 1)}`) => overMqtt({ username, ...shown }); // whoever is refused often waits
  for (const name of [device.id, device.key.id, pinned.id, owner.person, owner.org, "localhost"]) {
    assert.equal(await come(selfSigned({ name })), "CONNACK 134", name);
    // Who names what is pinned is told to prove it.
    assert.equal(await come(selfSigned({ name }), name), name === pinned.id ? "CONNACK 135" : "CONNACK 134", name);
    const call = request(`${platform.platform.clientCertificateUrl}/v1/me`, {
      ca: place.ca,
      agent: false,
      ...selfSigned({ name }),
    });
    call.end();
    const [response] = await once(call, "response");
    assert.equal(response.resume().statusCode, 401, name);
  }
  assert.equal(await come(selfSigned({ name: "anything", pair: pin })), "good");
});

test("what was good once is refused in the words for what never was, wherever it is shown again", async () => {
  const replaced = await owner.tokenOf(["org.read"]);
  const { body: after } = await owner.asks.send<{ secret: string }>("POST", `/v1/credentials/${replaced.id}/rotate`, {
    body: { overlap: "0" },
  });
  const revoked = await keyOf({});
  await owner.revoke(revoked.id);
  const cookie = secrets["a browser's cookie"];
  await visitor.send("DELETE", "/v1/session", {
    headers: { cookie: `__Host-holdfast=${cookie}`, origin: new URL(place.url).origin },
  });
  const { body: old } = await asPage<{ accessToken: string; refreshToken: string }>("/sign-in", customer);
  for (const what of ["good", "401 credential.invalid"]) {
    assert.equal(await doors["for a refresh token"](old.refreshToken), what);
    clock.move(60_000); // an answer that was lost may be asked for again, for a while
  }
  const over: readonly (readonly [keyof typeof doors, string])[] = [
    ["as Bearer", replaced.token],
    ["as X-Auth-Token", textOf(revoked)],
    ["as a cookie", cookie],
    ["as Bearer", old.accessToken],
    ["for a refresh token", old.refreshToken],
    ["as MQTT's password", replaced.token],
    ["as MQTT's password", textOf(revoked)],
    ["in a first frame", replaced.token],
  ];
  for (const [door, text] of over) assert.equal(await doors[door](text), expected[door].else, door);
  assert.equal(await doors["as Bearer"](after.secret), "good");
});

const token = secrets["an API token"];
const key = secrets["an access key"];
const [missing, invalid, isExposed] = ["401 credential.missing", "401 credential.invalid", "400 credential.exposed"];

/** A request that only whoever writes it byte by byte can send. */
async function raw(...lines: readonly string[]): Promise<string> {
  clock.move(2_000);
  const [first = "", ...more] = lines;
  const text = await say(place, [first, "Host: localhost", "Connection: close", ...more, "", ""].join("\r\n"));
  const status = /^HTTP\/1\.1 (\d+)/.exec(text)?.[1] ?? "nothing";
  return Number(status) < 300 ? "good" : `${status} ${/"code":"([\w.]+)"/.exec(text)?.[1]}`;
}
const getting = (...lines: readonly string[]) => raw("GET /v1/me HTTP/1.1", ...lines);
const posting = (type: string, body: string) =>
  raw("POST /v1/applications HTTP/1.1", `Content-Type: ${type}`, `Content-Length: ${body.length}`, "", body);

async function overHttp2(...headers: readonly (readonly [string, string | readonly string[]])[]): Promise<string> {
  using connection = http2(place);
  const { status, text } = await connection.ask({
    ":method": "GET",
    ":path": "/v1/me",
    ...Object.fromEntries(headers),
  });
  return status < 300 ? "good" : `${status} ${(JSON.parse(text) as Problem).code}`; // errors are RFC 9457
}

const cookie = `Cookie: __Host-holdfast=${secrets["a browser's cookie"]}`;
const org = `Holdfast-Org: ${owner.org}`;
type Carried = readonly [how: string, source: string, outcome: string, ask: () => Promise<string>];
const carried: readonly Carried[] = [
  ["by a scheme in capitals", "RFC 9110, 11.1", "good", () => getting(`Authorization: BEARER ${token}`)],
  ["behind several spaces", "RFC 9110, 11.4", "good", () => getting(`Authorization: Bearer   ${token}  `)],
  [
    "twice, and the same",
    "RFC 6750, 2",
    "good",
    () => getting(`Authorization: Bearer ${token}`, `X-Auth-Token: ${token}`),
  ],
  ["behind a tab", "RFC 9110, 11.4", missing, () => getting(`Authorization: Bearer\t${token}`)],
  ["without a scheme", "RFC 9110, 11.4", missing, () => getting(`Authorization: ${token}`)],
  ["by a scheme alone", "RFC 9110, 11.4", missing, () => getting("Authorization: Bearer")],
  ["by another scheme", "RFC 9110, 11.1", missing, () => getting(`Authorization: Basic ${token}`)],
  ["with a realm", "RFC 6750, 2.1", missing, () => getting(`Authorization: Bearer realm="x", ${token}`)],
  ["in quotes", "RFC 6750, 2.1", invalid, () => getting(`Authorization: Bearer "${token}"`)],
  ["as a list", "RFC 9110, 5.3", missing, () => getting(`Authorization: Bearer ${token}, Bearer ${key}`)],
  ["as a list of itself", "RFC 9110, 5.3", invalid, () => getting(`Authorization: Bearer ${token},${token}`)],
  [
    "in two headers",
    "RFC 9110, 5.3",
    invalid,
    () => getting(...[token, key].map((one) => `Authorization: Bearer ${one}`)),
  ],
  [
    "in the second of two headers",
    "RFC 9110, 5.3",
    invalid,
    () => getting("Authorization: Basic eDp5", `Authorization: Bearer ${token}`),
  ],
  [
    "in two headers that agree",
    "RFC 9110, 5.3",
    invalid,
    () => getting(...[token, token].map((one) => `Authorization: Bearer ${one}`)),
  ],
  [
    "in two headers of HTTP/2",
    "RFC 9110, 5.3",
    invalid,
    () => overHttp2(["authorization", [`Bearer ${token}`, `Bearer ${key}`]]),
  ],
  [
    "in two headers of our own",
    "RFC 9110, 5.3",
    invalid,
    () => getting(...[token, key].map((one) => `X-Auth-Token: ${one}`)),
  ],
  ["in two headers of our own in HTTP/2", "RFC 9110, 5.3", invalid, () => overHttp2(["x-auth-token", [token, key]])],
  [
    "in two headers that differ",
    "RFC 6750, 2",
    invalid,
    () => getting(`Authorization: Bearer ${token}`, `X-Auth-Token: ${key}`),
  ],
  ["beside a cookie", "RFC 6750, 2", invalid, () => getting(cookie, org, `Authorization: Bearer ${token}`)],
  ["beside a cookie, in our own header", "RFC 6750, 2", invalid, () => getting(cookie, org, `X-Auth-Token: ${token}`)],
  ["as two cookies", "RFC 6265, 5.4", invalid, () => getting(cookie, cookie, org)],
  ["in a cookie of another name", "RFC 6265, 4.2", missing, () => getting(cookie.replace("__Host-", ""), org)],
  ["in the query", "RFC 6750, 2.3", isExposed, () => raw(`GET /v1/me?access_token=${token} HTTP/1.1`)],
  [
    "in the query, encoded",
    "RFC 6750, 2.3",
    isExposed,
    () => raw(`GET /v1/me?t=${token.replace("hf_", "%68f%5F")} HTTP/1.1`),
  ],
  [
    "in the query, beside a good one",
    "RFC 6750, 2.3",
    isExposed,
    () => raw(`GET /v1/me?t=${token} HTTP/1.1`, `Authorization: Bearer ${token}`),
  ],
  ["in the path", "RFC 9700, 4.3", isExposed, () => raw(`GET /v1/me;token=${token} HTTP/1.1`)],
  [
    "in front of the host",
    "RFC 3986, 3.2.1",
    isExposed,
    () => raw(`GET https://${key.replace(".", ":")}@localhost/v1/me HTTP/1.1`),
  ],
  ["in a form", "RFC 6750, 2.2", missing, () => posting("application/x-www-form-urlencoded", `access_token=${token}`)],
  [
    "in a body",
    "RFC 6750, 2.2",
    missing,
    () => posting("application/json", JSON.stringify({ token, access_token: token, name: "x" })),
  ],
  [
    "behind the body",
    "RFC 9110, 6.5.1",
    missing,
    () =>
      raw(
        "POST /v1/applications HTTP/1.1",
        "Transfer-Encoding: chunked",
        "Trailer: Authorization",
        "",
        "0",
        `Authorization: Bearer ${token}`,
      ),
  ],
  ["for a proxy", "RFC 9110, 11.7", missing, () => getting(`Proxy-Authorization: Bearer ${token}`)],
  [
    "by a proxy's word",
    "RFC 9110, 7.6",
    missing,
    () => getting(`X-Forwarded-Authorization: Bearer ${token}`, `X-Original-Authorization: Bearer ${token}`),
  ],
  [
    "as another's header",
    "RFC 6750, 2",
    missing,
    () => getting(`X-Api-Key: ${token}`, `Api-Key: ${token}`, `Token: ${token}`),
  ],
  [
    "as who somebody is",
    "RFC 9110, 10.1.2",
    missing,
    () => getting(`From: ${owner.person}`, `X-Forwarded-User: ${owner.person}`, `X-Remote-User: ${owner.person}`),
  ],
  [
    "as a certificate by a proxy's word",
    "RFC 9440, 2",
    missing,
    () => getting("Client-Cert: :AAAA:", "X-Client-Cert: AAAA", "X-SSL-Client-Verify: SUCCESS"),
  ],
  [
    "behind a space in the header's name",
    "RFC 9112, 5.1",
    "400 request.malformed",
    () => getting(`Authorization : Bearer ${token}`),
  ],
  ["on a folded line", "RFC 9112, 5.2", "400 request.malformed", () => getting("Authorization: Bearer", ` ${token}`)],
];

test("a request shows one credential in one header, once, and no other part of it counts", async () => {
  for (const [how, source, outcome, sent] of carried) assert.equal(await sent(), outcome, `${how} (${source})`);
});
