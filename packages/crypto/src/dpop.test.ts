import assert from "node:assert/strict";
import { createHmac, generateKeyPairSync, sign, type KeyObject } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import { EmbeddedJWK, jwtVerify, SignJWT } from "jose";
import { digestForDpop, readDpop } from "./dpop.ts";
import { parsePublicKey, type PublicKey } from "./proof.ts";

type Pair = { readonly privateKey: KeyObject; readonly publicKey: PublicKey; readonly alg: "EdDSA" | "ES256" };

function pair(kind: "Ed25519" | "P-256"): Pair {
  const { privateKey, publicKey } =
    kind === "Ed25519" ? generateKeyPairSync("ed25519") : generateKeyPairSync("ec", { namedCurve: "P-256" });
  const key = parsePublicKey(publicKey.export({ format: "jwk" }) as PublicKey);
  assert.ok(key);
  return { privateKey, publicKey: key, alg: kind === "Ed25519" ? "EdDSA" : "ES256" };
}

const pairs = [pair("Ed25519"), pair("P-256")];
const said = {
  jti: "1",
  htm: "POST",
  htu: "https://localhost/v1/me/telemetry",
  iat: 1_700_000_000,
  ath: digestForDpop("hf_…"),
};

const part = (value: unknown) =>
  Buffer.from(typeof value === "string" ? value : JSON.stringify(value)).toString("base64url");

/** Signed as it stands, whatever stands there. */
function signed({ privateKey, alg }: Pair, header: unknown, claims: unknown = said): string {
  const text = `${part(header)}.${part(claims)}`;
  const key = alg === "ES256" ? { key: privateKey, dsaEncoding: "ieee-p1363" as const } : privateKey;
  return `${text}.${sign(alg === "ES256" ? "sha256" : null, Buffer.from(text), key).toString("base64url")}`;
}

const headerOf = ({ alg, publicKey }: Pair) => ({ typ: "dpop+jwt", alg, jwk: publicKey });

test("a proof that a well-known library makes is read, and one that we read is good for it too", async () => {
  for (const one of pairs) {
    const proof = await new SignJWT(said)
      .setProtectedHeader({ typ: "dpop+jwt", alg: one.alg, jwk: one.publicKey })
      .sign(one.privateKey);
    assert.deepEqual(readDpop(proof, one.publicKey), said);
    const { payload } = await jwtVerify(signed(one, headerOf(one)), EmbeddedJWK, { typ: "dpop+jwt" });
    assert.deepEqual(payload, said);
  }
});

for (const one of pairs) {
  const other = pair(one.alg === "EdDSA" ? "Ed25519" : "P-256");
  const header = headerOf(one);
  const good = signed(one, header);
  const [first = "", second = "", third = ""] = good.split(".");
  const hmac = (alg: string) => {
    const text = `${part({ ...header, alg })}.${second}`;
    const secret = Buffer.from(JSON.stringify(one.publicKey));
    return `${text}.${createHmac("sha256", secret).update(text).digest("base64url")}`;
  };
  const attacks: Readonly<Record<string, string>> = {
    "no algorithm": `${part({ ...header, alg: "none" })}.${second}.`,
    "no algorithm, by another spelling": `${part({ ...header, alg: "nOnE" })}.${second}.`,
    "no algorithm, with the signature left": `${part({ ...header, alg: "none" })}.${second}.${third}`,
    "the public key as the secret of an HMAC": hmac("HS256"),
    "an HMAC that says it is a signature": hmac(one.alg),
    "the algorithm of another kind of key": signed(one, { ...header, alg: one.alg === "EdDSA" ? "ES256" : "EdDSA" }),
    "RSA's algorithm": signed(one, { ...header, alg: "PS256" }),
    "signed with another key": signed(other, header),
    "another key, embedded and signed with": signed(other, headerOf(other)),
    "another key embedded, and signed with the right one": signed(one, { ...header, jwk: other.publicKey }),
    "no key": signed(one, { typ: header.typ, alg: header.alg }),
    "a private key": signed(one, { ...header, jwk: one.privateKey.export({ format: "jwk" }) }),
    "a kid that leads elsewhere": signed(one, { ...header, kid: "../../dev/null" }),
    "a kid that is a query": signed(one, { ...header, kid: "x' union select '" }),
    "a jku": signed(one, { ...header, jku: "https://evil.example/keys.json" }),
    "an x5u": signed(one, { ...header, x5u: "https://evil.example/chain.pem" }),
    "an x5c": signed(one, { ...header, x5c: ["MIIB"] }),
    "a crit": signed(one, { ...header, crit: ["exp"], exp: 0 }),
    "an unencoded payload": signed(one, { ...header, b64: false, crit: ["b64"] }),
    "the type of another token": signed(one, { ...header, typ: "JWT" }),
    "the type of ours": signed(one, { ...header, typ: "holdfast+jwt" }),
    "no type": signed(one, { alg: header.alg, jwk: header.jwk }),
    "a header that is a list": signed(one, [header]),
    "a header that is no JSON": signed(one, "{"),
    "claims that are a list": signed(one, header, [said]),
    "claims that were changed": `${first}.${part({ ...said, htm: "GET" })}.${third}`,
    "claims without an id": signed(one, header, { ...said, jti: "" }),
    "claims without a time": signed(one, header, { ...said, iat: "now" }),
    "claims without the credential": signed(one, header, { ...said, ath: undefined }),
    "a nonce that is a list": signed(one, header, { ...said, nonce: ["a"] }),
    padding: `${first}.${second}.${third}==`,
    "another alphabet": `${first}.${second}.${Buffer.from(third, "base64url").toString("base64").replace(/=+$/, "+")}`,
    "a line end": `${good}\n`,
    "a part more": `${good}.`,
    "a part less": `${first}.${second}`,
    "five parts": `${first}.${second}.${third}.${second}.${third}`,
    "two at once": `${good}, ${good}`,
    "too long a one": signed(one, header, { ...said, more: "a".repeat(5_000) }),
  };
  for (const [what, proof] of Object.entries(attacks)) {
    test(`${one.publicKey.crv}: ${what} proves nothing`, () => {
      assert.ok(readDpop(good, one.publicKey));
      assert.equal(readDpop(proof, one.publicKey), undefined);
    });
  }

  test(`${one.publicKey.crv}: no character of a proof can be another one, and no text breaks what reads it`, () => {
    const characters = fc.constantFrom("A", "B", "a", "b", "0", "1", "-", "_", "+", "/", "=", ".", " ", "\n", "\u00e9");
    fc.assert(
      fc.property(fc.nat(good.length - 1), characters, (at, character) => {
        if (good[at] === character) return;
        assert.equal(readDpop(good.slice(0, at) + character + good.slice(at + 1), one.publicKey), undefined);
      }),
      { numRuns: 500 },
    );
    fc.assert(
      fc.property(fc.string({ maxLength: 400, size: "max" }), (text) =>
        assert.equal(readDpop(text, one.publicKey), undefined),
      ),
    );
  });
}
