import { addressIn } from "@holdfast/crypto";
import { idFrom, type Id } from "@holdfast/kernel";
import type { Storage } from "../storage/index.ts";

/** Whose frames come under an address. */
export type Addressed = { readonly org: Id<"org">; readonly credential: Id<"key"> };

/**
 * Which credential a frame names by its six bytes: all that there are, in memory. Whoever sends frames under addresses that nobody has costs one look
 * at a map, and no question to the database.
 */
export class SocketAddresses {
  readonly #all = new Map<number, Addressed>();

  static async load({ storage }: { storage: Storage }): Promise<SocketAddresses> {
    const addresses = new SocketAddresses();
    type Row = { org: string; id: string; address: Uint8Array };
    for (const { org, id, address } of await storage.directory.call<Row>("socket_addresses", []))
      addresses.put(addressIn(address), { org: idFrom("org", org), credential: idFrom("key", id) });
    return addresses;
  }

  of(address: number): Addressed | undefined {
    return this.#all.get(address);
  }

  put(address: number, whose: Addressed): void {
    this.#all.set(address, whose);
  }

  /** Its credential is gone. */
  remove(address: number): void {
    this.#all.delete(address);
  }
}
