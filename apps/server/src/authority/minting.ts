import {
  bytesOfAddress,
  digestSecret,
  formatSocketSecret,
  mintToken,
  newNonce,
  newSecret,
  newSocketSecret,
  pinOf,
  thumbprint,
} from "@holdfast/crypto";
import { newId, Refusal, rfc3339, type Clock, type Id, type Instant, type Random } from "@holdfast/kernel";
import { formatGrant, isBuiltIn, presets, type CredentialKind, type Grant, type Where } from "@holdfast/protocol";
import type { Allowed, Storage, Unit } from "../storage/index.ts";
import { amplification, lostIn, type Lost } from "./amplification.ts";
import { takeBrought, type Brought } from "./brought-secrets.ts";
import { callerOf, refusedBy, type Caller } from "./caller.ts";
import { nobody } from "./circumstances.ts";
import type { Credential } from "./credential.ts";
import {
  applicationKeyOf,
  born,
  childOf,
  dashboardLinkOf,
  deviceKeyOf,
  grantsOfDevice,
  userTokenOf,
  type Birth,
  type Held,
  type Heir,
  type Shown,
  type UserSignIn,
  type Wanted,
} from "./heritage.ts";
import type { Issued } from "./issuer.ts";
import type { KindOfApplication } from "./kinds.ts";
import { unknownCode } from "./link.ts";
import type { Permit } from "./permit.ts";
import { authorityIn } from "./postgres.ts";
import { compile, standingOf } from "./power.ts";
import { beyondThose, grantsOfMember, type Member } from "./roles.ts";
import type { Proof } from "./session.ts";
import type { SocketAddresses } from "./socket-addresses.ts";
import type { Space } from "./space.ts";
import type { Spaces } from "./spaces.ts";
import { claimsOf, type TokenKeys } from "./token-keys.ts";

type Needs = {
  storage: Storage;
  spaces: Spaces;
  tokenKeys: TokenKeys;
  socketAddresses: SocketAddresses;
  clock: Clock;
  random: Random;
};

export type MintedToken = { readonly id: Id<"token">; readonly token: string; readonly expiresAt: Instant | undefined };
export type MintedKey = {
  readonly id: Id<"key">;
  /** None where a certificate is shown in its place. */
  readonly secret: string | undefined;
  readonly expiresAt: Instant | undefined;
};

export type MintsForUser = (signIn: UserSignIn) => Promise<MintedToken>;

const mostKeysOfDevice = 2;
/** Of one dashboard, that are open. */
const mostLinks = 50;

/** Makes credentials. None is made that could do more than the one that makes it, or live longer, a browser's session apart. */
export class Minting {
  readonly #needs: Needs;

  constructor(needs: Needs) {
    this.#needs = needs;
  }

  async token(permit: Permit<"token.create">, wanted: Wanted): Promise<MintedToken> {
    const maker = callerOf(permit);
    childOf(maker, wanted); // before a key is made for it; and again when its turn has come, because a role may have shrunk meanwhile
    const kid = await this.#needs.tokenKeys.kidFor(permit.scope.org);
    return this.#needs.storage.change(permit, (unit) => this.#tokenIn(unit, kid, childOf(maker, wanted)));
  }

