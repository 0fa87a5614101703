import { digestSecret, mintToken, newNonce, newSecret, pinOf, thumbprint, type PublicKey } from "@holdfast/crypto";
import {
  newId,
  Refusal,
  rfc3339,
  type Clock,
  type CredentialId,
  type Id,
  type Instant,
  type Random,
} from "@holdfast/kernel";
import {
  formatGrant,
  isOfNoApplication,
  mostGrants,
  presets,
  type CredentialKind,
  type Conditions,
  type Grant,
  type Where,
} from "@holdfast/protocol";
import type { Allowed, Storage, Unit } from "../storage/index.ts";
import {
  amplification,
  amplified,
  lostIn,
  refuseAmplification,
  refuseUnknown,
  refuseWider,
  type Lost,
} from "./amplification.ts";
import { callerOf, type Caller } from "./caller.ts";
import { nobody } from "./circumstances.ts";
import { isAncestor, type Credential } from "./credential.ts";
import { grantsIn, publishable, type KindOfApplication } from "./kinds.ts";
import { unknownCode } from "./link.ts";
import type { Permit } from "./permit.ts";
import { authorityIn } from "./postgres.ts";
import { compile, standingOf } from "./power.ts";
import { actionsOfMember, type Member } from "./roles.ts";
import type { Spaces } from "./spaces.ts";
import type { TokenKeys } from "./token-keys.ts";

type Needs = { storage: Storage; spaces: Spaces; tokenKeys: TokenKeys; clock: Clock; random: Random };

/** What is asked for. Grants are within the maker's, or the whole is refused; the end is the maker's own at the latest. */
export type Wanted = {
  readonly name: string;
  readonly grants: readonly Grant[];
  readonly lifetime: number | undefined;
  /** The key to which it is bound. */
  readonly publicKey?: PublicKey | undefined;
  readonly conditions?: Conditions | undefined;
};

export type MintedToken = { readonly id: Id<"token">; readonly token: string; readonly expiresAt: Instant | undefined };
export type MintedKey = {
  readonly id: Id<"key">;
  /** None where a certificate is shown in its place. */
  readonly secret: string | undefined;
  readonly expiresAt: Instant | undefined;
};

/** What a device's key is: it sends its own measurements, and reaches nothing else. */
const grantsOfDevice = (device: Id<"device">): readonly Grant[] => [
  { action: "telemetry.write", where: { devices: [device] } },
];

const mostKeysOfDevice = 2;

/** Bytes of all grants of one credential as text: what still fits a token, which travels in headers. */
const longestGrants = 5_500;

/** How long a chain of credentials that made each other may become: every question asks all of them. */
const longestChain = 16;

/** Makes credentials. None is made that could do more than the one that makes it, or live longer, a browser's session apart. */
export class Minting {
  readonly #needs: Needs;

  constructor(needs: Needs) {
    this.#needs = needs;
  }

