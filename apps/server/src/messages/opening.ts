import { unlessBroken } from "@holdfast/crypto";
import type { Id, Report } from "@holdfast/kernel";
import type { Space } from "../authority/index.ts";
import { firstSeal, openMessages, type MessageRow, type Telemetry } from "../telemetry/index.ts";

/** What a row says; `undefined` where it does not open, because it was altered or its key is `missing`. */
export type Row = {
  readonly position: number;
  readonly bytes: number;
  readonly records: readonly Uint8Array[] | undefined;
  readonly isMissing: boolean;
};

/** Opens the rows of one organisation, whichever key they are under. */
export class Opening {
  readonly #space: Space;
  readonly #telemetry: Telemetry;
  readonly #seals = new Map<number, Awaited<ReturnType<Telemetry["messageSeals"]["find"]>>>();
  /** Of the generations that were found. */
  greatest = 0;

  constructor(space: Space, telemetry: Telemetry) {
    this.#space = space;
    this.#telemetry = telemetry;
  }

  async open({ position, body, generation }: MessageRow): Promise<Row | "erased"> {
    this.greatest = Math.max(this.greatest, generation);
    const seal = generation === 0 ? firstSeal(this.#space.scope) : await this.#sealOf(generation);
    if (seal === "erased") return seal;
    const row = { position, bytes: body.length };
    if (seal === "missing") return { ...row, records: undefined, isMissing: true };
    return { ...row, records: unlessBroken(() => openMessages(seal, position, body)), isMissing: false };
  }

  async #sealOf(generation: number) {
    const known = this.#seals.get(generation);
    if (known) return known;
    const found = await this.#telemetry.messageSeals.find(this.#space.org, generation);
    this.#seals.set(generation, found);
    return found;
  }
}

/** Rows that cannot be read, and stay: whoever runs the platform is told why. */
export function tellUnread(org: Id<"org">, unread: readonly Row[], report: Report): void {
  const missing = unread.filter(({ isMissing }) => isMissing);
  const altered = unread.filter(({ records, isMissing }) => !records && !isMissing);
  const newer = unread.filter(({ records }) => records);
  const what = (rows: readonly Row[]) =>
    `${rows.length} rows of the message log of ${org} (the first at ${rows[0]?.position})`;
  const rest = "They stay there; queued and retained messages may be missing, or come again.";
  const error = { level: "error" } as const;
  if (missing.length > 0)
    report(`${what(missing)} do not open, because the keyring is an older copy without their key. ${rest}`, {
      ...error,
      code: "keyring.incomplete",
    });
  if (altered.length > 0)
    report(`${what(altered)} do not open, because they were altered. ${rest}`, {
      ...error,
      code: "seal.broken",
    });
  if (newer.length > 0)
    report(`${what(newer)} were written by a newer version. ${rest}`, {
      ...error,
      code: "storage.newer",
    });
}
