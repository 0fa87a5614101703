import { isRefusal, type Timers } from "@holdfast/kernel";
import { ConnectFailed } from "./failure.ts";
import { Keyring } from "./keyring/index.ts";
import { placeOf } from "./login.ts";
import { patiently } from "./patiently.ts";

type Needs = {
  readonly timers: Timers;
  readonly report: (message: string) => void;
  readonly signal?: AbortSignal | undefined;
};

/** Opens a keyring. One in a PostgreSQL that is just starting is waited for, as the database is. */
export function openKeyring(
  site: Parameters<typeof Keyring.open>[0],
  { timers, report, signal }: Needs,
): Promise<Keyring> {
  const { database } = site.place;
  return patiently(() => Keyring.open(site), {
    timers,
    signal,
    mayRecover: (error) => database !== undefined && isAway(error),
    waiting: () => database && report(`Waiting for the keyring at ${placeOf(database)}.`),
  });
}

const isAway = (error: unknown): boolean =>
  isRefusal(error, "keyring.unreachable") && new ConnectFailed(error.cause).mayRecover;
