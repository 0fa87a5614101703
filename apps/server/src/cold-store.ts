import { readFileSync, statSync } from "node:fs";
import { Refusal, type Timers } from "@holdfast/kernel";
import { within } from "./closed.ts";
import type { ColdConfig, Config } from "./config.ts";
import { Calls, Names, S3Store } from "./outbound/index.ts";
import type { outwardsOf } from "./outwards.ts";
import { FolderStore, type ObjectStore } from "./telemetry/index.ts";

type Needs = Pick<Awaited<ReturnType<typeof outwardsOf>>, "calling"> & { readonly timers: Timers };

/** Of an object, as it is moved, and for how long it may be on its way. */
const mostBytes = 16 * 1024 * 1024;
const patience = 60_000;

/** Where old readings are moved, and when, as the operator says. @throws Refusal `config.malformed`, `folder.closed` */
export function coldOf({ cold }: Pick<Config, "cold">, { calling, timers }: Needs): Moving | undefined {
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
