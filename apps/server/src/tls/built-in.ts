import { createHash, X509Certificate } from "node:crypto";
import { Refusal, type Instant, type Random } from "@holdfast/kernel";
import { bundleOf } from "./bundle.ts";
import { describe, validityOf, type CertificateInfo } from "./certificate.ts";
import {
  openRoot,
  readKept,
  readSpare,
  signerOf,
  writeKept,
  writeSpare,
  type Kept,
  type Root,
  type SecretPlace,
} from "./kept.ts";
import {
  chooseRoots,
  firstRootValidity,
  isLeafDue,
  laterRootValidity,
  leafLife,
  leeway,
  rootReserve,
} from "./roots.ts";
import { newKeys, selfSign, signServer, type Signed } from "./sign.ts";
import type { Identity, Source, Staging, Step } from "./source.ts";

type Needs = {
  readonly secrets: SecretPlace;
  readonly random: Random;
  /** What the server certificate must be valid for. */
  readonly names: readonly string[];
};

/** The platform's own authority: a root that signs, one to come, a spare, and a server certificate that is renewed in time. */
export class BuiltIn implements Source, Staging {
  readonly kind = "builtIn";
  readonly #needs: Needs;
  #state: Settled;

  private constructor(needs: Needs, state: Settled) {
    this.#needs = needs;
    this.#state = state;
  }

  static async open(needs: Needs, now: Instant): Promise<BuiltIn> {
    return new BuiltIn(needs, await settle(await readKept(needs.secrets), needs, now));
  }

  get identity(): Identity {
    return this.#state.identity;
  }

  get authorities(): readonly CertificateInfo[] {
    const { current, coming, spare } = this.#state;
    return [
      describe(current.x509, { purpose: "authority", state: "current" }),
      describe(coming.x509, { purpose: "authority", state: "coming" }),
      describe(spare.x509, { purpose: "authority", state: "spare" }),
    ];
  }

  get staging(): Staging {
    return this;
  }

  get bundle() {
    return this.#state.bundle;
  }

  get switchesAt(): Instant {
    return (this.#state.current.notAfter - rootReserve) as Instant; // milliseconds both
  }

  async isSpareHere(): Promise<boolean> {
    return (await readSpare(this.#needs.secrets, this.#state.spare.certificate)) !== undefined;
  }

  async renew(now: Instant): Promise<boolean> {
    const before = this.#state.kept;
    this.#state = await settle(before, this.#needs, now);
    return this.#state.kept !== before;
  }

  async switchTo(step: Step, now: Instant): Promise<void> {
    const { secrets } = this.#needs;
    const { kept, coming, spare } = this.#state;
    const taken = step === "coming" ? signerOf(coming) : await readSpare(secrets, spare.certificate);
    if (!taken) throw new Refusal("roots.spareAway");
    const roots = kept.roots.map((root) => {
      if (root.certificate === taken.certificate) return { ...taken, role: "signs" as const };
      // Whoever goes over to the spare does so because the others' keys may be known.
      const stays = root.role === "spare" && step === "coming";
      return stays ? root : { certificate: root.certificate, role: "past" as const };
    });
    // Another root signs, so there is another certificate, and all of it is kept at once.
    this.#state = await settle({ ...kept, roots }, this.#needs, now);
  }

  watch(): { close(): void } {
    return { close: () => {} }; // only time changes what is kept here
  }
}

type Settled = {
  readonly kept: Kept;
  readonly identity: Identity;
  readonly current: Root;
  readonly coming: Root;
  readonly spare: Root;
  readonly bundle: NonNullable<Kept["bundle"]>;
};

/** Makes whatever is missing or due, remembers it, and only then answers: what is shown to clients is never lost. */
async function settle(before: Kept | undefined, needs: Needs, now: Instant): Promise<Settled> {
  let after = before ?? (await firstRoot(needs.random, now));
  const choose = () => chooseRoots(after.roots.map(openRoot), now);
  let { current, coming, spare } = choose();
  if (!current) {
    // Both have come to their end, or the clock stands before their beginning. See chooseRoots.
    after = withRoot(after, await newRoot(after, firstRootValidity(now), needs.random));
    ({ current, coming, spare } = choose());
  }
  if (!current) throw new Error("a root that was made for now is not usable now");
  if (!coming) {
    after = withRoot(after, await newRoot(after, laterRootValidity(now, current), needs.random));
    coming = choose().coming;
  }
  if (!coming) throw new Error("a root that was made to come is not usable");
  if (!spare) {
    const made = await newRoot(after, laterRootValidity(now, coming), needs.random);
    await writeSpare(needs.secrets, made);
    after = withRoot(after, { certificate: made.certificate, role: "spare" });
    spare = choose().spare;
  }
  if (!spare) throw new Error("a spare that was made now is not usable");
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
  const bundle = bundleOf(after, [current, coming], now);
  if (!bundle) throw new Error("roots were not bundled");
  if (bundle !== after.bundle) after = { ...after, bundle };
  if (after !== before) await writeKept(needs.secrets, after);
  return { kept: after, identity: identityOf(after), current, coming, spare, bundle };
}

function identityOf({ leaf }: Kept): Identity {
  if (!leaf) throw new Error("an authority was kept without a server certificate");
  return { cert: leaf.certificate, key: leaf.key, leaf: new X509Certificate(leaf.certificate) };
}

async function firstRoot(random: Random, now: Instant): Promise<Kept> {
  const keys = await newKeys();
  const spki = await crypto.subtle.exportKey("spki", keys.publicKey);
  const instance = createHash("sha256").update(new Uint8Array(spki)).digest("hex").slice(0, 8);
  const about = { commonName: rootName(instance, 1), ...firstRootValidity(now) };
  return withRoot({ format: 2, instance, roots: [] }, await selfSign(keys, about, random));
}

async function newRoot({ instance, roots }: Kept, validity: { notBefore: number; notAfter: number }, random: Random) {
  return selfSign(await newKeys(), { commonName: rootName(instance, roots.length + 1), ...validity }, random);
}

const withRoot = (state: Kept, root: Signed | Pick<Kept["roots"][number], "certificate" | "role">): Kept => ({
  ...state,
  roots: [...state.roots, { role: "signs", ...root }],
});

const rootName = (instance: string, ordinal: number) => `Holdfast ${instance} root ${ordinal}`;

async function newLeaf({ instance }: Kept, root: Root, { names, random }: Needs, now: Instant) {
  const notBefore = now - leeway;
  const notAfter = Math.min(notBefore + leafLife, root.notAfter);
  const about = { commonName: `Holdfast ${instance} server`, names, notBefore, notAfter };
  return { ...(await signServer(signerOf(root), about, random)), names: [...names] };
}

const isSignedBy = (leaf: X509Certificate, { x509 }: Root) => leaf.checkIssued(x509) && leaf.verify(x509.publicKey);

const sameNames = (a: readonly string[], b: readonly string[]) => new Set(a).symmetricDifference(new Set(b)).size === 0;
