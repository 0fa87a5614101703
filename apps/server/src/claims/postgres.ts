import { idFrom, uuidOf, type Id } from "@holdfast/kernel";
import type { Unit } from "../storage/index.ts";
import { untouched, type Claim } from "./claim.ts";

type Row = {
  readonly device: string;
  readonly version: number;
  readonly printed_index: Uint8Array | null;
  readonly transfer_index: Uint8Array | null;
  readonly body: Uint8Array;
};

const columns = "device, version, printed_index, transfer_index, body";

/** A claim as it is kept: codes as keyed digests alone. */
export type Kept = {
  readonly device: Id<"device">;
  readonly version: number;
  readonly printedIndex: Uint8Array | undefined;
  readonly transferIndex: Uint8Array | undefined;
  readonly claim: Claim;
};

export const codeIndex = ({ scope }: Unit, code: string): Uint8Array => scope.index("claim/code", code);

/** Which codes a claim has is in its seal: the digest of a code that somebody knows, put beside another device, opens nothing. */
const place = ({ device, version, printedIndex, transferIndex }: Omit<Kept, "claim">): string =>
  [device, version, printedIndex?.toHex() ?? "-", transferIndex?.toHex() ?? "-"].join("|");

export const claimsIn = (unit: Unit) => ({
  /** A device of which nobody made a code yet has no row. */
  async find(device: Id<"device">): Promise<Kept> {
    const [row] = await unit.query<Row>(`select ${columns} from device_claim where device = $1`, [uuidOf(device)]);
    if (row) return keptOf(unit, row);
    return { device, version: 0, printedIndex: undefined, transferIndex: undefined, claim: untouched };
  },

  /** Of which device this code is, and whether it is the one on its box. */
  async byCode(index: Uint8Array): Promise<{ readonly kept: Kept; readonly isPrinted: boolean } | undefined> {
    const [row] = await unit.query<Row>(
      `select ${columns} from device_claim where printed_index = $1 or transfer_index = $1`,
      [index],
    );
    return row && { kept: keptOf(unit, row), isPrinted: row.printed_index?.toHex() === index.toHex() };
  },

  async save(kept: Kept): Promise<void> {
    const next = { ...kept, version: kept.version + 1 };
    await unit.query(
      `insert into device_claim (org, device, version, printed_index, transfer_index, body) values ($1, $2, $3, $4, $5, $6)
       on conflict (org, device) do update set version = excluded.version, printed_index = excluded.printed_index,
         transfer_index = excluded.transfer_index, body = excluded.body`,
      [
        uuidOf(unit.scope.org),
        uuidOf(next.device),
        next.version,
        next.printedIndex ?? null,
        next.transferIndex ?? null,
        unit.scope.seal("device-claim", place(next), new TextEncoder().encode(JSON.stringify(next.claim))),
      ],
    );
  },
});

function keptOf({ scope }: Unit, row: Row): Kept {
  const fixed = {
    device: idFrom("device", row.device),
    version: row.version,
    printedIndex: row.printed_index ?? undefined,
    transferIndex: row.transfer_index ?? undefined,
  };
  const text = new TextDecoder().decode(scope.open("device-claim", place(fixed), row.body));
  return { ...fixed, claim: JSON.parse(text) as Claim }; // sealed by `save`, so it is one
}
