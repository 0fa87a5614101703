import type { Id } from "@holdfast/kernel";
import type { Accounts } from "./accounting/index.ts";
import { asPlatform, type Spaces } from "./authority/index.ts";
import type { MessageLog, Presences } from "./messages/index.ts";
import type { Simulation } from "./simulation/index.ts";
import type { Keyring, Storage } from "./storage/index.ts";
import type { Telemetry } from "./telemetry/index.ts";

type Needs = {
  readonly storage: Storage;
  readonly keys: Keyring;
  readonly spaces: Spaces;
  readonly telemetry: Telemetry;
  readonly presences: Presences;
  readonly accounts: Accounts;
  readonly log: MessageLog;
  readonly simulation: () => Simulation;
};

/**
 * Erases an organisation with all that it holds, for ever. The keys of its devices first, while it is known which they are; then its own, and what
 * no longer opens. What a stop leaves undone may be done again.
 */
export const erasing =
  ({ storage, keys, spaces, telemetry, presences, accounts, log, simulation }: Needs) =>
  async (org: Id<"org">): Promise<void> => {
    await simulation().silence(org);
    const space = await spaces.of(org);
    log.forget(org);
    await telemetry.forget(org);
    accounts.forget(org);
    const names = await telemetry.erasures.keyNames(asPlatform(space.scope));
    await keys.erase("device", [...space.devices.keys(), ...names]);
    await telemetry.messageSeals.destroyAll(org);
    await storage.eraseOrg(org);
    spaces.forget(org);
    presences.forget(org);
  };
