import { statSync } from "node:fs";
import { Refusal, type Clock, type Instant, type Random } from "@holdfast/kernel";
import type { Login } from "./connections.ts";
import { Epochs } from "./epochs.ts";
import { kekLength, makeKek, readKek } from "./kek.ts";
import { PostgresStore } from "./postgres.ts";
import { failing } from "./sqlite-failure.ts";
import { SqliteStore, sqliteFile, type Owner } from "./sqlite.ts";
import type { KeyStore, State } from "./store.ts";

/** Where a keyring is, and what opens it. */
export type Site = {
  /** `folder` holds `keyring.sqlite` and the file `kek`. With `database`, a PostgreSQL keeps the keys, and the folder only the KEK. */
  readonly place: { readonly folder: string; readonly database?: Login | undefined };
  /** 32 bytes. Without it the file `kek` is read, or made with a new keyring. */
  readonly kek?: Uint8Array | undefined;
  /** Who the process will be once it gave root up: the keyring is made theirs, the KEK stays whose it is. */
  readonly owner?: Owner | undefined;
  readonly clock: Clock;
  readonly random: Random;
};

type Opened = { readonly store: KeyStore; readonly epochs: Epochs; readonly fresh: boolean };
type Absent = "or begin" | "or refuse";

/** Told apart from a keyring that is there and does not open: what to do about it differs. */
export class NoKeyring extends Refusal {
  constructor(place: Site["place"]) {
    super("keyring.unreachable", { detail: `There is no keyring at that place: ${nameOf(place)}.` });
  }
}

/** Opens the store and its epoch keys. Nothing is left open when it refuses. */
export async function openKeyring(site: Site, absent: Absent): Promise<Opened> {
  const store = await storeAt(site, absent);
  try {
    const state = await store.state();
    if (state) return { store, epochs: await epochsOf(store, state, site), fresh: false };
    if (absent === "or refuse") throw new NoKeyring(site.place);
    return { store, epochs: await begin(store, site), fresh: true };
  } catch (error) {
    await store.close();
    throw located(error, site.place);
  }
}

export async function storeAt({ place, owner }: Site, absent: Absent): Promise<KeyStore> {
  try {
    if (place.database) return await PostgresStore.open(place.database);
    if (absent === "or refuse" && isMissing(sqliteFile(place.folder))) throw new NoKeyring(place);
    return new SqliteStore(place.folder, owner);
  } catch (error) {
    throw located(error, place);
  }
}

const isMissing = (file: string): boolean => failing(() => statSync(file, { throwIfNoEntry: false })) === undefined;

/** For people: where, and nothing that must not be in a log. */
const nameOf = ({ folder, database }: Site["place"]): string =>
  database ? `${database.host}:${database.port}/${database.database}` : sqliteFile(folder);

/** With its place and the system's code, when it does not answer: neither the disk nor SQLite nor PostgreSQL tells where. */
function located(error: unknown, place: Site["place"]): unknown {
  if (!(error instanceof Refusal) || error instanceof NoKeyring || error.code !== "keyring.unreachable") return error;
  const { cause, detail } = error;
  const code = cause instanceof Error && "code" in cause && typeof cause.code === "string" ? ` (${cause.code})` : "";
  const isClosed = code === " (EACCES)" || code === " (EPERM)";
  const what = isClosed ? `User ${process.geteuid?.()} may not read and write it` : "The place is";
  return new Refusal(error.code, {
    cause,
    detail: `${detail === undefined ? "" : `${detail} `}${what}: ${nameOf(place)}${code}.`,
  });
}

/** The epoch keys of a keyring that there is. @throws Refusal `keyring.sealed` */
export async function epochsOf(store: KeyStore, { instance }: State, site: Site): Promise<Epochs> {
  const kek = site.kek ?? readKek(site.place.folder);
  if (!kek) throw new Refusal("keyring.sealed", { detail: "There is a keyring, but no KEK for it." });
  const epochs = Epochs.of({ instance, kek: checked(kek), random: site.random });
  await store.dateEpochs(site.clock.now());
  epochs.admit(await store.epochs());
  return epochs;
}

/** The KEK for a keyring that is about to be: what was given, what is there, or a new one. */
export const kekFor = ({ kek, place, random }: Site): Uint8Array =>
  checked(kek ?? readKek(place.folder) ?? makeKek(place.folder, random));

async function begin(store: KeyStore, site: Site): Promise<Epochs> {
  const { random, clock } = site;
  const state = { instance: random.bytes(16).toHex(), backedUpAt: undefined };
  const epochs = Epochs.of({ instance: state.instance, kek: kekFor(site), random });
  const now = clock.now();
  const first = epochs.begin(now);
  const root = epochs.wrap({ kind: "root", name: "instance" }, random.bytes(32), now);
  const none = { entries: [root], erased: [], revocations: [], rulings: [], letGoBy: 0 as Instant };
  await store.begin({ state, epochs: first, ...none });
  return epochs;
}

function checked(kek: Uint8Array): Uint8Array {
  if (kek.length === kekLength) return kek;
  throw new Refusal("keyring.sealed", { detail: "A KEK has 32 bytes." });
}
