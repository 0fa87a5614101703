// Hot path: one of these for each secret that sends.
import { BootKeys, type Frame } from "@holdfast/crypto";
import type { CredentialId, Id, Instant, Refusal } from "@holdfast/kernel";
import type { SocketMode } from "@holdfast/protocol";
import type { Account, Meter } from "../accounting/index.ts";
import type { Caller, Credential, Space } from "../authority/index.ts";
import type { Windows } from "./windows.ts";

/** What authority said of one way to come, as long as it holds. */
export type Way = {
  readonly address: string;
  readonly epoch: number;
  readonly until: Instant | undefined;
  readonly caller: Caller | undefined;
  readonly refusal: Refusal | undefined;
};

/** A device's secret with all that a frame needs of the platform at once: read when its first frame comes. */
export class Peer {
  readonly space: Space;
  readonly id: CredentialId;
  readonly device: Id<"device">;
  readonly attributes: readonly string[];
  readonly windows: Windows;
  readonly account: Account;
  readonly ways: { [Mode in SocketMode]?: Way } = {};
  readonly #address: number;
  readonly #secret: Uint8Array;
  readonly #credential: Credential;
  #meter: Meter;
  #boot: { readonly number: number; readonly keys: BootKeys } | undefined;
  /** Frames that wait for their commit. */
  underWay = 0;
  usedAt = 0;
  /** Where its last frame came from that opened. */
  vouchedFrom = "";

  constructor(
    address: number,
    credential: Credential & { readonly device: Id<"device">; readonly socket: NonNullable<Credential["socket"]> },
    needs: { readonly space: Space; readonly windows: Windows; readonly account: Account },
  ) {
    const { device, socket } = credential;
    this.space = needs.space;
    this.windows = needs.windows;
    this.account = needs.account;
    this.id = credential.id;
    this.device = device;
    this.attributes = socket.attributes;
    this.#address = address;
    this.#secret = Uint8Array.fromHex(socket.secret);
    this.#credential = credential;
    this.#meter = this.account.meter("socket", credential);
  }

  /** What of it was read has to be read again. */
  get isOver(): boolean {
    return this.space.closed || this.windows.isDoubtful;
  }

  get credential(): Credential {
    return this.space.credentials.get(this.id) ?? this.#credential;
  }

  get meter(): Meter {
    if (this.#meter.isForgotten) this.#meter = this.account.meter("socket", this.#credential);
    return this.#meter;
  }

  /** A frame of this boot that came from there has opened, and none from elsewhere since. */
  hasVouched(boot: number, address: string): boolean {
    return this.#boot?.number === boot && this.vouchedFrom === address;
  }

  /** The payload, and the keys of its boot; those of the last one that opened are kept. */
  open(frame: Frame, bytes: Uint8Array): { readonly payload: Uint8Array; readonly keys: BootKeys } | undefined {
    const { boot } = frame;
    const keys = this.#boot?.number === boot ? this.#boot.keys : new BootKeys(this.#secret, this.#address, boot);
    const payload = keys.open(frame, bytes);
    if (!payload) return undefined;
    if (this.#boot?.keys !== keys) this.#boot = { number: boot, keys };
    return { payload, keys };
  }
}
