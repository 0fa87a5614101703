import path from "node:path";
import { Refusal, type Clock, type Random, type Report, type Timers } from "@holdfast/kernel";
import { closedOr, within } from "./closed.ts";
import { keysOption, type Config } from "./config.ts";
import { makeFolder } from "./folders.ts";
import { keysCommand } from "./keys-command.ts";
import { letThrough, permissionsOf } from "./passage.ts";
import {
  dataVersion,
  Keyring,
  NoKeyring,
  openKeyring,
  parseDatabaseUrl,
  parseKek,
  startPostgres,
  systemUser,
  type Login,
} from "./storage/index.ts";

/** Where the keys and the data are, opened: the keyring first, because it holds what opens the database. */
export type Places = {
  readonly keyring: Keyring;
  readonly database: Login | string;
  /** The folder of the embedded database; `undefined` when the database is somebody else's. */
  readonly databaseFolder: string | undefined;
  /** Whom the process can become, when it was started by root. */
  readonly runAs: { readonly uid: number; readonly gid: number } | undefined;
  /** Another server has these data now: `close` then lets go of its database, and does not end it. */
  lose(): void;
  close(): Promise<void>;
};

type Needs = {
  readonly config: Config;
  readonly clock: Clock;
  readonly random: Random;
  readonly timers: Timers;
  readonly report: Report;
  /** Gives it up. */
  readonly signal?: AbortSignal | undefined;
};

export async function openPlaces({ config, clock, random, timers, report, signal }: Needs): Promise<Places> {
  const folder = postgresIn(config);
  const user = makeFolders(config, report);
  const site = {
    place: {
      folder: config.keys,
      ...(config.keyringUrl !== undefined && { database: parseDatabaseUrl(config.keyringUrl) }),
    },
    ...(config.kek !== undefined && { kek: parseKek(config.kek) }),
    ...(user && { owner: user }),
    clock,
    random,
  };
  if (within("--data", () => dataVersion(folder)) !== undefined) await refuseWithoutKeys(site, config);
  const keyring = await openKeyring(site, { timers, report, signal });
  if (config.databaseUrl !== undefined) {
    const close = () => keyring.close();
    return { keyring, database: config.databaseUrl, databaseFolder: undefined, runAs: user, lose: () => {}, close };
  }
  try {
    const postgres = await startPostgres({
      folder,
      password: keyring.instanceKey("database/superuser").toHex(),
      report,
      ...(signal && { signal }),
    });
    return {
      keyring,
      database: postgres.owner,
      databaseFolder: folder,
      runAs: postgres.runAs,
      lose: () => postgres.release(),
      async close() {
        await postgres.stop(); // nothing when it was released
        await keyring.close();
      },
    };
  } catch (error) {
    await keyring.close();
    throw closedOr(error, "--data");
  }
}

/** Data without keys: a new keyring would open nothing, and stand in the way of the backup of the right one. */
async function refuseWithoutKeys(site: Parameters<typeof Keyring.openBeside>[0], config: Config): Promise<void> {
  try {
    await (await Keyring.openBeside(site)).close();
  } catch (error) {
    // One that is there and does not open is another matter: it must not be taken for lost.
    if (!(error instanceof NoKeyring) || site.place.database) throw error;
    throw new Refusal("keyring.wrong", {
      cause: error,
      detail: `There are none in ${site.place.folder}, and the data need them: ${keysCommand("restore", config, process.cwd())} --in FILE brings them back.`,
    });
  }
}

export const postgresIn = ({ data }: Pick<Config, "data">): string => path.join(data, "postgres");

/**
 * Makes the folders of the data and the keys. Answers whose they are when we are root: the user that the platform runs as. Nothing changes hands before it
 * is known that this user gets there. @throws Refusal `folder.closed`
 */
export function makeFolders(config: FoldersNeeds, report: (message: string) => void): Places["runAs"] {
  const user = workingUser(config, report);
  // Clients on this machine read ca.pem in there; everything else in it is in folders of its own.
  within("--data", () => makeFolder(config.data, 0o711, user));
  within(keysOption(config), () => makeFolder(config.keys, 0o700, user));
  return user;
}

type FoldersNeeds = Pick<Config, "data" | "keys" | "allowRoot">;

function workingUser({ data, keys, allowRoot }: FoldersNeeds, report: (message: string) => void): Places["runAs"] {
  const user = within("--data", () => systemUser(postgresIn({ data })));
  const closed = user && letThrough(user, [data, keys], report);
  if (closed === undefined) return user;
  if (allowRoot) return undefined;
  throw new Refusal("folder.closed", {
    detail:
      `User ${user?.uid}, whom the platform becomes so that it is not root, cannot pass through ${closed} (${permissionsOf(closed)}). Let this user ` +
      "through, choose a --data elsewhere, such as /var/lib/holdfast, start as an ordinary user, or say --allow-root.",
  });
}

/** The certificate to trust, for whoever connects from this machine. */
export const caFileOf = ({ data }: Config): string => path.join(data, "ca.pem");

/** Without --ready-file it is with the keys, because it holds the set-up link: what lies with the data opens nothing. */
export const readyFileOf = ({ readyFile, keys }: Pick<Config, "readyFile" | "keys">): string =>
  readyFile ?? path.join(keys, "ready.json");
