import { systemClock, systemRandom, systemTimers } from "@holdfast/kernel";
import { Keyring } from "../storage/keyring/index.ts";
import { Storage, type StorageNeeds } from "../storage/index.ts";
import { freshDatabase, type FreshDatabase } from "./database.ts";

export type FreshStorage = {
  readonly storage: Storage;
  readonly keyring: Keyring;
  readonly database: FreshDatabase;
  /** What the storage told the operator, in order. */
  readonly reports: readonly string[];
  close(): Promise<void>;
};

/**
 * A storage in service, on a database and keys of its own. What is not given is the real thing, except that audit entries
 * are counted for and not written: that is `audit/`'s matter.
 */
export async function freshStorage(more: Partial<StorageNeeds> = {}, database?: FreshDatabase): Promise<FreshStorage> {
  const on = database ?? (await freshDatabase());
  const keyring = more.keyring ?? (await openKeys(on));
  const reports: string[] = [];
  const storage = await Storage.open({
    database: on.login,
    folder: undefined,
    clock: systemClock,
    random: systemRandom,
    timers: systemTimers,
    recordAudit: async () => undefined,
    doubtful: () => undefined,
    report: (message) => void reports.push(message),
    fatal: (refusal) => void reports.push(refusal.message),
    ...more,
    keyring,
  }).catch(async (error: unknown) => {
    if (!more.keyring) await keyring.close();
    throw error;
  });
  return {
    storage,
    keyring,
    database: on,
    reports,
    close: async () => {
      await storage.close();
      if (!more.keyring) await keyring.close();
      if (!database) await on.drop();
    },
  };
}

export const openKeys = ({ keysFolder }: FreshDatabase): Promise<Keyring> =>
  Keyring.open({ place: { folder: keysFolder }, clock: systemClock, random: systemRandom });
