import { thumbprint, type PublicKey } from "@holdfast/crypto";
import { newId, Refusal, type Clock, type CredentialId, type Id, type Instant, type Random } from "@holdfast/kernel";
import type { Storage, Unit } from "../storage/index.ts";
import { renewalsOf } from "./allowance.ts";
import { callerOf, refusedBy, type Caller } from "./caller.ts";
import { nobody } from "./circumstances.ts";
import type { Credential } from "./credential.ts";
import { endOfAge } from "./demands.ts";
import { enrolmentsIn } from "./enrolment-rows.ts";
import { deviceKeyOf, endOf, enrolledKeyOf, ownKeyOf, type Birth, type Wanted } from "./heritage.ts";
import { digestOf, issuerOf, nameOfIssuer, type Issuer } from "./issuer.ts";
import { issuersIn, type Ended, type IssuedCertificate } from "./issuer-rows.ts";
import type { Looked } from "./manufacturer.ts";
import { manufacturersIn } from "./manufacturer-rows.ts";
import type { Minting } from "./minting.ts";
import type { Permit } from "./permit.ts";
import { authorityIn } from "./postgres.ts";
import { compile, standingOf } from "./power.ts";
import type { Revocation } from "./revocation.ts";
import type { Rotation } from "./rotation.ts";
import { isSame, madeAtOf } from "./secrets.ts";
import type { Space } from "./space.ts";
import type { Spaces } from "./spaces.ts";

type About = { readonly commonName: string; readonly notBefore: Instant; readonly notAfter: Instant };
type Signed = { readonly certificate: string; readonly key: string };

/** What knows X.509. It keeps no key: it is given one each time. */
export interface Signer {
  /** The key of a certificate request that was signed with it; `undefined` where that is none. */
  keyIn(request: string): Promise<PublicKey | undefined>;
  /** What the request calls itself (its common name): nobody's word for anything. */
  nameIn(request: string): Promise<string | undefined>;
  /** Certificates, each in PEM, as PKCS #7 without a signature, in DER (RFC 5652; RFC 7030, 4.1.3). */
  bundle(certificates: readonly string[]): Promise<Uint8Array>;
  /** The revocation list of an authority, in DER; its number is the moment, in milliseconds. */
  list(
    issuer: Signed,
    about: { readonly at: Instant; readonly next: Instant; readonly ended: readonly Ended[] },
  ): Promise<Uint8Array>;
  /** What Node does not say of a certificate in DER; `undefined` where it is none. */
  look(certificate: Uint8Array): Promise<Looked | undefined>;
  newAuthority(about: About): Promise<Signed>;
  certify(issuer: Signed, about: About & { readonly key: PublicKey }): Promise<{ certificate: string; serial: string }>;
}

type Needs = {
  readonly storage: Storage;
  readonly spaces: Spaces;
  readonly minting: Minting;
  readonly rotation: Rotation;
  readonly revocation: Revocation;
  readonly signer: Signer;
  readonly clock: Clock;
  readonly random: Random;
};

/** `validFor` in milliseconds. */
type Asked = { readonly csr: string; readonly validFor: number };
type AskedFor = Asked & Pick<Wanted, "name" | "lifetime" | "conditions">;

/** A certificate, whose it is, and who signed it. */
export type Certified = { readonly credential: Credential; readonly issued: IssuedCertificate; readonly chain: string };

const hour = 3_600_000;
const day = 24 * hour;
const year = 365 * day;

/** Clients' clocks, and ours, may be a little off. */
const leeway = hour;
const lifeOfIssuer = 30 * year;
/** With less than this left, an authority signs no more: what it signs ends before it does. */
const reserve = 399 * day;
/** How long a certificate is good beside the one that takes its place: a reply may be lost. */
const overlap = day;
const often = "A device has its certificate renewed ten times at once at most, and once a minute.";

/** Issues certificates to the devices of an organisation, by an authority of its own that is made when it is first needed. */
export class Issuing {
  readonly #needs: Needs;

  constructor(needs: Needs) {
    this.#needs = needs;
  }

