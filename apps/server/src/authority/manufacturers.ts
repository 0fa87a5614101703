import type { X509Certificate } from "node:crypto";
import { digestSecret } from "@holdfast/crypto";
import { Refusal, type Clock, type Id, type Instant, type Random } from "@holdfast/kernel";
import { parseGrants } from "@holdfast/protocol";
import type { Storage, Unit } from "../storage/index.ts";
import { readCertificate } from "./births.ts";
import { callerOf, refusedBy } from "./caller.ts";
import { nobody } from "./circumstances.ts";
import type { Credential } from "./credential.ts";
import { enrolmentsIn } from "./enrolment-rows.ts";
import { applicationKeyOf, type Wanted } from "./heritage.ts";
import type { Issuing, Signer } from "./issuing.ts";
import { usualGrants } from "./kinds.ts";
import { faultOfAuthority, printOf, proves, textToSign } from "./manufacturer.ts";
import { manufacturersIn } from "./manufacturer-rows.ts";
import type { MintedKey, Minting } from "./minting.ts";
import type { Permit } from "./permit.ts";
import { authorityIn } from "./postgres.ts";
import { compile, standingOf } from "./power.ts";
import type { Space } from "./space.ts";

type Needs = {
  readonly storage: Storage;
  readonly minting: Pick<Minting, "shownIn">;
  readonly signer: Pick<Signer, "look">;
  readonly clock: Clock;
  readonly random: Random;
};

/** What is asked for, and the answer to what was asked of the authority's key. */
export type NewManufacturer = Pick<Wanted, "name" | "lifetime" | "conditions"> & {
  readonly certificate: string;
  readonly nonce: string;
  readonly signature: Uint8Array;
  readonly product: Id<"product">;
  readonly most: number | undefined;
  /** Milliseconds. */
  readonly validFor: number;
};

export type KnownManufacturer = {
  readonly credential: Credential;
  readonly standing: ReturnType<typeof standingOf>;
  readonly product: Id<"product">;
  readonly x509: X509Certificate;
  readonly enrolled: number;
};

const nonceBytes = 32;
const patience = 600_000; // milliseconds in which to sign: the key may be in a safe
const most = 100;

/** Manufacturers whose devices enrol by their birth certificates: each is a credential by which devices enrol, that has no secret. */
export class Manufacturers {
  readonly #needs: Needs;
  readonly #issuing: Pick<Issuing, "prepareIn">;

  constructor(needs: Needs, issuing: Pick<Issuing, "prepareIn">) {
    this.#needs = needs;
    this.#issuing = issuing;
  }

  /** What the key of this certificate has to sign. @throws Refusal `manufacturer.certificate` */
  async ask(
    permit: Permit<"accessKey.create">,
    certificate: string,
  ): Promise<{ readonly nonce: string; readonly text: string; readonly expiresAt: Instant }> {
    const { storage, random } = this.#needs;
    const { fingerprint256 } = await this.#read(certificate);
    const nonce = random.bytes(nonceBytes);
    return storage.change(permit, async (unit) => {
      const expiresAt = (unit.at + patience) as Instant; // milliseconds both
      await manufacturersIn(unit).ask(nonce, fingerprint256, expiresAt);
      unit.audit({ what: "manufacturer.asked", about: permit.on, facts: { sha256: fingerprint256 } });
      const text = textToSign(unit.scope.org, fingerprint256, nonce.toHex());
      return { nonce: nonce.toHex(), text, expiresAt };
    });
  }

