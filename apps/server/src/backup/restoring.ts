import type { Clock, Random } from "@holdfast/kernel";
import { Restoring, type Keyring, type StorageNeeds } from "../storage/index.ts";
import { carriedIn, LogLander } from "../telemetry/index.ts";
import type { Summary } from "./format.ts";
import { readBackup } from "./reader.ts";

type Needs = {
  readonly bytes: AsyncIterable<Uint8Array>;
  readonly database: StorageNeeds["database"];
  readonly keyring: Keyring;
  readonly clock: Clock;
  readonly random: Random;
  /** Whoever runs the machine answers for it that nothing was revoked since the backup: nothing waits for a word of owners. */
  readonly isVouchedFor: boolean;
};

export type Restored = Summary & {
  /** The keyring does not know of this backup: it is older, or was restored itself, and may not have heard of what was revoked since. */
  readonly isUnconfirmed: boolean;
  /** Parts of the log of devices that were erased since. */
  readonly erased: number;
};

/**
 * Puts a backup into a database that has nothing in it. All of it, or nothing.
 * @throws Refusal `backup.damaged`, `storage.notEmpty`, `storage.inUse`, `storage.newer`, `keyring.wrong`
 */
export async function restoreBackup(needs: Needs): Promise<Restored> {
  const { keyring, clock, random, isVouchedFor } = needs;
  let restoring: Restoring | undefined;
  let isUnconfirmed = false;
  let erased = 0;
  let behind = 0;
  const begun = (): Restoring => {
    if (!restoring) throw new Error("a backup that was read without its head");
    return restoring;
  };
  try {
    const summary = await readBackup(needs.bytes, keyring, {
      async head({ migrations, segment }, id) {
        isUnconfirmed = !isVouchedFor && !(await keyring.backups.knows(id));
        behind = segment;
        restoring = await Restoring.begin(needs, migrations);
      },
      async table({ table, isLog, parts }) {
        if (!isLog) {
          await begun().table(table, parts);
          return;
        }
        const { segment, key } = await begun().segment(behind);
        const lander = new LogLander({ keys: keyring, random, segment, key });
        await begun().log(segment, lander.land(map(parts, carriedIn)));
        erased += lander.erased;
      },
      sequences: (all) => begun().sequences(all),
    });
    if (isUnconfirmed) await begun().shut(clock.now());
    await begun().commit();
    return { ...summary, isUnconfirmed, erased };
  } catch (error) {
    await restoring?.abandon();
    throw error;
  }
}

async function* map<A, B>(some: AsyncIterable<A>, change: (one: A) => B): AsyncGenerator<B> {
  for await (const one of some) yield change(one);
}