  /** A credential of the device's that the certificate is shown for. @throws Refusal */
  async issue(permit: Permit<"device.mintKey">, { csr, validFor, ...wanted }: AskedFor): Promise<Certified> {
    const publicKey = await this.#keyIn(csr);
    const { space } = callerOf(permit);
    return this.#needs.storage.change(permit, async (unit) => {
      const device = permit.on;
      await this.#needs.minting.refuseThirdKey(unit, space, device);
      const birth = deviceKeyOf(callerOf(permit), device, { devices: [device] }, { ...wanted, publicKey });
      return this.#bornIn(unit, space, birth, publicKey, { device, validFor });
    });
  }

  /**
   * A device has its own certificate replaced, within the life of its credential; with a key that it has besides, the one that it got with
   * that key, or a first one that ends with it. @throws Refusal `key.shared` among others, where another device enrolled or
   * renewed with the key
   */
  async renew(permit: Permit<"telemetry.write">, { csr, validFor }: Asked): Promise<Certified> {
    const caller = callerOf(permit);
    const { space, credential: own } = caller;
    space.drawn.draw([renewalsOf(permit.on)], this.#needs.clock.elapsed(), often);
    const publicKey = await this.#keyIn(csr);
    return this.#needs.storage.change(permit, async (unit) => {
      const device = permit.on;
      const rows = authorityIn(unit);
      const now = this.#needs.clock.now();
      const isPresent = (one: Credential) =>
        one.issued !== undefined &&
        one.parent === own.id &&
        standingOf(compile(space, one, nobody, now), now) === "active";
      const id = own.issued ? own.id : (await rows.keysOf(device)).find(isPresent)?.id;
      const before = id && (await rows.credentialToChange(id));
      if (before) return this.#renewIn(unit, caller, before, publicKey, { device, validFor });
      await this.#needs.minting.refuseThirdKey(unit, space, device);
      await enrolmentsIn(unit).add(device, publicKey);
      return this.#bornIn(unit, space, ownKeyOf(caller, device, publicKey), publicKey, { device, validFor });
    });
  }

  /** There is an authority from now on: whoever enrols asks for its certificate before there is another. */
  async prepareIn(unit: Unit, permit: Permit<"accessKey.create">): Promise<void> {
    await this.#issuerIn(unit, callerOf(permit).space, this.#needs.clock.now());
  }

  /** The first credential of a device, within the unit that makes it. */
  async enrolIn(unit: Unit, permit: Permit<"device.enrol">, enrolling: Enrolling): Promise<Certified> {
    const { device, key, validFor } = enrolling;
    const caller = callerOf(permit);
    const birth = enrolledKeyOf(caller, device, key);
    return this.#bornIn(unit, caller.space, birth, key, { device, validFor });
  }

  /**
   * The same once more, where whoever enrolled comes again with the key that it enrolled with: the reply may have been lost, or its
   * certificate is over by now. What comes by the birth certificate that it has may have another key since, and another credential of its manufacturer's. @throws Refusal
   */
  async enrolAgainIn(unit: Unit, permit: Permit<"device.enrol">, enrolling: Enrolling): Promise<Certified> {
    const { device, key, validFor } = enrolling;
    const caller = callerOf(permit);
    const now = this.#needs.clock.now();
    const isBorn = caller.circumstances?.manufactured !== undefined;
    const makers: readonly CredentialId[] = isBorn ? await manufacturersIn(unit).of(undefined) : [caller.credential.id];
    const isOf = ({ publicKey }: Credential) => publicKey !== undefined && thumbprint(publicKey) === thumbprint(key);
    const isIt = (one: Credential) =>
      one.kind === "certificate" &&
      one.makers[0] !== undefined &&
      makers.includes(one.makers[0]) &&
      one.publicKey !== undefined &&
      (isBorn || isOf(one));
    // As it will be: whoever was away for long comes with a certificate that is over, and gets another one.
    const renewed = (one: Credential): Credential => {
      const keySince = (isOf(one) && one.issued?.keySince) || now;
      return { ...one, issued: one.issued && { ...one.issued, keySince, notAfter: (now + validFor) as Instant } }; // milliseconds both
    };
    const isActive = (one: Credential) =>
      standingOf(compile(caller.space, renewed(one), nobody, now), now) === "active";
    const id = (await authorityIn(unit).keysOf(device)).find((one) => isIt(one) && isActive(one))?.id;
    const before = id && (await authorityIn(unit).credentialToChange(id));
    if (!before) throw new Refusal(isBorn ? "enrolment.ended" : "key.shared");
    return this.#renewIn(unit, caller, before, key, { device, validFor });
  }

  /** Those of a credential that are not over, newest first. @throws Refusal `credential.unknown` */
  async issuedFor(permit: Permit<"credential.read">, id: Credential["id"]): Promise<readonly Certified[]> {
    return this.#needs.storage.read(permit, async (unit) => {
      const credential = await authorityIn(unit).credential(id);
      if (!credential) throw refusedBy(permit, "credential.read", id, new Refusal("credential.unknown"));
      const chains = new Map((await issuersIn(unit).all()).map((one) => [one.id, one.certificate]));
      const issued = await issuersIn(unit).issuedFor(id);
      return issued.map((one) => ({ credential, issued: one, chain: chains.get(one.by) ?? "" }));
    });
  }

  authorities(permit: Permit<"org.read">): readonly Issuer[] {
    return callerOf(permit).space.issuers;
  }

  /** For good, with what it issued: nobody knows of which certificates whoever has its key made others. @throws Refusal */
  async end(permit: Permit<"credential.revoke">, id: Id<"certificateAuthority">): Promise<void> {
    const { storage, spaces, revocation } = this.#needs;
    const { space } = callerOf(permit);
    await storage.change(permit, async (unit) => {
      if (!space.issuer(id))
        throw refusedBy(permit, "credential.revoke", id, new Refusal("certificateAuthority.unknown"));
      await issuersIn(unit).remove(id);
      unit.audit({ what: "certificateAuthority.ended", about: id });
      unit.afterCommit(() => spaces.apply(unit.scope.org, (one) => one.removeIssuer(id)));
      await revocation.in(unit, id, ["devices"]);
    });
  }

  async #keyIn(csr: string): Promise<PublicKey> {
    const key = await this.#needs.signer.keyIn(csr);
    if (!key) throw new Refusal("request.uncertified");
    return key;
  }

  async #bornIn(
    unit: Unit,
    space: Space,
    birth: Birth,
    key: PublicKey,
    { device, validFor }: Lasting,
  ): Promise<Certified> {
    const { minting, clock, random } = this.#needs;
    const now = clock.now();
    const ends = [endOf(birth, now), endOfAge(space.demands, "devices", now)];
    const { issued, chain } = await this.#certifyIn(unit, space, { device, key, validFor, ends });
    const { by, serial, notAfter } = issued;
    const shown = { digest: digestOf(issued, key), issued: { by, serial, notAfter, keySince: now } };
    const credential = await minting.certifiedIn(unit, birth, {
      id: newId("key", random),
      kind: "certificate",
      ...shown,
    });
    await issuersIn(unit).addIssued(credential.id, issued);
    return { credential, issued, chain };
  }

  async #renewIn(
    unit: Unit,
    caller: Caller,
    before: Credential,
    key: PublicKey,
    { device, validFor }: Lasting,
  ): Promise<Certified> {
    const { space, circumstances } = caller;
    const now = this.#needs.clock.now();
    const { latest } = compile(space, before, nobody, now);
    const isSameKey = before.publicKey !== undefined && thumbprint(before.publicKey) === thumbprint(key);
    const keySince = (isSameKey && before.issued?.keySince) || now;
    // It enrols no other device, and not this one once it was shut out.
    if (!isSameKey) await enrolmentsIn(unit).add(device, key);
    const ends = [latest, endOfAge(space.demands, "devices", keySince)];
    const { issued, chain } = await this.#certifyIn(unit, space, { device, key, validFor, ends });
    // Who comes with the one before has not got the present one: its reply was lost, and what it has stays good as long as that was to be.
    const isWithFormer = before.former && circumstances?.shown && isSame(circumstances.shown, before.former.digest);
    const endsAt = Math.min(now + overlap, before.issued?.notAfter ?? now) as Instant; // milliseconds both
    const former =
      isWithFormer && before.former ? before.former : { digest: before.digest, madeAt: madeAtOf(before), endsAt };
    const { by, serial, notAfter } = issued;
    const shown = { digest: digestOf(issued, key), publicKey: key, issued: { by, serial, notAfter, keySince } };
    const credential = await this.#needs.rotation.replaceIn(unit, before, shown, former);
    const rows = issuersIn(unit);
    if (before.issued)
      await rows.replaced(before.id, before.issued.serial, former === before.former ? "this one" : "all but this one");
    await rows.addIssued(before.id, issued);
    return { credential, issued, chain };
  }

  /** Good from a moment ago, and until the first of all these ends. */
  async #certifyIn(
    unit: Unit,
    space: Space,
    {
      device,
      key,
      validFor,
      ends,
    }: Lasting & { readonly key: PublicKey; readonly ends: readonly (Instant | undefined)[] },
  ): Promise<Pick<Certified, "issued" | "chain">> {
    const { signer, clock } = this.#needs;
    const now = clock.now();
    const { id: by, certificate: chain } = await this.#issuerIn(unit, space, now);
    const said = ends.filter((end) => end !== undefined);
    const notBefore = wholeSecond(now - leeway);
    const notAfter = wholeSecond(Math.min(now + validFor, ...said));
    const signing = { certificate: chain, key: await issuersIn(unit).keyOf(by) };
    const { certificate, serial } = await signer.certify(signing, { commonName: device, notBefore, notAfter, key });
    return { issued: { by, serial, notBefore, notAfter, certificate }, chain };
  }

  async #issuerIn(unit: Unit, space: Space, now: Instant): Promise<Issuer> {
    const present = space.issuers.find(({ notBefore, notAfter }) => notBefore <= now && now < notAfter - reserve);
    if (present) return present;
    const { signer, spaces, random } = this.#needs;
    const id = newId("certificateAuthority", random);
    const ends = { notBefore: wholeSecond(now - leeway), notAfter: wholeSecond(now + lifeOfIssuer) };
    const { certificate, key } = await signer.newAuthority({ commonName: nameOfIssuer(id), ...ends });
    const issuer = issuerOf(id, certificate);
    await issuersIn(unit).add(issuer, key);
    unit.audit({ what: "certificateAuthority.created", about: id, facts: { sha256: issuer.x509.fingerprint256 } });
    unit.afterCommit(() => spaces.apply(unit.scope.org, (one) => one.addIssuer(issuer)));
    return issuer;
  }
}

/** A device, the key that it brought, and how long its certificate is to be good. */
export type Enrolling = Lasting & { readonly key: PublicKey };

type Lasting = { readonly device: Id<"device">; readonly validFor: number };

/** RFC 5280, 4.1.2.5: times in certificates have no fractions. */
const wholeSecond = (milliseconds: number): Instant => (Math.floor(milliseconds / 1_000) * 1_000) as Instant;