  /**
   * For a program that a person let in from her browser, who need not be able to make tokens for others: within what she may, now and later. It does
   * not end with her session, but as a sign-in of hers does. `within`: asks once more, when its turn has come.
   * @throws Refusal as `refuseToLend`, and `within`
   */
  async lend(maker: Caller, wanted: Wanted, within: () => void): Promise<MintedToken> {
    const { space, actor } = maker;
    this.refuseToLend(maker, wanted);
    const kid = await this.#needs.tokenKeys.kidFor(space.org);
    return this.#needs.storage.change({ scope: space.scope, actor }, (unit) => {
      within();
      const { heir, latest } = childOf(maker, wanted);
      return this.#tokenIn(unit, kid, { heir: { ...heir, isLent: true }, latest });
    });
  }

  /** Before somebody is told that it is let in. @throws Refusal `credential.amplifies`; `condition.unmet` where it would be good for nothing */
  refuseToLend(maker: Caller, wanted: Wanted): void {
    childOf(maker, wanted);
    this.#refuseUnbound(maker);
  }

  /** What has no key of its own is no program's where the organisation demands one. @throws Refusal `condition.unmet` */
  #refuseUnbound(maker: Caller): void {
    if (!maker.space.demands.programs?.bound) return;
    const detail = "The organisation demands that programs' credentials are bound to a key: make one of those instead.";
    throw new Refusal("condition.unmet", { detail });
  }

  async operatorKey(permit: Permit<"operatorKey.create">, wanted: Wanted): Promise<MintedKey> {
    return this.#needs.storage.change(permit, (unit) =>
      this.#keyIn(unit, "operator", childOf(callerOf(permit), wanted)),
    );
  }

  async applicationKey(
    permit: Permit<"accessKey.create">,
    kind: KindOfApplication,
    wanted: Wanted & Pick<Credential, "enrols">,
    within?: (unit: Unit) => Promise<void>,
  ): Promise<MintedKey> {
    const { enrols } = wanted;
    if (enrols?.product && !callerOf(permit).space.hasProduct(enrols.product))
      throw refusedBy(permit, "accessKey.create", enrols.product, new Refusal("product.unknown"));
    return this.#needs.storage.change(permit, async (unit) => {
      await within?.(unit);
      return this.#keyIn(unit, kind, applicationKeyOf(callerOf(permit), permit.on, kind, wanted));
    });
  }

  async deviceKey(permit: Permit<"device.mintKey">, kind: "device" | "certificate", held: Held): Promise<MintedKey> {
    const { space } = callerOf(permit);
    return this.#needs.storage.change(permit, async (unit) => {
      await this.refuseThirdKey(unit, space, permit.on);
      return this.deviceKeyIn(unit, permit, permit.on, { devices: [permit.on] }, held, kind);
    });
  }

  /** For whoever has the link. @throws Refusal `credential.amplifies`, `dashboard.tooMany`; `condition.unmet` where it would be good for nothing */
  async dashboardLink(
    permit: Permit<"dashboard.share">,
    wanted: Pick<Wanted, "name" | "lifetime">,
    within: (unit: Unit) => Promise<void>,
  ): Promise<MintedKey & { readonly secret: string }> {
    const { storage, clock } = this.#needs;
    this.#refuseUnbound(callerOf(permit));
    return storage.change(permit, async (unit) => {
      await within(unit);
      const there = await authorityIn(unit).keysOf(permit.on);
      const now = clock.now();
      const open = there.filter(({ state, expiresAt = now }) => state === "active" && expiresAt > now);
      if (open.length >= mostLinks) throw new Refusal("dashboard.tooMany");
      return this.#keyIn(unit, "dashboardLink", dashboardLinkOf(callerOf(permit), permit.on, wanted));
    });
  }

  /** What seals or signs the frames of a device. It is shown this once, and kept, sealed, because the platform opens frames with it. */
  async socketKey(
    permit: Permit<"device.mintKey">,
    { attributes, ...held }: Held & { readonly attributes: readonly string[] },
  ): Promise<MintedKey> {
    if (held.publicKey) {
      const fault = {
        path: "publicKey",
        message: "left out: frames are sealed with the secret, and prove no other key",
      };
      throw new Refusal("request.malformed", { faults: [fault] });
    }
    const { storage, random, socketAddresses } = this.#needs;
    const { space } = callerOf(permit);
    return storage.change(permit, async (unit) => {
      await this.refuseThirdKey(unit, space, permit.on, "socket");
      const birth = deviceKeyOf(callerOf(permit), permit.on, { devices: [permit.on] }, held);
      let fresh = newSocketSecret(random);
      while (socketAddresses.of(fresh.address)) fresh = newSocketSecret(random);
      const { address, secret } = fresh;
      const [id, digest] = [newId("key", random), bytesOfAddress(address)];
      const socket = { secret: secret.toHex(), attributes };
      const { expiresAt } = await this.#save(unit, birth, { id, kind: "socket", digest, socket });
      unit.afterCommit(() => socketAddresses.put(address, { org: unit.scope.org, credential: id }));
      return { id, secret: formatSocketSecret(fresh), expiresAt };
    });
  }

  /** What seals frames is counted apart. @throws Refusal `key.tooMany`, `device.retired` */
  async refuseThirdKey(unit: Unit, space: Space, device: Id<"device">, kind?: "socket"): Promise<void> {
    if (space.device(device)?.state === "retired") throw new Refusal("device.retired");
    const now = this.#needs.clock.now();
    const all = await authorityIn(unit).keysOf(device);
    const keys = all.filter((key) => (key.kind === "socket") === (kind === "socket"));
    const alive = keys.filter((key) => standingOf(compile(space, key, nobody, now), now) === "active");
    if (alive.length >= mostKeysOfDevice) throw new Refusal("key.tooMany");
  }

  /** Within the unit that makes the device, so that there is no device without its key. */
  async deviceKeyIn(
    unit: Unit,
    permit: Permit<"device.create"> | Permit<"device.mintKey">,
    device: Id<"device">,
    within: Where,
    { brought, ...held }: Held & { readonly brought?: Brought | undefined } = {},
    kind: "device" | "certificate" = "device",
  ): Promise<MintedKey> {
    const birth = deviceKeyOf(callerOf(permit), device, within, held);
    // Whoever brings a secret has it already: it is not told again.
    if (brought) return this.shownIn(unit, birth, { kind: "device", digest: await takeBrought(unit, device, brought) });
    return kind === "device" ? this.#keyIn(unit, kind, birth) : this.#pinIn(unit, birth);
  }

  /** Nothing is shown for it but a certificate of the key: there is no secret. */
  async #pinIn(unit: Unit, birth: Birth): Promise<MintedKey> {
    const { publicKey } = birth.heir;
    if (!publicKey) {
      const fault = { path: "publicKey", message: "missing: a certificate is known by its key" };
      throw new Refusal("request.malformed", { faults: [fault] });
    }
    return this.shownIn(unit, birth, { kind: "certificate", digest: pinOf(publicKey) });
  }

  /** For a device that the platform plays itself, and nobody else: whoever calls this has asked whether it is simulated. */
  async playedKeyIn(unit: Unit, device: Id<"device">): Promise<MintedKey & { readonly secret: string }> {
    const heir: Heir = { name: "simulation", grants: grantsOfDevice(device), lifetime: undefined, makers: [], device };
    return this.#keyIn(unit, "device", { heir, latest: undefined });
  }

  /** For a person who has just proved who she is. Bounded by her role, with no credential above it; over at `latest`. */
  async forPerson(
    allowed: Allowed,
    person: Id<"person">,
    member: Member,
    {
      latest,
      ...wanted
    }: Omit<Wanted, "grants"> & {
      grants: readonly Grant[] | undefined;
      /** By what she proved it. */
      proofs: readonly Proof[];
      latest?: Instant | undefined;
    },
    within?: (unit: Unit) => Promise<void>,
  ): Promise<MintedToken> {
    const role = await this.#grantsOf(allowed, member);
    const grants = wanted.grants ?? role;
    const beyond = beyondThose(role, grants);
    if (beyond.length > 0) throw amplification(beyond);
    const lost = await this.#lostOf(allowed, grants);
    if (lost) throw new Refusal(unknownCode[lost.kind]);
    const kid = await this.#needs.tokenKeys.kidFor(allowed.scope.org);
    return this.#needs.storage.change(allowed, async (unit) => {
      await within?.(unit);
      return this.#tokenIn(unit, kid, { heir: { ...wanted, grants, makers: [], person, inPerson: true }, latest });
    });
  }

  /** The organisation of a first sign-in is not there yet, and has no roles of its own. */
  async #grantsOf({ scope }: Allowed, member: Member): Promise<readonly Grant[]> {
    return grantsOfMember(member, isBuiltIn(member.role) ? new Map() : (await this.#needs.spaces.of(scope.org)).roles);
  }

  /** Looks only where something is named: the organisation of a first sign-in is not there yet. */
  async #lostOf({ scope }: Allowed, grants: readonly Grant[]): Promise<Lost | undefined> {
    const isNamed = grants.some(({ where }) => "application" in where || "devices" in where || "user" in where);
    return isNamed ? lostIn(await this.#needs.spaces.of(scope.org), grants) : undefined;
  }

  /**
   * For an application user who has just proved who she is, or showed what keeps her signed in. What decides that happens in the same
   * unit.
   */
  async forUser<T>(allowed: Allowed, within: (unit: Unit, mint: MintsForUser) => Promise<T>): Promise<T> {
    const kid = await this.#needs.tokenKeys.kidFor(allowed.scope.org);
    return this.#needs.storage.change(allowed, (unit) =>
      within(unit, (signIn) => this.#tokenIn(unit, kid, userTokenOf(signIn), "applicationUser")),
    );
  }

  async #tokenIn(
    unit: Unit,
    kid: string,
    birth: Birth,
    kind: "apiToken" | "applicationUser" = "apiToken",
  ): Promise<MintedToken> {
    const { random, tokenKeys } = this.#needs;
    const nonce = newNonce(random);
    const id = newId("token", random);
    const credential = await this.#save(unit, birth, { id, kind, digest: digestSecret(nonce) });
    const { expiresAt } = credential;
    const token = await mintToken({
      key: tokenKeys.keyFor(unit.scope, kid),
      kid,
      claims: claimsOf(credential, unit.scope.org, nonce),
    });
    return { id, token, expiresAt };
  }

  async #keyIn(unit: Unit, kind: CredentialKind, birth: Birth): Promise<MintedKey & { readonly secret: string }> {
    const secret = newSecret(this.#needs.random, presets[kind].isPublic ? "publishable" : "key");
    const id = newId("key", this.#needs.random);
    const { expiresAt } = await this.#save(unit, birth, { id, kind, digest: digestSecret(secret) });
    return { id, secret, expiresAt };
  }

  /** For which something is shown that is there already, and none of our secrets. */
  async shownIn(
    unit: Unit,
    birth: Birth,
    shown: Pick<Shown, "kind" | "digest">,
  ): Promise<MintedKey & { readonly secret: undefined }> {
    const id = newId("key", this.#needs.random);
    const { expiresAt } = await this.#save(unit, birth, { id, ...shown });
    return { id, secret: undefined, expiresAt };
  }

  /** For an authority of the organisation's own, within the unit that issued the certificate which is shown for it. */
  certifiedIn(unit: Unit, birth: Birth, shown: Shown & { readonly issued: Issued }): Promise<Credential> {
    return this.#save(unit, birth, shown);
  }

  async #save(unit: Unit, birth: Birth, shown: Shown): Promise<Credential> {
    const rows = authorityIn(unit);
    const credential = born(birth, shown, { at: this.#needs.clock.now(), seq: birth.seq ?? (await rows.nextSeq()) });
    await rows.save(credential);
    unit.audit({
      what: "credential.created",
      about: credential.id,
      facts: {
        kind: credential.kind,
        name: credential.name,
        grants: credential.grants.map(formatGrant),
        application: credential.application,
        device: credential.device,
        product: credential.enrols?.product,
        most: credential.enrols?.most,
        manufacturer: credential.enrols?.manufacturer?.sha256,
        dashboard: credential.dashboard,
        user: credential.user?.id,
        parent: credential.parent,
        conditions: credential.conditions && JSON.stringify(credential.conditions),
        boundTo: credential.publicKey && thumbprint(credential.publicKey),
        certificateAuthority: credential.issued?.by,
        serial: credential.issued?.serial,
        expiresAt: credential.expiresAt === undefined ? undefined : rfc3339(credential.expiresAt),
      },
    });
    unit.afterCommit(() =>
      this.#needs.spaces.apply(unit.scope.org, (space) => space.credentials.set(credential.id, credential)),
    );
    return credential;
  }
}
