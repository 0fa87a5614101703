import { chmodSync, chownSync, mkdirSync } from "node:fs";
import path from "node:path";
import type { Clock, Random } from "@holdfast/kernel";
import type { Config } from "./config.ts";
import { Keyring, parseDatabaseUrl, parseKek, startPostgres, systemUser, type Login } from "./storage/index.ts";

/** Where the keys and the data are, opened: the keyring first, because it holds what opens the database. */
export type Places = {
  readonly keyring: Keyring;
  readonly database: Login | string;
  /** The folder of the embedded database; `undefined` when the database is somebody else's. */
  readonly databaseFolder: string | undefined;
  /** Whom the process can become, when it was started by root. */
  readonly runAs: { readonly uid: number; readonly gid: number } | undefined;
  close(): Promise<void>;
};

type Needs = {
  readonly config: Config;
  readonly clock: Clock;
  readonly random: Random;
  readonly report: (message: string) => void;
};

export async function openPlaces({ config, clock, random, report }: Needs): Promise<Places> {
  const folder = path.join(config.data, "postgres");
  const user = systemUser(folder);
  makeFolder(config.data, user);
  makeFolder(config.keys, user);
  const keyring = await Keyring.open({
    place: {
      folder: config.keys,
      ...(config.keyringUrl !== undefined && { database: parseDatabaseUrl(config.keyringUrl) }),
    },
    ...(config.kek !== undefined && { kek: parseKek(config.kek) }),
    ...(user && { owner: user }),
    clock,
    random,
  });
  if (config.databaseUrl !== undefined) {
    const close = () => keyring.close();
    return { keyring, database: config.databaseUrl, databaseFolder: undefined, runAs: user, close };
  }
  try {
    const postgres = await startPostgres({
      folder,
      password: keyring.instanceKey("database/superuser").toHex(),
      report,
    });
    return {
      keyring,
      database: postgres.owner,
      databaseFolder: folder,
      runAs: postgres.runAs,
      async close() {
        await postgres.stop();
        await keyring.close();
      },
    };
  } catch (error) {
    await keyring.close();
    throw error;
  }
}

/** Only the user that the platform runs as can look inside. */
function makeFolder(folder: string, user: Places["runAs"]): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  chmodSync(folder, 0o700);
  if (user) chownSync(folder, user.uid, user.gid);
}
