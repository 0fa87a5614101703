import { existsSync } from "node:fs";
import { Refusal, type Clock, type Random } from "@holdfast/kernel";
import { Epochs } from "./epochs.ts";
import { kekLength, makeKek, readKek } from "./kek.ts";
import { SqliteStore, sqliteFile, type Owner } from "./sqlite.ts";
import type { KeyStore } from "./store.ts";

/** Where a keyring is, and what opens it. */
export type Site = {
  /** `folder` holds `keyring.sqlite` and the file `kek`; with `url`, a PostgreSQL holds the keys and the folder only the KEK. */
  readonly place: { readonly folder: string };
  /** 32 bytes. Without it the file `kek` is read, or made with a new keyring. */
  readonly kek?: Uint8Array | undefined;
  /** Who the process will be once it gave root up: the keyring is made theirs, the KEK stays whose it is. */
  readonly owner?: Owner | undefined;
};

type Opened = { readonly store: KeyStore; readonly epochs: Epochs; readonly fresh: boolean };
type Needs = Site & { readonly clock: Clock; readonly random: Random };

/** Opens the store and its epoch keys. Nothing is left open when it refuses. */
export async function openStore(needs: Needs, absent: "or begin" | "or refuse"): Promise<Opened> {
  const store = placeOf(needs, absent);
  try {
    const state = await store.state();
    if (state) {
      const kek = needs.kek ?? readKek(needs.place.folder);
      if (!kek) throw new Refusal("keyring.sealed", { detail: "There is a keyring, but no KEK beside it." });
      const epochs = new Epochs({ instance: state.instance, kek: checked(kek), random: needs.random });
      epochs.admit(await store.epochs());
      return { store, epochs, fresh: false };
    }
    if (absent === "or refuse")
      throw new Refusal("keyring.unreachable", { detail: "There is no keyring at that place." });
    return { store, epochs: await begin(store, needs), fresh: true };
  } catch (error) {
    await store.close();
    throw error;
  }
}

const none = () => new Refusal("keyring.unreachable", { detail: "There is no keyring at that place." });

function placeOf({ place, owner }: Needs, absent: "or begin" | "or refuse"): KeyStore {
  if (absent === "or refuse" && !existsSync(sqliteFile(place.folder))) throw none();
  return new SqliteStore(place.folder, owner);
}

async function begin(store: KeyStore, needs: Needs): Promise<Epochs> {
  const { random, clock, place } = needs;
  const kek = needs.kek ?? readKek(place.folder) ?? makeKek(place.folder, random);
  const state = { instance: random.bytes(16).toHex(), backedUpAt: undefined };
  const epochs = new Epochs({ instance: state.instance, kek: checked(kek), random });
  const first = epochs.next();
  epochs.admit([first]);
  const root = epochs.wrap({ kind: "root", name: "instance" }, random.bytes(32), clock.now());
  await store.begin({ state, epochs: [first], entries: [root], erased: [], revocations: [] });
  return epochs;
}

function checked(kek: Uint8Array): Uint8Array {
  if (kek.length === kekLength) return kek;
  throw new Refusal("keyring.sealed", { detail: "A KEK has 32 bytes." });
}