  /**
   * By whoever proves the key of the certificate: nobody lets devices in that somebody else made.
   * @throws Refusal `manufacturer.…`, `product.unknown`, and as any credential that is made
   */
  async add(permit: Permit<"accessKey.create">, asked: NewManufacturer): Promise<MintedKey> {
    const { storage, minting } = this.#needs;
    const { nonce, signature, product, most: enrolling, validFor, certificate, ...about } = asked;
    const x509 = await this.#read(certificate);
    const { fingerprint256: sha256, publicKey } = x509;
    const unproved = new Refusal("manufacturer.unproved");
    if (!/^[0-9a-f]{64}$/.test(nonce)) throw unproved;
    if (!proves(publicKey, textToSign(permit.scope.org, sha256, nonce), signature)) throw unproved;
    const manufacturer = { certificate: x509.toString(), sha256 };
    const enrols = { product, validFor, manufacturer, ...(enrolling !== undefined && { most: enrolling }) };
    const wanted = { ...about, grants: parseGrants(usualGrants.enrolment), enrols };
    const { space } = callerOf(permit);
    if (!space.hasProduct(product))
      throw refusedBy(permit, "accessKey.create", product, new Refusal("product.unknown"));
    return storage.change(permit, async (unit) => {
      const rows = manufacturersIn(unit);
      if (!(await rows.answered(Uint8Array.fromHex(nonce), sha256))) throw unproved;
      const there = await this.#goodIn(unit, space);
      if (there.length >= most) throw new Refusal("manufacturer.tooMany");
      const isSame = ({ enrols: its }: Credential) =>
        its?.product === product && its.manufacturer && printOf(certificateOf(its.manufacturer)) === printOf(x509);
      if (there.some(isSame)) throw new Refusal("manufacturer.exists");
      await this.#issuing.prepareIn(unit, permit);
      const birth = applicationKeyOf(callerOf(permit), permit.on, "enrolment", wanted);
      // No secret has this digest: none is written like this.
      const digest = digestSecret(`manufacturer ${product} ${sha256}`);
      const made = await minting.shownIn(unit, birth, { kind: "enrolment", digest });
      await rows.add(made.id, product);
      return made;
    });
  }

  /** Oldest first, those that were revoked too. */
  async list(
    permit: Permit<"credential.read">,
    product: Id<"product"> | undefined,
  ): Promise<readonly KnownManufacturer[]> {
    const { storage, clock } = this.#needs;
    const { space } = callerOf(permit);
    return storage.read(permit, async (unit) => {
      const found: KnownManufacturer[] = [];
      for (const [credential, standing] of await standingsIn(unit, space, product, clock.now())) {
        const { manufacturer, product: its } = credential.enrols ?? {};
        if (!manufacturer || !its) continue;
        const enrolled = await enrolmentsIn(unit).used(credential.id);
        found.push({ credential, standing, product: its, x509: certificateOf(manufacturer), enrolled });
      }
      return found;
    });
  }

  async #goodIn(unit: Unit, space: Space): Promise<readonly Credential[]> {
    const all = await standingsIn(unit, space, undefined, this.#needs.clock.now());
    return all.filter(([, standing]) => standing === "active").map(([credential]) => credential);
  }

  async #read(pem: string): Promise<X509Certificate> {
    const x509 = /^\s*-----BEGIN CERTIFICATE-----/.test(pem) ? readCertificate(pem) : undefined;
    const looked = x509 && (await this.#needs.signer.look(x509.raw));
    if (!looked) throw new Refusal("manufacturer.certificate");
    const detail = faultOfAuthority(x509, looked, this.#needs.clock.now());
    if (detail !== undefined) throw new Refusal("manufacturer.certificate", { detail });
    return x509;
  }
}

async function standingsIn(unit: Unit, space: Space, product: Id<"product"> | undefined, now: Instant) {
  const ids = await manufacturersIn(unit).of(product);
  const found = new Map((await authorityIn(unit).credentialsOf(ids)).map((one) => [one.id, one]));
  const above = new Map((await authorityIn(unit).ancestorsOf([...found.values()])).map((one) => [one.id, one]));
  return ids.flatMap((id) => {
    const credential = found.get(id);
    if (!credential) return [];
    const power = compile(space, credential, nobody, now, (parent) => above.get(parent));
    return [[credential, standingOf(power, now)] as const];
  });
}

/** It was read before it was kept. */
function certificateOf({ certificate }: { readonly certificate: string }): X509Certificate {
  const x509 = readCertificate(certificate);
  if (!x509) throw new Error("a manufacturer's certificate that was kept is none");
  return x509;
}
