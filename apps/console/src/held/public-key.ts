import type { Input } from "@holdfast/client";
import type { routes } from "@holdfast/protocol";

/** As the platform takes it. */
export type PublicKey = NonNullable<Input<typeof routes.createToken>["body"]["publicKey"]>;

/** What somebody pasted: a key, in a certificate or alone; or why it is none. */
export type Read =
  | { readonly key: PublicKey; readonly certificate: Uint8Array<ArrayBuffer> | undefined }
  | { readonly fault: "private" | "unknown" | "kind" };

const spkiOf = {
  // RFC 8410, 4: 32 bytes follow.
  ed25519: "302a300506032b6570032100",
  // RFC 5480, 2.2: x and y follow, 32 bytes each, not compressed.
  p256: "3059301306072a8648ce3d020106082a8648ce3d03010703420004",
} as const;

/** A public key of Ed25519 or P-256 in PEM or as a JWK, or the certificate of one. */
export function readPublicKey(text: string): Read {
  if (/PRIVATE KEY-----|"d"\s*:/.test(text)) return { fault: "private" };
  if (text.trimStart().startsWith("{")) return keyOfJwk(text);
  const [, what, base64 = ""] =
    /-----BEGIN (CERTIFICATE|PUBLIC KEY)-----([A-Za-z0-9+/=\s]+)-----END \1-----/.exec(text) ?? [];
  const bytes = what === undefined ? undefined : bytesOf(base64);
  if (!bytes) return { fault: "unknown" };
  if (what === "PUBLIC KEY") return keyOfSpki(bytes, undefined);
  const spki = keyInCertificate(bytes);
  return spki ? keyOfSpki(spki, bytes) : { fault: "unknown" };
}

/** RFC 7638: what the platform calls the key, too. */
export const thumbprintOf = async (key: PublicKey): Promise<string> =>
  base64url(
    await digest(
      new TextEncoder().encode(
        key.kty === "EC"
          ? JSON.stringify({ crv: key.crv, kty: key.kty, x: key.x, y: key.y })
          : JSON.stringify({ crv: key.crv, kty: key.kty, x: key.x }),
      ),
    ),
  );

/** As `openssl x509 -fingerprint -sha256` writes it. */
export const fingerprintOf = async (certificate: Uint8Array<ArrayBuffer>): Promise<string> =>
  hex(new Uint8Array(await digest(certificate)))
    .toUpperCase()
    .replace(/..(?=.)/g, "$&:");

const digest = (bytes: Uint8Array<ArrayBuffer>) => crypto.subtle.digest("SHA-256", bytes);

function keyOfJwk(text: string): Read {
  let read: unknown;
  try {
    read = JSON.parse(text);
  } catch {
    return { fault: "unknown" }; // the form says what should have been there
  }
  const member = (name: string): string => {
    const value: unknown = typeof read === "object" && read !== null ? Reflect.get(read, name) : undefined;
    return typeof value === "string" ? value : "";
  };
  const [kty, crv, x, y] = [member("kty"), member("crv"), member("x"), member("y")];
  const isCoordinate = (one: string) => /^[A-Za-z0-9_-]{43}$/.test(one);
  if (kty === "OKP" && crv === "Ed25519" && isCoordinate(x)) return { key: { kty, crv, x }, certificate: undefined };
  if (kty === "EC" && crv === "P-256" && isCoordinate(x) && isCoordinate(y))
    return { key: { kty, crv, x, y }, certificate: undefined };
  return { fault: kty === "" ? "unknown" : "kind" };
}

function keyOfSpki(spki: Uint8Array<ArrayBuffer>, certificate: Uint8Array<ArrayBuffer> | undefined): Read {
  const text = hex(spki);
  const after = (prefix: string, length: number) =>
    text.startsWith(prefix) && spki.length === prefix.length / 2 + length
      ? spki.subarray(prefix.length / 2)
      : undefined;
  const ed = after(spkiOf.ed25519, 32);
  if (ed) return { key: { kty: "OKP", crv: "Ed25519", x: base64url(ed) }, certificate };
  const point = after(spkiOf.p256, 64);
  if (!point) return { fault: "kind" };
  const [x, y] = [base64url(point.subarray(0, 32)), base64url(point.subarray(32))];
  return { key: { kty: "EC", crv: "P-256", x, y }, certificate };
}

/** RFC 5280, 4.1: the seventh field of what is signed, or the sixth where the version is left out. */
function keyInCertificate(certificate: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> | undefined {
  const signed = elementAt(certificate, elementAt(certificate, 0)?.content);
  let field = elementAt(certificate, signed?.content);
  const isVersion = field?.tag === 0xa0;
  for (let more = isVersion ? 6 : 5; more > 0; more -= 1) field = elementAt(certificate, field?.end);
  return field?.tag === 0x30 ? certificate.subarray(field.begin, field.end) : undefined;
}

type Element = { readonly tag: number; readonly begin: number; readonly content: number; readonly end: number };

/** One element of DER (X.690, 8.1): where it stands, and what is in it. */
function elementAt(bytes: Uint8Array, begin: number | undefined): Element | undefined {
  if (begin === undefined || begin + 2 > bytes.length) return undefined;
  const [tag = 0, first = 0] = bytes.subarray(begin, begin + 2);
  const more = first < 0x80 ? 0 : first - 0x80;
  if (more > 3) return undefined;
  const content = begin + 2 + more;
  const length = more === 0 ? first : bytes.subarray(begin + 2, content).reduce((sum, byte) => sum * 256 + byte, 0);
  const end = content + length;
  return end <= bytes.length ? { tag, begin, content, end } : undefined;
}

function bytesOf(base64: string): Uint8Array<ArrayBuffer> | undefined {
  try {
    return Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
  } catch {
    return undefined; // not base64: the form says so
  }
}

const hex = (bytes: Uint8Array): string => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

export function base64(bytes: ArrayBuffer | Uint8Array): string {
  return btoa(Array.from(new Uint8Array(bytes), (byte) => String.fromCharCode(byte)).join(""));
}

const base64url = (bytes: ArrayBuffer | Uint8Array): string =>
  base64(bytes).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
