import { readFileSync, statSync } from "node:fs";
import { Refusal, type Random, type Report, type Timers } from "@holdfast/kernel";
import type { HighWater, Spaces } from "./authority/index.ts";
import { openBeside } from "./beside.ts";
import { within } from "./closed.ts";
import type { ColdConfig } from "./cold-config.ts";
import type { Config } from "./config.ts";
import { Calls, Names, S3Store } from "./outbound/index.ts";
import type { outwardsOf } from "./outwards.ts";
import type { Keyring, Storage } from "./storage/index.ts";
import { ChunkCare, ColdChunks, FolderStore, Retention, Telemetry, type ObjectStore } from "./telemetry/index.ts";

type Needs = Pick<Awaited<ReturnType<typeof outwardsOf>>, "calling"> & {
  readonly config: Config;
  readonly storage: Storage;
  readonly spaces: Spaces;
  readonly keys: Keyring;
  readonly clock: HighWater;
  readonly random: Random;
  readonly timers: Timers;
  readonly report: Report;
  readonly signal: AbortSignal;
};

/** What devices measure, and what is said beside: taken, and kept as long and where is said. @throws Refusal `config.malformed`, `folder.closed` */
export async function openReadings(needs: Needs) {
  const { config, calling, timers, signal, ...common } = needs;
  const { storage } = common;
  const moving = coldOf(config, { calling, timers });
  // By the system's timers, also where a test moves the clock: commits are to be waited for, and given up, in real time.
  const telemetry = await Telemetry.open({
    ...common,
    cold: moving && new ColdChunks({ storage, store: moving.store }),
    largest: config.maximumMessage,
    sizes: { buffers: config.telemetryMemory },
  });
  return {
    telemetry,
    beside: openBeside({ ...common, telemetry, timers, signal }),
    chunkCare: new ChunkCare({ ...common, telemetry, moving }),
    retention: new Retention({ ...common, retentions: telemetry.retentions }),
  };
}

/** Of an object, as it is moved, and for how long it may be on its way. */
const mostBytes = 16 * 1024 * 1024;
const patience = 60_000;

function coldOf({ cold }: Config, { calling, timers }: Pick<Needs, "calling" | "timers">): Moving | undefined {
  if (!cold) return undefined;
  const after = cold.afterDays * 86_400_000;
  if ("folder" in cold.store) return { after, store: new FolderStore(cold.store.folder) };
  const names = new Names({ server: calling.server });
  const calls = new Calls({ ...calling, names, timers, mostBytes, patience });
  return { after, store: new S3Store({ ...cold.store, secret: secretOf(cold) }, calls.fetch) };
}

type Moving = { readonly after: number; readonly store: ObjectStore };

function secretOf({ secret, secretFile }: ColdConfig): string {
  if (secretFile === undefined) return secret ?? "";
  return within("--cold-secret-file", () => {
    if ((statSync(secretFile).mode & 0o077) !== 0) {
      const detail = `Others can read the file of --cold-secret-file: chmod 600 ${secretFile}.`;
      throw new Refusal("config.malformed", { detail });
    }
    return readFileSync(secretFile, "utf8").replace(/\r?\n$/, "");
  });
}
