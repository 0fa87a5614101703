import type { Clock, Random } from "@holdfast/kernel";
import type { Keyring, Snapshot } from "../storage/index.ts";
import { bytesOfCarried, LogCarrier } from "../telemetry/index.ts";
import { logTable, type Summary } from "./format.ts";
import { BackupWriter, type Out } from "./writer.ts";

type Needs = {
  readonly take: () => Promise<Snapshot>;
  readonly keyring: Keyring;
  readonly clock: Clock;
  readonly random: Random;
  /** Of this program. */
  readonly version: string;
  readonly out: Out;
  /** How far it is: bytes of rows so far, and of how many about. */
  readonly progress?: ((done: number, about: number) => void) | undefined;
  /** Gives it up. */
  readonly signal?: AbortSignal | undefined;
};

export type Made = Omit<Summary, "bytes">;

/**
 * Writes a backup of everything as of one moment, while the platform goes on. Rows are as the database has them, sealed one by one, and readings
 * of the log as their devices' keys seal them. No key is in it.
 * @throws the signal's reason
 */
export async function makeBackup(needs: Needs): Promise<Made> {
  const { keyring, clock, random, version, signal, progress } = needs;
  const id = random.bytes(16);
  const at = clock.now();
  // Before the moment: a keyring that knows of this backup has heard of whatever was revoked before it.
  await keyring.backups.note({ id: id.toHex(), at, isGood: false });
  const snapshot = await needs.take();
  try {
    const { migrations, segment, tables } = snapshot;
    const head = { at, version, migrations: [...migrations], segment };
    const writer = new BackupWriter({ out: needs.out, keyring, id, head });
    const told = () => {
      signal?.throwIfAborted();
      progress?.(writer.bytes, Math.max(writer.bytes, snapshot.bytes));
    };
    const carrier = new LogCarrier({ keys: keyring, random, periods: (org) => snapshot.periods(org) });
    const gone: string[] = [];
    const isLog = (table: (typeof tables)[number]) => table.partition?.of === logTable;
    for (const table of tables.filter(isLog)) {
      writer.table(table);
      let readings = 0;
      for await (const part of carrier.carry(table.partition?.first ?? 0, snapshot.log(table))) {
        await writer.readings(bytesOfCarried(part));
        readings += 1;
        told();
      }
      await writer.end(readings);
    }
    await snapshot.letLogGo();
    for (const table of tables.filter((one) => !isLog(one))) {
      writer.table(table);
      const rows = await snapshot.copy(table, (bytes) => {
        told();
        return writer.copied(bytes);
      });
      if (rows === undefined) gone.push(table.name);
      await writer.end(rows ?? 0);
      told();
    }
    await snapshot.prove();
    await writer.finish({ sequences: [...(await snapshot.sequences())], gone, unreadable: carrier.unreadable });
    return {
      id: id.toHex(),
      at,
      version,
      tables: writer.tables,
      rows: writer.rows,
      gone,
      unreadable: carrier.unreadable,
    };
  } finally {
    await snapshot.close();
  }
}
