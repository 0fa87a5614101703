import type { Id, Instant } from "@holdfast/kernel";

/** What a key is of. The names are ids, or a segment's number: not secret. */
export type KeyKind = "org" | "person" | "device" | "segment" | "messages";

/** What the keyring keeps under the epoch key: keys, its own root, and the secrets it was given (private keys of the CA). */
export type EntryKind = KeyKind | "root" | "secret";

/**
 * Segment keys have epoch keys of their own: there are few of them at a time, so these can be replaced many a day, while those of the lasting ones,
 * which may be a hundred thousand, are replaced when one of them is erased.
 */
export type Span = "lasting" | "passing";

export const spanOf = (kind: EntryKind): Span => (kind === "segment" ? "passing" : "lasting");

export type Entry = {
  readonly kind: EntryKind;
  readonly name: string;
  /** Which epoch key `wrapped` is sealed under. */
  readonly epoch: number;
  readonly wrapped: Uint8Array;
  readonly madeAt: Instant;
};

export type Place = Pick<Entry, "kind" | "name">;
/** When a key was made. Epoch keys from before this was kept are known from a moment, and were made `atLatest` then. */
export type Made = { readonly at: Instant; readonly known: "exactly" | "atLatest" };
export type Epoch = {
  readonly number: number;
  readonly span: Span;
  readonly wrapped: Uint8Array;
  /** Not known until `dateEpochs`. */
  readonly made: Made | undefined;
};
export type Erased = Place & { readonly at: Instant };

/** A revocation: of what, which kinds of callers it ends (`authority` has the words), and where it stands in the deployment's sequence. */
export type Revocation = {
  readonly org: Id<"org">;
  readonly about: string;
  readonly ends: readonly string[];
  readonly seq: number;
  readonly at: Instant;
};

/** What was decided last of one kind about one thing, in words of `authority`'s, sealed where they are not ids, and where that stands in the same sequence. */
export type Ruling = {
  readonly org: Id<"org">;
  readonly about: string;
  readonly kind: string;
  readonly says: string | undefined;
  readonly seq: number;
};

/** Entries of the journal by their names, as long as nothing newer stands there, and the time by which what they are about is over. */
export type Past = {
  readonly revocations: readonly Pick<Revocation, "org" | "about" | "ends" | "seq">[];
  readonly rulings: readonly Pick<Ruling, "org" | "about" | "kind" | "seq">[];
  readonly by: Instant;
};

/** The keyring as a whole: 128 random bits in hex that the database knows too, and when it was last saved to a backup. */
export type State = { readonly instance: string; readonly backedUpAt: Instant | undefined };

/** A backup of the data that was begun while this keyring was in use, and when; good once it was read back and is where it belongs. */
export type DataBackup = { readonly id: string; readonly at: Instant; readonly isGood: boolean };

export type Contents = {
  readonly state: State;
  readonly epochs: readonly Epoch[];
  readonly entries: readonly Entry[];
  readonly erased: readonly Erased[];
  readonly revocations: readonly Revocation[];
  readonly rulings: readonly Ruling[];
  /** The latest time by which anything was let go of: what was over by then is over for good. */
  readonly letGoBy: Instant;
};

/**
 * Where a keyring is kept. It never holds a key that is not wrapped. What resolved is on the disk. Every verb refuses with
 * `keyring.unreachable` when the place does not answer, within about two seconds.
 */
export interface KeyStore {
  /** `undefined` where no keyring was begun. @throws Refusal `storage.newer` */
  state(): Promise<State | undefined>;
  /** The first contents, all or nothing. Throws where there are some already. */
  begin(contents: Contents): Promise<void>;
  epochs(): Promise<readonly Epoch[]>;
  find(place: Place): Promise<Entry | undefined>;
  /** Which of these there are, in any order. */
  present(places: readonly Place[]): Promise<readonly Place[]>;
  /** Which of these were erased, in any order. */
  gone(places: readonly Place[]): Promise<readonly Place[]>;
  /** One durable step for all. `false` for each that stands there already or was erased. */
  add(entries: readonly Entry[]): Promise<readonly boolean[]>;
  /** Adds or replaces. */
  put(entry: Entry): Promise<void>;
  /** Removes, and remembers that it did: the names never come back. Of an organisation also what the journal has of it. */
  erase(erased: readonly Erased[]): Promise<void>;
  /** Removes without remembering. */
  destroy(places: readonly Place[]): Promise<void>;
  addEpoch(epoch: Epoch): Promise<void>;
  /** Epochs of which nobody wrote down when they were made were made by now. */
  dateEpochs(now: Instant): Promise<void>;
  /** In order of kind and name, entries of this span that an older epoch than this wraps. */
  outdated(span: Span, epoch: number, after: Place | undefined, limit: number): Promise<readonly Entry[]>;
  /** Replaces what still is as it was in `from`; what was replaced or removed meanwhile stays as it is. */
  rewrap(entries: readonly Entry[], from: readonly Entry[]): Promise<void>;
  /** Fails while anything is wrapped by one of them. */
  dropEpochsBefore(span: Span, epoch: number): Promise<void>;
  /** Makes the bytes of what was removed leave the store's files, as far as they can be made to: of epochs, or of entries too. */
  scrub(what: "epochs" | "everything"): Promise<void>;
  /** Keeps the last for each thing and kind of caller, and answers with one for each. */
  revoked(revocations: readonly Revocation[]): Promise<void>;
  /** All, or those of one thing in any organisation. */
  revocations(about?: string): Promise<readonly Revocation[]>;
  /** All or none of them. Keeps the last for each thing and kind, and answers with one for each. */
  ruled(rulings: readonly Ruling[]): Promise<void>;
  rulings(kinds: readonly string[]): Promise<readonly Ruling[]>;
  /** The greatest `seq` of anything in the journal; 0 of none. */
  lastSeq(): Promise<number>;
  /** All in one step: whoever opens it later without these knows the time. */
  letGo(past: Past): Promise<void>;
  /** 0 before the first time. */
  letGoBy(): Promise<Instant>;
  /** Everything as it was at one moment. */
  contents(): Promise<Contents | undefined>;
  backedUp(at: Instant): Promise<void>;
  /** Adds it, or says that it is good. No backup of the keyring has these. */
  noteData(backup: DataBackup): Promise<void>;
  dataBackups(): Promise<readonly DataBackup[]>;
  /** How many entries there are, and how many but segment keys, which come and go, were made since the last backup began. */
  count(): Promise<{ readonly all: number; readonly sinceBackup: number }>;
  close(): Promise<void>;
}
