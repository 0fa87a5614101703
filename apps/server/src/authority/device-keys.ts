import { thumbprint } from "@holdfast/crypto";
import type { CredentialId, Id, Instant } from "@holdfast/kernel";
import type { Credential } from "./credential.ts";
import { madeAtOf } from "./secrets.ts";
import type { Space } from "./space.ts";
import { endedUnder } from "./under.ts";

/** Of one credential of a device, what tells how it has aged and whether it is over: there may be one for each of many devices. */
type Key = Pick<Credential, "id" | "state" | "parent" | "makers" | "issuedSeq" | "expiresAt" | "version"> & {
  readonly device: Id<"device">;
  readonly madeAt: Instant;
  /** Of its public key, where it has one. */
  readonly print: string | undefined;
  /** Of its certificate, where one was issued for it. */
  readonly issued:
    | { readonly by: Id<"certificateAuthority">; readonly from: Instant; readonly notAfter: Instant }
    | undefined;
};

/** A credential of a device that is good now. */
export type DeviceKey = Pick<Key, "madeAt" | "issued"> & {
  /** Another device has one that is bound to the same key. */
  readonly isShared: boolean;
};

/** The credentials of all devices of an organisation, read when somebody first asks about them. */
export class DeviceKeys {
  readonly #ofDevice = new Map<Id<"device">, readonly Key[]>();
  readonly #byPrint = new Map<string, readonly Key[]>();
  /** Most keys were made by one of a few credentials: each list of makers is held once. */
  readonly #makers = new Map<string, readonly CredentialId[]>();
  #reading: Promise<void> | undefined;
  /** Until somebody asks nothing is held. */
  #isAsked = false;

  /** Before `of`. Puts all that there are, the first time. */
  async ready(read: (keys: this) => Promise<void>): Promise<void> {
    this.#isAsked = true;
    await (this.#reading ??= read(this).catch((error: unknown) => {
      this.#reading = undefined;
      throw error;
    }));
  }

  /** One that was read, made or changed. What is told twice, or after something newer, changes nothing. */
  put(credential: Credential): void {
    const { device } = credential;
    if (!device || !this.#isAsked) return;
    const there = this.#ofDevice.get(device) ?? [];
    const before = there.find(({ id }) => id === credential.id);
    if (before && before.version >= credential.version) return;
    const key = this.#keyOf(credential, device);
    this.#ofDevice.set(device, there.filter((one) => one !== before).concat(key)); // which, unlike a spread, leaves no room behind
    if (before) this.#printed(before, false);
    this.#printed(key, true);
  }

  /** Those that are good now. */
  of(space: Space, device: Id<"device">, now: Instant): readonly DeviceKey[] {
    const all = this.#ofDevice.get(device) ?? [];
    return all
      .filter((key) => this.#isGood(space, key, now))
      .map((key) => ({ madeAt: key.madeAt, issued: key.issued, isShared: this.#isShared(space, key, now) }));
  }

  #isShared(space: Space, { print, device }: Key, now: Instant): boolean {
    const alike = print === undefined ? [] : (this.#byPrint.get(print) ?? []);
    return alike.some((other) => other.device !== device && this.#isGood(space, other, now));
  }

  /** As `standingOf` says it of a credential that nobody shows: by what is kept of it here. */
  #isGood(space: Space, key: Key, now: Instant): boolean {
    const placement = space.device(key.device);
    if (key.state === "revoked" || !placement || placement.state === "retired") return false;
    if (isPast(key.expiresAt, now) || isPast(key.issued?.notAfter, now)) return false;
    if (key.makers.some((id) => space.revokedBefore(id, "made") > key.issuedSeq)) return false;
    if (endedUnder(space, key, placement, "devices", key.issuedSeq)) return false;
    // What a device made for itself ends with what it came by then.
    const parent = key.parent && this.#ofDevice.get(key.device)?.find(({ id }) => id === key.parent);
    return key.parent === undefined || (parent !== undefined && this.#isGood(space, parent, now));
  }

  #keyOf(credential: Credential, device: Id<"device">): Key {
    const { id, state, parent, issuedSeq, expiresAt, version, publicKey, issued, createdAt } = credential;
    const { makers, rotatedAt = createdAt } = credential;
    const name = makers.join(" ");
    if (!this.#makers.has(name)) this.#makers.set(name, makers);
    return {
      id,
      state,
      parent,
      makers: this.#makers.get(name) ?? makers,
      issuedSeq,
      expiresAt,
      version,
      device,
      madeAt: madeAtOf(credential),
      print: publicKey && thumbprint(publicKey),
      issued: issued && { by: issued.by, from: rotatedAt, notAfter: issued.notAfter },
    };
  }

  #printed(key: Key, isThere: boolean): void {
    if (key.print === undefined) return;
    const others = (this.#byPrint.get(key.print) ?? []).filter((one) => one !== key);
    const alike = isThere ? others.concat(key) : others;
    if (alike.length > 0) this.#byPrint.set(key.print, alike);
    else this.#byPrint.delete(key.print);
  }
}

const isPast = (at: Instant | undefined, now: Instant): boolean => at !== undefined && at <= now;
