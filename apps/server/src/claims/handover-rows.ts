import { idFrom, uuidOf, type Id } from "@holdfast/kernel";
import type { Unit } from "../storage/index.ts";
import type { Handover } from "./handover.ts";

type Row = { readonly device: string; readonly digest: Uint8Array; readonly body: Uint8Array };

export type Kept = { readonly device: Id<"device">; readonly digest: Uint8Array; readonly handover: Handover };

/** Device and code are in the seal: the digest of a code that somebody knows, put beside another device, opens nothing. */
const place = (device: Id<"device">, digest: Uint8Array): string => `${device}|${digest.toHex()}`;

export const handoversIn = (unit: Unit) => ({
  /** Whoever reads one to change it is alone with it until the end of the transaction. @throws Refusal `seal.broken` */
  async byDigest(digest: Uint8Array): Promise<Kept | undefined> {
    const [row] = await unit.query<Row>(
      "select device, digest, body from device_handover where digest = $1 for update",
      [digest],
    );
    return row && keptOf(unit, row);
  },

  /** As it stands, for whoever changes nothing. */
  async look(device: Id<"device">): Promise<Handover | undefined> {
    const [row] = await unit.query<Row>("select device, digest, body from device_handover where device = $1", [
      uuidOf(device),
    ]);
    return row && keptOf(unit, row).handover;
  },

  async of(device: Id<"device">): Promise<Kept | undefined> {
    const [row] = await unit.query<Row>(
      "select device, digest, body from device_handover where device = $1 for update",
      [uuidOf(device)],
    );
    return row && keptOf(unit, row);
  },

  async save({ device, digest, handover }: Kept): Promise<void> {
    const body = unit.scope.seal(
      "device-handover",
      place(device, digest),
      new TextEncoder().encode(JSON.stringify(handover)),
    );
    await unit.query(
      `insert into device_handover (org, device, digest, body) values ($1, $2, $3, $4)
       on conflict (org, device) do update set digest = excluded.digest, body = excluded.body`,
      [uuidOf(unit.scope.org), uuidOf(device), digest, body],
    );
  },

  async remove(device: Id<"device">): Promise<void> {
    await unit.query("delete from device_handover where device = $1", [uuidOf(device)]);
  },
});

function keptOf({ scope }: Unit, { device: uuid, digest, body }: Row): Kept {
  const device = idFrom("device", uuid);
  const text = new TextDecoder().decode(scope.open("device-handover", place(device, digest), body));
  return { device, digest, handover: JSON.parse(text) as Handover }; // sealed by `save`, so it is one
}
