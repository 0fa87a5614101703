import { idFrom, uuidOf, type Id, type Instant } from "@holdfast/kernel";
import type { Unit } from "../storage/index.ts";
import type { Trusted } from "./trusted.ts";

type Row = { readonly device: string; readonly said_at: number; readonly roots: Uint8Array };

/** What devices said that they trust. Readable: digests of certificates that anybody may have. */
export const trustedIn = (unit: Unit) => ({
  async save(device: Id<"device">, digests: readonly string[]): Promise<void> {
    await unit.query(
      `insert into device_roots (org, device, said_at, roots) values ($1, $2, $3, $4)
       on conflict (org, device) do update set said_at = excluded.said_at, roots = excluded.roots`,
      [uuidOf(unit.scope.org), uuidOf(device), unit.at, Uint8Array.fromHex(digests.join(""))],
    );
  },

  async all(): Promise<ReadonlyMap<Id<"device">, Trusted>> {
    const rows = await unit.query<Row>("select device, said_at, roots from device_roots", []);
    return new Map(rows.map((row) => [idFrom("device", row.device), trustedOf(row)]));
  },
});

const digestLength = 64;

function trustedOf({ said_at: saidAt, roots }: Row): Trusted {
  const hex = roots.toHex();
  const count = hex.length / digestLength;
  const digests = Array.from({ length: count }, (_, at) => hex.slice(at * digestLength, (at + 1) * digestLength));
  return { roots: new Set(digests), saidAt: saidAt as Instant }; // a column of ours
}
