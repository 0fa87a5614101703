import { isId, isRefusal, Refusal, type Clock, type Id, type RefusalCode } from "@holdfast/kernel";
import { unshowable } from "@holdfast/protocol";
import {
  enrolmentsIn,
  orgAt,
  type Caller,
  type Certified,
  type EnrolledBy,
  type Enrolling,
  type Issuing,
  type Permit,
  type Signer,
  type Spaces,
} from "../authority/index.ts";
import type { Registry } from "../registry/index.ts";
import type { Storage } from "../storage/index.ts";

type Needs = {
  readonly storage: Storage;
  readonly spaces: Spaces;
  readonly issuing: Issuing;
  readonly registry: Registry;
  readonly signer: Pick<Signer, "keyIn" | "nameIn" | "bundle">;
  readonly clock: Clock;
};

/** What it comes by: the key that it brought, or its birth certificate; and that key. */
type Brought = { readonly by: EnrolledBy } & Pick<Enrolling, "key">;

/** What whoever comes second is refused by. */
const taken: ReadonlySet<string> = new Set<RefusalCode>(["key.shared", "enrolment.exhausted"]);

const usual = 90 * 86_400_000; // milliseconds that a certificate is good, where nobody says
const nameless = "Device";
const longestName = 200;

/** Devices that are made because they come: with a key of their own, and a credential that lets so many come. */
export class Enrolment {
  readonly #needs: Needs;

  constructor(needs: Needs) {
    this.#needs = needs;
  }

  /**
   * One device and its certificate. Whoever comes again with the same key, or the same birth certificate, is the same device, gets another
   * certificate, and is not counted.
   * @throws Refusal `enrolment.label`, `enrolment.exhausted`, `enrolment.ended`, `key.shared`, and as any device that is made
   */
  async enrol(caller: Caller, label: string | undefined, csr: string): Promise<Certified> {
    const { signer, registry, issuing } = this.#needs;
    const { application, product } = placeOf(caller, label);
    const permit = caller.permit("device.enrol", application);
    const key = await signer.keyIn(csr);
    if (!key) throw new Refusal("request.uncertified");
    const validFor = caller.credential.enrols?.validFor ?? usual;
    const born = caller.circumstances?.manufactured;
    const by = born ?? key;
    const known = await this.#deviceOf(permit, caller, { by, key });
    if (known) return this.#again(permit, { device: known, key, validFor });
    // What its manufacturer calls it is proved.
    const name = nameFrom(born?.serial ?? (await signer.nameIn(csr)));
    const wanted = { name, product, alias: undefined, tags: {} };
    try {
      const { made } = await registry.makings.enrol(permit, wanted, async (unit, device) => {
        const { id, enrols } = caller.credential;
        const rows = enrolmentsIn(unit);
        if (!(await rows.count(id, enrols?.most))) throw new Refusal("enrolment.exhausted");
        await rows.add(device, by);
        await rows.add(device, key);
        return issuing.enrolIn(unit, permit, { device, key, validFor });
      });
      return made;
    } catch (error) {
      if (!(error instanceof Refusal) || !taken.has(error.code)) throw error;
      // Somebody may have been faster with the same: its device is the one, and this was none.
      const faster = await this.#deviceOf(permit, caller, { by, key });
      if (!faster) throw error;
      return this.#again(permit, { device: faster, key, validFor });
    }
  }

  /**
   * Which came before by the same. What is refused in any case is refused here, before there is a key for a device that is none.
   * @throws Refusal `enrolment.exhausted`, `key.shared`
   */
  #deviceOf(permit: Permit<"device.enrol">, { credential }: Caller, { by, key }: Brought) {
    return this.#needs.storage.read(permit, async (unit) => {
      const rows = enrolmentsIn(unit);
      const device = await rows.deviceOf(by);
      if (device) return device;
      if (by !== key && (await rows.deviceOf(key))) throw new Refusal("key.shared");
      const most = credential.enrols?.most;
      if (most !== undefined && (await rows.used(credential.id)) >= most) throw new Refusal("enrolment.exhausted");
      return undefined;
    });
  }

  async #again(permit: Permit<"device.enrol">, enrolling: Enrolling): Promise<Certified> {
    const { storage, issuing } = this.#needs;
    return storage.change(permit, (unit) => issuing.enrolAgainIn(unit, permit, enrolling));
  }

  /** A device gets its next certificate. @throws Refusal */
  renew(permit: Permit<"telemetry.write">, csr: string): Promise<Certified> {
    return this.#needs.issuing.renew(permit, { csr, validFor: usual });
  }

  /** The authorities of an organisation, as PKCS #7 in DER. @throws Refusal `enrolment.label` where there is none */
  async authoritiesOf(org: Id<"org">): Promise<Uint8Array> {
    const { spaces, signer } = this.#needs;
    const { issuers } = await spaces.of(org);
    if (issuers.length === 0) throw new Refusal("enrolment.label");
    return signer.bundle(issuers.map(({ certificate }) => certificate));
  }

  /** Whoever asks need not have shown anything: what is not there, and what has no authority, is answered alike. @throws Refusal `enrolment.label` */
  async authoritiesAt(label: string): Promise<Uint8Array> {
    const org = await orgAt(this.#needs.storage, label);
    if (!org) throw new Refusal("enrolment.label");
    try {
      return await this.authoritiesOf(org);
    } catch (error) {
      if (isRefusal(error, "org.unknown")) throw new Refusal("enrolment.label");
      throw error;
    }
  }

  bundle(pem: string): Promise<Uint8Array> {
    return this.#needs.signer.bundle([pem]);
  }
}

type Place = { readonly application: Id<"application">; readonly product: Id<"product"> | undefined };

/**
 * Into which application, and as what. A key of an application knows both; the label may say the same, and, of a key for any, which product.
 * Other credentials need it to say the application. @throws Refusal `enrolment.label`
 */
function placeOf({ credential, space }: Caller, label: string | undefined): Place {
  const { application, enrols } = credential;
  const unknown = new Refusal("enrolment.label");
  if (label === undefined || label === space.org) {
    if (!application) throw unknown;
    return { application, product: enrols?.product };
  }
  if (isId("application", label)) {
    if (application && application !== label) throw unknown;
    return { application: label, product: enrols?.product };
  }
  const isTheirs = isId("product", label) && space.hasProduct(label) && (enrols?.product ?? label) === label;
  if (!application || !isTheirs) throw unknown;
  return { application, product: label };
}

/** What the request calls itself is a name for people, and proves nothing. */
function nameFrom(text = ""): string {
  const name = text.replaceAll(new RegExp(unshowable, "gu"), " ").trim().slice(0, longestName).toWellFormed();
  return name === "" ? nameless : name;
}