  async token(permit: Permit<"token.create">, wanted: Wanted): Promise<MintedToken> {
    const maker = callerOf(permit);
    refuseAmplification(maker, wanted.grants);
    refuseWider(maker, wanted);
    const kid = await this.#needs.tokenKeys.kidFor(permit.scope.org);
    return this.#needs.storage.change(permit, (unit) =>
      this.#tokenIn(unit, kid, { ...wanted, ...heritage(maker) }, latestOf(maker)),
    );
  }

  async operatorKey(permit: Permit<"operatorKey.create">, wanted: Wanted): Promise<MintedKey> {
    const maker = callerOf(permit);
    refuseAmplification(maker, wanted.grants);
    refuseWider(maker, wanted);
    return this.#needs.storage.change(permit, (unit) =>
      this.#keyIn(unit, "operator", { ...wanted, ...heritage(maker) }, latestOf(maker)),
    );
  }

  /**
   * Belongs to the application and ends with it, not with the sign-in of the person who made it: it is in programs that outlive
   * a person's day. What an operator key or a program makes is its child, as everywhere.
   */
  async applicationKey(permit: Permit<"accessKey.create">, kind: KindOfApplication, asked: Wanted): Promise<MintedKey> {
    const maker = callerOf(permit);
    const grants = grantsIn(permit.on, kind, asked.grants);
    const elsewhere = grants.filter(({ where }) => "application" in where && where.application !== permit.on);
    if (elsewhere.length > 0) throw amplified(maker, elsewhere);
    const whole: Where = { application: permit.on };
    refuseAmplification(
      maker,
      grants.map((grant) => (isOfNoApplication(grant) ? grant : { action: grant.action, where: whole })),
    );
    refuseUnknown(maker, grants, permit.on);
    const wanted = kind === "application" ? publishable(asked) : asked;
    refuseWider(maker, wanted);
    const key: Heir = { ...wanted, makers: makersOf(maker), grants, application: permit.on };
    return this.#needs.storage.change(permit, (unit) =>
      maker.credential.inPerson
        ? this.#keyIn(unit, kind, key, undefined)
        : this.#keyIn(unit, kind, { ...key, ...heritage(maker) }, maker.expiresAt),
    );
  }

  async deviceKey(permit: Permit<"device.mintKey">, kind: "device" | "certificate", held: Held): Promise<MintedKey> {
    const { space } = callerOf(permit);
    return this.#needs.storage.change(permit, async (unit) => {
      if (space.device(permit.on)?.state === "retired") throw new Refusal("device.retired");
      const now = this.#needs.clock.now();
      const keys = await authorityIn(unit).keysOf(permit.on);
      const alive = keys.filter((key) => standingOf(compile(space, key, nobody, now), now) === "active");
      if (alive.length >= mostKeysOfDevice) throw new Refusal("key.tooMany");
      return this.deviceKeyIn(unit, permit, permit.on, { devices: [permit.on] }, held, kind);
    });
  }

  /** Within the unit that makes the device, so that there is no device without its key. */
  async deviceKeyIn(
    unit: Unit,
    permit: Permit<"device.create"> | Permit<"device.mintKey">,
    device: Id<"device">,
    within: Where,
    held: Held = {},
    kind: "device" | "certificate" = "device",
  ): Promise<MintedKey> {
    const maker = callerOf(permit);
    refuseAmplification(maker, [{ action: "telemetry.write", where: within }]);
    const makers = makersOf(maker);
    const key: Heir = { name: "", grants: grantsOfDevice(device), lifetime: undefined, makers, device, ...held };
    return kind === "device" ? this.#keyIn(unit, kind, key, undefined) : this.#pinIn(unit, key);
  }

  /** Nothing is shown for it but a certificate of the key: there is no secret. */
  async #pinIn(unit: Unit, key: Heir): Promise<MintedKey> {
    if (!key.publicKey) {
      const fault = { path: "publicKey", message: "missing: a certificate is known by its key" };
      throw new Refusal("request.malformed", { faults: [fault] });
    }
    const id = newId("key", this.#needs.random);
    const digest = pinOf(key.publicKey);
    const { expiresAt } = await this.#save(unit, { ...key, id, kind: "certificate", digest }, undefined);
    return { id, secret: undefined, expiresAt };
  }

  /** For a device that the platform plays itself, and nobody else: whoever calls this has asked whether it is simulated. */
  async playedKeyIn(unit: Unit, device: Id<"device">): Promise<MintedKey & { readonly secret: string }> {
    const key: Heir = { name: "simulation", grants: grantsOfDevice(device), lifetime: undefined, makers: [], device };
    return this.#keyIn(unit, "device", key, undefined);
  }

  /** For a person who has just proved who she is. Bounded by her role, with no credential above it; over at `latest`. */
  async forPerson(
    allowed: Allowed,
    person: Id<"person">,
    member: Member,
    {
      latest,
      ...wanted
    }: Omit<Wanted, "grants"> & { grants: readonly Grant[] | undefined; latest?: Instant | undefined },
    within?: (unit: Unit) => Promise<void>,
  ): Promise<MintedToken> {
    const role = actionsOfMember(member);
    const grants = wanted.grants ?? role.map((action): Grant => ({ action, where: { all: true } }));
    const beyond = grants.filter(({ action }) => !role.includes(action));
    if (beyond.length > 0) throw amplification(beyond);
    const lost = await this.#lostOf(allowed, grants);
    if (lost) throw new Refusal(unknownCode[lost.kind]);
    const kid = await this.#needs.tokenKeys.kidFor(allowed.scope.org);
    return this.#needs.storage.change(allowed, async (unit) => {
      await within?.(unit);
      return this.#tokenIn(unit, kid, { ...wanted, grants, makers: [], person, inPerson: true }, latest);
    });
  }

  /** Looks only where something is named: the organisation of a first sign-in is not there yet. */
  async #lostOf({ scope }: Allowed, grants: readonly Grant[]): Promise<Lost | undefined> {
    const isNamed = grants.some(({ where }) => "application" in where || "devices" in where);
    return isNamed ? lostIn(await this.#needs.spaces.of(scope.org), grants) : undefined;
  }

  async #tokenIn(unit: Unit, kid: string, wanted: Heir, latest: Instant | undefined): Promise<MintedToken> {
    const { random, tokenKeys } = this.#needs;
    const nonce = newNonce(random);
    const id = newId("token", random);
    const credential = await this.#save(unit, { ...wanted, id, kind: "apiToken", digest: digestSecret(nonce) }, latest);
    const { expiresAt } = credential;
    const token = await mintToken({
      key: tokenKeys.keyFor(unit.scope, kid),
      kid,
      claims: {
        jti: id,
        org: unit.scope.org,
        iat: Math.floor(credential.createdAt / 1_000),
        ...(expiresAt !== undefined && { exp: Math.floor(expiresAt / 1_000) }),
        seq: credential.issuedSeq,
        nonce,
        grants: credential.grants.map(formatGrant),
        ...(credential.conditions && { conditions: credential.conditions }),
      },
    });
    return { id, token, expiresAt };
  }

  async #keyIn(
    unit: Unit,
    kind: CredentialKind,
    wanted: Heir,
    latest: Instant | undefined,
  ): Promise<MintedKey & { readonly secret: string }> {
    const secret = newSecret(this.#needs.random, presets[kind].isPublic ? "publishable" : "key");
    const id = newId("key", this.#needs.random);
    const { expiresAt } = await this.#save(unit, { ...wanted, id, kind, digest: digestSecret(secret) }, latest);
    return { id, secret, expiresAt };
  }

  async #save(
    unit: Unit,
    wanted: Heir & Pick<Credential, "id" | "kind" | "digest">,
    latest: Instant | undefined,
  ): Promise<Credential> {
    refuseTooLong(wanted);
    const rows = authorityIn(unit);
    const createdAt = this.#needs.clock.now();
    const asked = wanted.lifetime === undefined ? undefined : ((createdAt + wanted.lifetime) as Instant); // milliseconds both
    const credential: Credential = {
      id: wanted.id,
      kind: wanted.kind,
      name: wanted.name,
      state: "active",
      parent: wanted.parent,
      makers: wanted.makers,
      person: wanted.person,
      inPerson: wanted.inPerson ?? false,
      application: wanted.application,
      device: wanted.device,
      grants: wanted.grants,
      issuedSeq: await rows.nextSeq(),
      createdAt,
      expiresAt: asked === undefined || (latest !== undefined && latest < asked) ? latest : asked,
      lastUsedAt: undefined,
      digest: wanted.digest,
      publicKey: wanted.publicKey,
      conditions: wanted.conditions,
      version: 1,
    };
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
        parent: credential.parent,
        conditions: credential.conditions && JSON.stringify(credential.conditions),
        boundTo: credential.publicKey && thumbprint(credential.publicKey),
        expiresAt: credential.expiresAt === undefined ? undefined : rfc3339(credential.expiresAt),
      },
    });
    unit.afterCommit(() =>
      this.#needs.spaces.apply(unit.scope.org, (space) => space.credentials.set(credential.id, credential)),
    );
    return credential;
  }
}

