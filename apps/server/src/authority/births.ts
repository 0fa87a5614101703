import { X509Certificate } from "node:crypto";
import { idFrom, isId, Refusal, uuidOf, type Clock, type Id } from "@holdfast/kernel";
import type { Storage } from "../storage/index.ts";
import type { Authentication, Known } from "./authentication.ts";
import { nobody } from "./circumstances.ts";
import type { Credential } from "./credential.ts";
import type { Signer } from "./issuing.ts";
import { faultOfBirth, isSignedBy, printOf, serialOf } from "./manufacturer.ts";
import { manufacturersIn } from "./manufacturer-rows.ts";
import { compile, standingOf } from "./power.ts";
import type { Space } from "./space.ts";
import { asPlatform } from "./spaces.ts";

type Needs = {
  readonly storage: Storage;
  readonly authentication: Pick<Authentication, "credential" | "spaceOf" | "wrong">;
  readonly signer: Pick<Signer, "look">;
  readonly clock: Clock;
};

type Signed = { readonly credential: Credential; readonly authority: X509Certificate };

/**
 * Devices that come with nothing but the birth certificate that they have of their manufacturer. It counts where the address says, an
 * organisation or a product of one, and nowhere else: two organisations may have devices of the same manufacturer.
 */
export class Births {
  readonly #needs: Needs;
  readonly #authorities = new WeakMap<Credential, X509Certificate>();

  constructor(needs: Needs) {
    this.#needs = needs;
  }

  /**
   * The manufacturer that signed it, as that organisation knows it; `undefined` where it knows none that did.
   * @throws Refusal `credential.invalid` where it was signed and is not good, or the address does not say enough
   */
  async shown(certificate: Uint8Array, label: string): Promise<Known | undefined> {
    const { storage, authentication, signer, clock } = this.#needs;
    const org = await orgAt(storage, label);
    const space = org && (await authentication.spaceOf(org));
    const x509 = space && readCertificate(certificate);
    if (!x509) return undefined;
    const product = isId("product", label) ? label : undefined;
    const signed = (await this.#manufacturers(space, product)).filter(({ authority }) => isSignedBy(x509, authority));
    const now = clock.now();
    const isGood = ({ credential }: Signed) => standingOf(compile(space, credential, nobody, now), now) === "active";
    const good = signed.filter(isGood);
    const one = good[0] ?? signed.at(-1);
    if (!one) return undefined;
    const { credential, authority } = one;
    const looked = await signer.look(certificate);
    if (!looked) throw authentication.wrong(space, credential.id, credential, "a birth certificate that is none");
    const fault = faultOfBirth(x509, looked, authority, now);
    const serial = serialOf(looked);
    if (fault || serial === undefined)
      throw authentication.wrong(space, credential.id, credential, fault ?? "a birth certificate that is none");
    // What devices of it are is for the address to say.
    if (good.length > 1)
      throw new Refusal("enrolment.label", { detail: "Several products here have its manufacturer: name the one." });
    return { space, credential, manufactured: { by: printOf(authority), serial } };
  }

  async #manufacturers(space: Space, product: Id<"product"> | undefined): Promise<readonly Signed[]> {
    const { storage, authentication } = this.#needs;
    const ids = await storage.read(asPlatform(space.scope), (unit) => manufacturersIn(unit).of(product));
    const all: Signed[] = [];
    for (const id of ids) {
      const credential = await authentication.credential(space, id);
      const authority = credential && this.#authorityOf(credential);
      if (authority) all.push({ credential, authority });
    }
    return all;
  }

  #authorityOf(credential: Credential): X509Certificate | undefined {
    const there = this.#authorities.get(credential);
    if (there || !credential.enrols?.manufacturer) return there;
    const authority = new X509Certificate(credential.enrols.manufacturer.certificate);
    this.#authorities.set(credential, authority);
    return authority;
  }
}

/** The organisation that a label of EST names: itself, or by a product. Neither is a secret. */
export async function orgAt({ directory }: Pick<Storage, "directory">, label: string): Promise<Id<"org"> | undefined> {
  if (isId("org", label)) return label;
  if (!isId("product", label)) return undefined;
  const [row] = await directory.call<{ org: string }>("org_of_product", [uuidOf(label)]);
  return row && idFrom("org", row.org);
}

/** In DER, or in PEM. */
export function readCertificate(bytes: Uint8Array | string): X509Certificate | undefined {
  try {
    return new X509Certificate(bytes);
  } catch {
    return undefined; // OpenSSL says in many ways that it is none
  }
}
