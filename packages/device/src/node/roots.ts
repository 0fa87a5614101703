import { verify, X509Certificate } from "node:crypto";
import { DeviceError, Roots, type Told } from "../index.ts";
import { ask } from "./ask.ts";
import { fileAt } from "./place.ts";

export type RootsOptions = {
  /** Where those are kept that took the place of the first. */
  readonly file: string;
  /** PEM of what is trusted at first. */
  readonly first: string | readonly string[];
  /** The platform, `https://HOST:PORT`: it says at `/security/roots` what to trust. */
  readonly url: string;
};

/** Roots that follow the platform's: it is asked each day, over TLS that those vouch for which are trusted already, and what it says has to be signed by one of them. */
export function openRoots({ file, first, url }: RootsOptions): Roots {
  return new Roots({
    place: fileAt(file),
    first: typeof first === "string" ? [first] : first,
    check,
    ask: (trusted) => askedRoots(url, trusted),
  });
}

type Bundle = {
  readonly signed: string;
  readonly signatures: readonly { readonly root: string; readonly signature: string }[];
};
type Signed = { readonly purpose: string; readonly version: number; readonly roots: readonly string[] };

const path = "/security/roots";

async function askedRoots(url: string, trusted: readonly string[]): Promise<Told | undefined> {
  const { status, text } = await ask(new URL(path, url).href, { ca: [...trusted] });
  // Its certificate is from files, or it is older than these bundles: it tells of none, and what it told otherwise would be nobody's word.
  if (status === 404) return undefined;
  if (status !== 200) throw new DeviceError("roots.unread", { detail: `${path}: ${status}` });
  const { signed, signatures } = JSON.parse(text) as Bundle; // the platform's API
  const bytes = Buffer.from(signed, "base64");
  // TLS vouches for whoever has the server's key. That is not enough: it could be stolen for a day, and a root is for years.
  const roots = certificatesIn(trusted);
  const isSigned = signatures.some(({ root: named, signature }) =>
    roots.some(
      ({ fingerprint256, publicKey }) =>
        fingerprint256 === named && verify("sha256", bytes, publicKey, Buffer.from(signature, "base64")),
    ),
  );
  if (!isSigned) throw new DeviceError("roots.unsigned");
  const said = JSON.parse(bytes.toString()) as Signed; // signed by the platform
  if (said.purpose !== "holdfast/roots") throw new DeviceError("roots.unsigned");
  return { roots: said.roots, version: said.version };
}

const block = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** A PEM may hold several. */
const certificatesIn = (pems: readonly string[]): readonly X509Certificate[] =>
  pems.flatMap((pem) => pem.match(block) ?? []).map((pem) => new X509Certificate(pem));

function check(pem: string): void {
  try {
    new X509Certificate(pem);
  } catch (cause) {
    throw new DeviceError("roots.invalid", { cause });
  }
}