/** How a credential has to be held to be good. */
export type Held = Pick<Wanted, "publicKey" | "conditions">;

/** What a new credential inherits: who made it, and what it ends with. */
type Heir = Wanted &
  Pick<Credential, "makers"> &
  Partial<Pick<Credential, "parent" | "person" | "inPerson" | "application" | "device">>;

const makersOf = ({ credential }: Caller): readonly CredentialId[] => [credential.id, ...credential.makers];

function heritage(maker: Caller): Pick<Heir, "parent" | "makers" | "person"> {
  const { id, person } = maker.credential;
  const makers = makersOf(maker);
  if (!isAncestor(maker.credential)) return { makers, person };
  if (maker.power.links.length >= longestChain) {
    const detail = `It would be the last of more than ${longestChain} that made each other.`;
    throw maker.refuse("token.create", maker.org, "too long a chain", new Refusal("credential.amplifies", { detail }));
  }
  return { parent: id, makers, person };
}

/** What is made ends with its ancestors. */
const latestOf = (maker: Caller): Instant | undefined => (isAncestor(maker.credential) ? maker.expiresAt : undefined);

function refuseTooLong({ grants, conditions }: Wanted): void {
  const said = conditions ? Buffer.byteLength(JSON.stringify(conditions)) : 0;
  const length = grants.reduce((sum, grant) => sum + Buffer.byteLength(formatGrant(grant)) + 3, said);
  if (grants.length <= mostGrants && length <= longestGrants) return;
  throw new Refusal("grant.malformed", {
    detail: `These are ${grants.length} grants of ${length} bytes; ${mostGrants} and ${longestGrants} are the most. Name an application or a tag instead of many devices.`,
  });
}
