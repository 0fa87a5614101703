import { createHash, X509Certificate } from "node:crypto";
import { Refusal, type Instant, type Random } from "@holdfast/kernel";
import { z } from "zod";
import { describe, validityOf, type CertificateInfo } from "./certificate.ts";
import { chooseRoots, comingRootValidity, firstRootValidity, isLeafDue, leafLife, leeway } from "./roots.ts";
import { newKeys, selfSign, signServer, type Signed } from "./sign.ts";
import type { Identity, Source } from "./source.ts";

/** Where private keys are remembered: the keyring does it. `keepSecret` replaces what stood under the name, at once or not at all. */
export interface SecretPlace {
  secret(name: string): Promise<Uint8Array | undefined>;
  keepSecret(name: string, bytes: Uint8Array): Promise<void>;
}

type Needs = {
  readonly secrets: SecretPlace;
  readonly random: Random;
  /** What the server certificate must be valid for. */
  readonly names: readonly string[];
};

/** One secret for everything, so that a root and what it signed never come apart. */
const place = "tls.authority";

const signed = z.object({ certificate: z.string(), key: z.string() });
const kept = z.object({
  format: z.literal(1),
  /** Eight hex digits that tell this instance from others in a list of trusted authorities. */
  instance: z.string(),
  roots: z.array(signed),
  leaf: signed.extend({ names: z.array(z.string()) }).optional(),
});
type Kept = z.infer<typeof kept>;

type Root = Signed & { readonly x509: X509Certificate; readonly notBefore: number; readonly notAfter: number };

/** The platform's own authority: a root that signs, a root to come, and a server certificate that is renewed in time. */
export class BuiltIn implements Source {
  readonly kind = "builtIn";
  readonly #needs: Needs;
  #kept: Kept;
  #identity: Identity;
  #authorities: readonly CertificateInfo[];

  private constructor(needs: Needs, state: Settled) {
    this.#needs = needs;
    this.#kept = state.kept;
    this.#identity = state.identity;
    this.#authorities = state.authorities;
  }

  static async open(needs: Needs, now: Instant): Promise<BuiltIn> {
    const bytes = await needs.secrets.secret(place);
    return new BuiltIn(needs, await settle(bytes && parse(bytes), needs, now));
  }

  get identity(): Identity {
    return this.#identity;
  }

  get authorities(): readonly CertificateInfo[] {
    return this.#authorities;
  }

  async renew(now: Instant): Promise<boolean> {
    const state = await settle(this.#kept, this.#needs, now);
    if (state.kept === this.#kept) return false;
    this.#kept = state.kept;
    this.#identity = state.identity;
    this.#authorities = state.authorities;
    return true;
  }

  watch(): { close(): void } {
    return { close: () => {} }; // only time changes what is kept here
  }
}

type Settled = { kept: Kept; identity: Identity; authorities: readonly CertificateInfo[] };

/** Makes whatever is missing or due, remembers it, and only then answers: what is shown to clients is never lost. */
async function settle(before: Kept | undefined, needs: Needs, now: Instant): Promise<Settled> {
  let after = before ?? (await firstRoot(needs.random, now));
  let { current, coming } = chooseRoots(after.roots.map(open), now);
  if (!current) {
    // Both have come to their end, or the clock stands before their beginning. See chooseRoots.
    after = { ...after, roots: [...after.roots, await newRoot(after, firstRootValidity(now), needs.random)] };
    ({ current, coming } = chooseRoots(after.roots.map(open), now));
  }
  if (!current) throw new Error("a root that was made for now is not usable now");
  if (!coming) {
    const next = await newRoot(after, comingRootValidity(now, current), needs.random);
    coming = open(next);
    after = { ...after, roots: [...after.roots, next] };
  }
  const leaf = after.leaf;
  const x509 = leaf && new X509Certificate(leaf.certificate);
  if (
    !leaf ||
    !x509 ||
    !isSignedBy(x509, current) ||
    !sameNames(leaf.names, needs.names) ||
    isLeafDue(validityOf(x509), now)
  ) {
    after = { ...after, leaf: await newLeaf(after, current, needs, now) };
  }
  if (after !== before) {
    await needs.secrets.keepSecret(place, new TextEncoder().encode(JSON.stringify(after)));
  }
  return { kept: after, identity: identityOf(after), authorities: authoritiesOf(current, coming) };
}

function identityOf({ leaf }: Kept): Identity {
  if (!leaf) throw new Error("an authority was kept without a server certificate");
  return { cert: leaf.certificate, key: leaf.key, leaf: new X509Certificate(leaf.certificate) };
}

const authoritiesOf = (current: Root, coming: Root): CertificateInfo[] => [
  describe(current.x509, { purpose: "authority", state: "current" }),
  describe(coming.x509, { purpose: "authority", state: "coming" }),
];

async function firstRoot(random: Random, now: Instant): Promise<Kept> {
  const keys = await newKeys();
  const spki = await crypto.subtle.exportKey("spki", keys.publicKey);
  const instance = createHash("sha256").update(new Uint8Array(spki)).digest("hex").slice(0, 8);
  const about = { commonName: rootName(instance, 1), ...firstRootValidity(now) };
  return { format: 1, instance, roots: [await selfSign(keys, about, random)] };
}

async function newRoot({ instance, roots }: Kept, validity: { notBefore: number; notAfter: number }, random: Random) {
  return selfSign(await newKeys(), { commonName: rootName(instance, roots.length + 1), ...validity }, random);
}

const rootName = (instance: string, ordinal: number) => `Holdfast ${instance} root ${ordinal}`;

async function newLeaf({ instance }: Kept, root: Root, { names, random }: Needs, now: Instant) {
  const notBefore = now - leeway;
  const about = { commonName: `Holdfast ${instance} server`, names, notBefore, notAfter: notBefore + leafLife };
  return { ...(await signServer(root, about, random)), names: [...names] };
}

function open(root: Signed): Root {
  const x509 = new X509Certificate(root.certificate);
  return { ...root, x509, ...validityOf(x509) };
}

const isSignedBy = (leaf: X509Certificate, { x509 }: Root) => leaf.checkIssued(x509) && leaf.verify(x509.publicKey);

const sameNames = (a: readonly string[], b: readonly string[]) => new Set(a).symmetricDifference(new Set(b)).size === 0;

function parse(bytes: Uint8Array): Kept {
  try {
    return kept.parse(JSON.parse(new TextDecoder().decode(bytes)));
  } catch {
    // Without the cause: a parser's message may quote what it read, and that is a private key.
    throw new Refusal("tls.unusable", {
      detail: "What the keyring keeps for TLS cannot be read. Restore a keys backup.",
    });
  }
}
