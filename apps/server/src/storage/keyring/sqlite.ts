import { closeSync, constants, fchmodSync, fchownSync, mkdirSync, openSync } from "node:fs";
import path from "node:path";
import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite";
import { Refusal, type Id, type Instant } from "@holdfast/kernel";
import { failing } from "./sqlite-failure.ts";
import type {
  Contents,
  DataBackup,
  Entry,
  EntryKind,
  Epoch,
  Erased,
  KeyStore,
  Made,
  Place,
  Past,
  Revocation,
  Ruling,
  Span,
  State,
} from "./store.ts";

export type Owner = { readonly uid: number; readonly gid: number };

const format = 1;

export const sqliteFile = (folder: string) => path.join(folder, "keyring.sqlite");

// `keys.epoch` refers to `epoch`: neither can an epoch key go while it wraps something, nor can a process that
// missed a change of epochs write under the old one.
const schema = `
  CREATE TABLE IF NOT EXISTS ring (
    one INTEGER PRIMARY KEY CHECK (one = 1), format INTEGER NOT NULL, instance TEXT NOT NULL, backed_up_at INTEGER) STRICT;
  CREATE TABLE IF NOT EXISTS epoch (number INTEGER PRIMARY KEY, span TEXT NOT NULL, wrapped BLOB NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS epoch_made (
    number INTEGER PRIMARY KEY REFERENCES epoch ON DELETE CASCADE, at INTEGER NOT NULL, known TEXT NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS keys (
    kind TEXT NOT NULL, name TEXT NOT NULL, epoch INTEGER NOT NULL REFERENCES epoch, wrapped BLOB NOT NULL,
    made_at INTEGER NOT NULL, PRIMARY KEY (kind, name)) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS keys_epoch ON keys (epoch);
  CREATE TABLE IF NOT EXISTS erased (
    kind TEXT NOT NULL, name TEXT NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (kind, name)) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS revocation (
    org TEXT NOT NULL, about TEXT NOT NULL, party TEXT NOT NULL, seq INTEGER NOT NULL, at INTEGER NOT NULL,
    PRIMARY KEY (org, about, party)) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS ruling (
    org TEXT NOT NULL, about TEXT NOT NULL, kind TEXT NOT NULL, says TEXT, seq INTEGER NOT NULL,
    PRIMARY KEY (org, about, kind)) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS let_go (one INTEGER PRIMARY KEY CHECK (one = 1), by INTEGER NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS data_backup (id TEXT PRIMARY KEY, at INTEGER NOT NULL, good INTEGER NOT NULL) STRICT;
`;

/**
 * `keyring.sqlite` in the keys folder. The connection stays open, so a process that gives root up writes on: `owner` is who it
 * will be. A write costs one fsync in this thread; callers at the same time share one (see `Keyring.make`).
 */
export class SqliteStore implements KeyStore {
  readonly #db: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();

  constructor(folder: string, owner?: Owner) {
    const file = sqliteFile(folder);
    this.#db = failing(() => {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      keepFor(owner, folder, constants.O_RDONLY | constants.O_DIRECTORY, 0o700);
      keepFor(owner, file, constants.O_RDWR | constants.O_CREAT, 0o600); // SQLite gives its log the same mode and owner
      const db = new DatabaseSync(file, { timeout: 500 });
      // Rewritten pages stand in the log until `scrub`. The temporary files of SQLite would hold keys too: keep them in memory.
      db.exec(`PRAGMA secure_delete = ON; PRAGMA temp_store = MEMORY; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
        PRAGMA fullfsync = ON; PRAGMA checkpoint_fullfsync = ON;`);
      this.#inOne(() => db.exec(schema), db);
      return db;
    });
  }

  async state(): Promise<State | undefined> {
    return failing(() => this.#state());
  }

  async begin({ state, epochs, entries, erased, revocations, rulings, letGoBy }: Contents): Promise<void> {
    this.#change(() => {
      this.#run("INSERT INTO ring VALUES (1, ?, ?, ?)", format, state.instance, state.backedUpAt ?? null);
      for (const epoch of epochs) this.#addEpoch(epoch);
      for (const entry of entries) this.#insert(entry);
      for (const { kind, name, at } of erased) this.#run("INSERT INTO erased VALUES (?, ?, ?)", kind, name, at);
      for (const revocation of revocations) this.#revoked(revocation);
      for (const ruling of rulings) this.#ruled(ruling);
      this.#letGoBy(letGoBy);
    });
  }

  async epochs(): Promise<readonly Epoch[]> {
    return failing(() => this.#epochs());
  }

  async find({ kind, name }: Place): Promise<Entry | undefined> {
    return failing(
      () => this.#rows<EntryRow>("SELECT * FROM keys WHERE kind = ? AND name = ?", kind, name).map(entryOf)[0],
    );
  }

  async present(places: readonly Place[]): Promise<readonly Place[]> {
    const text = "SELECT 1 FROM keys WHERE kind = ? AND name = ?";
    return failing(() => places.filter(({ kind, name }) => this.#rows(text, kind, name).length > 0));
  }

  async gone(places: readonly Place[]): Promise<readonly Place[]> {
    const text = "SELECT 1 FROM erased WHERE kind = ? AND name = ?";
    return failing(() => places.filter(({ kind, name }) => this.#rows(text, kind, name).length > 0));
  }

  async add(entries: readonly Entry[]): Promise<readonly boolean[]> {
    return this.#change(() => entries.map((entry) => this.#insert(entry)));
  }

  async put({ kind, name, epoch, wrapped, madeAt }: Entry): Promise<void> {
    this.#change(() =>
      this.#run("INSERT OR REPLACE INTO keys VALUES (?, ?, ?, ?, ?)", kind, name, epoch, wrapped, madeAt),
    );
  }

  async erase(erased: readonly Erased[]): Promise<void> {
    this.#change(() => {
      for (const { kind, name, at } of erased) {
        this.#run("DELETE FROM keys WHERE kind = ? AND name = ?", kind, name);
        this.#run("INSERT INTO erased VALUES (?, ?, ?) ON CONFLICT DO NOTHING", kind, name, at);
        if (kind !== "org") continue;
        for (const table of ["revocation", "ruling"]) this.#run(`DELETE FROM ${table} WHERE org = ?`, name);
      }
    });
  }

  async destroy(places: readonly Place[]): Promise<void> {
    this.#change(() => {
      for (const { kind, name } of places) this.#run("DELETE FROM keys WHERE kind = ? AND name = ?", kind, name);
    });
  }

  async addEpoch(epoch: Epoch): Promise<void> {
    this.#change(() => this.#addEpoch(epoch));
  }

  async dateEpochs(now: Instant): Promise<void> {
    const undated = "SELECT number, ?, 'atLatest' FROM epoch WHERE number NOT IN (SELECT number FROM epoch_made)";
    this.#change(() => this.#run(`INSERT INTO epoch_made ${undated}`, now));
  }

  async outdated(span: Span, epoch: number, after: Place | undefined, limit: number): Promise<readonly Entry[]> {
    const kinds = span === "passing" ? "kind = 'segment'" : "kind <> 'segment'";
    const text = `SELECT * FROM keys WHERE ${kinds} AND epoch < ? AND (kind, name) > (?, ?) ORDER BY kind, name LIMIT ?`;
    const from = [after?.kind ?? "", after?.name ?? ""];
    return failing(() => this.#rows<EntryRow>(text, epoch, ...from, limit).map(entryOf));
  }

  async rewrap(entries: readonly Entry[], from: readonly Entry[]): Promise<void> {
    this.#change(() => {
      for (const [i, { kind, name, epoch, wrapped }] of entries.entries()) {
        const text = "UPDATE keys SET epoch = ?, wrapped = ? WHERE kind = ? AND name = ? AND epoch = ?";
        this.#run(text, epoch, wrapped, kind, name, from[i]?.epoch ?? -1);
      }
    });
  }

  async dropEpochsBefore(span: Span, epoch: number): Promise<void> {
    this.#change(() => this.#run("DELETE FROM epoch WHERE span = ? AND number < ?", span, epoch));
  }

  /**
   * `secure_delete` writes zeros over what is deleted or replaced, and that is not enough. The write-ahead log holds the pages as they were: it is
   * taken over and cut to nothing. And where the tree of `keys` grew or shrank, copies of rows stay in the unused part of pages, which a test found:
   * only rebuilding the file, a tenth of a second for 100,000 keys, is rid of them. `epoch` has a page to itself, where nothing is ever
   * moved. Whether the disk keeps the blocks that the log gave back is not for a program to know.
   */
  async scrub(what: "epochs" | "everything"): Promise<void> {
    failing(() => {
      if (what === "everything") this.#db.exec("VACUUM");
      const [row] = this.#rows<{ busy: number }>("PRAGMA wal_checkpoint(TRUNCATE)");
      // A reader (`holdfast keys backup`) held the log for longer than the timeout.
      if (row?.busy !== 0) throw new Refusal("keyring.unreachable", { detail: "Another program reads it. Try again." });
    });
  }

  async revoked(revocations: readonly Revocation[]): Promise<void> {
    this.#change(() => revocations.forEach((revocation) => this.#revoked(revocation)));
  }

  async revocations(about?: string): Promise<readonly Revocation[]> {
    return failing(() => this.#revocations(about));
  }

  async ruled(rulings: readonly Ruling[]): Promise<void> {
    this.#change(() => rulings.forEach((ruling) => this.#ruled(ruling)));
  }

  async rulings(kinds: readonly string[]): Promise<readonly Ruling[]> {
    return failing(() => this.#rulings("WHERE kind IN (SELECT value FROM json_each(?))", JSON.stringify(kinds)));
  }

  async lastSeq(): Promise<number> {
    const text = "SELECT max(seq) AS last FROM (SELECT seq FROM revocation UNION ALL SELECT seq FROM ruling)";
    return failing(() => this.#rows<{ last: number | null }>(text)[0]?.last ?? 0);
  }

  async letGo({ revocations, rulings, by }: Past): Promise<void> {
    const revocation = "DELETE FROM revocation WHERE org = ? AND about = ? AND party = ? AND seq <= ?";
    const ruling = "DELETE FROM ruling WHERE org = ? AND about = ? AND kind = ? AND seq <= ?";
    this.#change(() => {
      this.#letGoBy(by);
      for (const { org, about, ends, seq } of revocations)
        for (const party of ends) this.#run(revocation, org, about, party, seq);
      for (const { org, about, kind, seq } of rulings) this.#run(ruling, org, about, kind, seq);
    });
  }

  async letGoBy(): Promise<Instant> {
    return failing(() => this.#letGone());
  }

  async contents(): Promise<Contents | undefined> {
    return failing(() =>
      this.#inOne(() => {
        const state = this.#state();
        if (!state) return undefined;
        const entries = this.#rows<EntryRow>("SELECT * FROM keys ORDER BY kind, name").map(entryOf);
        const erased = this.#rows<Erased>("SELECT kind, name, at FROM erased ORDER BY kind, name");
        const [revocations, rulings, letGoBy] = [this.#revocations(), this.#rulings(), this.#letGone()];
        return { state, epochs: this.#epochs(), entries, erased, revocations, rulings, letGoBy };
      }),
    );
  }

  async backedUp(at: Instant): Promise<void> {
    this.#change(() => this.#run("UPDATE ring SET backed_up_at = ?", at));
  }

  async noteData({ id, at, isGood }: DataBackup): Promise<void> {
    const text = "INSERT INTO data_backup VALUES (?, ?, ?) ON CONFLICT (id) DO UPDATE SET good = excluded.good";
    this.#change(() => this.#run(text, id, at, Number(isGood)));
  }

  async dataBackups(): Promise<readonly DataBackup[]> {
    const rows = failing(() => this.#rows<{ id: string; at: Instant; good: number }>("SELECT * FROM data_backup"));
    return rows.map(({ id, at, good }) => ({ id, at, isGood: good === 1 }));
  }

  async count(): Promise<{ all: number; sinceBackup: number }> {
    const text = `SELECT count(*) AS "all", count(*) FILTER (
      WHERE kind <> 'segment' AND made_at >= coalesce(backed_up_at, made_at)) AS "sinceBackup" FROM keys, ring`;
    return failing(() => this.#rows<{ all: number; sinceBackup: number }>(text)[0] ?? { all: 0, sinceBackup: 0 });
  }

  async close(): Promise<void> {
    if (this.#db.isOpen) this.#db.close();
  }

  #state(): State | undefined {
    type Row = { format: number; instance: string; backed_up_at: Instant | null };
    const [row] = this.#rows<Row>("SELECT * FROM ring");
    if (!row) return undefined;
    if (row.format !== format) throw new Refusal("storage.newer", { detail: "This is about the keyring." });
    return { instance: row.instance, backedUpAt: row.backed_up_at ?? undefined };
  }

  #epochs(): readonly Epoch[] {
    type Row = Omit<Epoch, "made"> & { at: Instant | null; known: Made["known"] | null };
    const rows = this.#rows<Row>("SELECT * FROM epoch LEFT JOIN epoch_made USING (number) ORDER BY number");
    return rows.map(({ at, known, ...row }) => ({
      ...row,
      made: at === null || known === null ? undefined : { at, known },
    }));
  }

  #addEpoch({ number, span, wrapped, made }: Epoch): void {
    this.#run("INSERT INTO epoch VALUES (?, ?, ?)", number, span, wrapped);
    if (made) this.#run("INSERT INTO epoch_made VALUES (?, ?, ?)", number, made.at, made.known);
  }

  #revocations(about?: string): readonly Revocation[] {
    type Row = { org: Id<"org">; about: string; party: string; seq: number; at: Instant };
    const text = "SELECT * FROM revocation WHERE ?1 IS NULL OR about = ?1 ORDER BY seq, org, about, party";
    const rows = this.#rows<Row>(text, about ?? null);
    return rows.map(({ party, ...row }) => ({ ...row, ends: [party] }));
  }

  #revoked({ org, about, ends, seq, at }: Revocation): void {
    const text = `INSERT INTO revocation VALUES (?, ?, ?, ?, ?)
      ON CONFLICT DO UPDATE SET seq = excluded.seq, at = excluded.at WHERE excluded.seq > seq`;
    for (const party of ends) this.#run(text, org, about, party, seq, at);
  }

  #rulings(where = "", ...values: string[]): readonly Ruling[] {
    type Row = Omit<Ruling, "says"> & { says: string | null };
    const rows = this.#rows<Row>(`SELECT * FROM ruling ${where} ORDER BY seq, org, about, kind`, ...values);
    return rows.map(({ says, ...row }) => ({ ...row, says: says ?? undefined }));
  }

  #ruled({ org, about, kind, says, seq }: Ruling): void {
    const text = `INSERT INTO ruling VALUES (?, ?, ?, ?, ?)
      ON CONFLICT DO UPDATE SET says = excluded.says, seq = excluded.seq WHERE excluded.seq > seq`;
    this.#run(text, org, about, kind, says ?? null, seq);
  }

  #letGone(): Instant {
    return this.#rows<{ by: Instant }>("SELECT by FROM let_go")[0]?.by ?? (0 as Instant);
  }

  #letGoBy(by: Instant): void {
    this.#run("INSERT INTO let_go VALUES (1, ?) ON CONFLICT DO UPDATE SET by = max(by, excluded.by)", by);
  }

  #insert({ kind, name, epoch, wrapped, madeAt }: Entry): boolean {
    const text = `INSERT INTO keys SELECT ?1, ?2, ?3, ?4, ?5
      WHERE NOT EXISTS (SELECT 1 FROM erased WHERE kind = ?1 AND name = ?2) ON CONFLICT DO NOTHING`;
    return this.#run(text, kind, name, epoch, wrapped, madeAt) === 1;
  }

  #prepared(text: string): StatementSync {
    const known = this.#statements.get(text) ?? this.#db.prepare(text);
    this.#statements.set(text, known);
    return known;
  }

  #run(text: string, ...values: SQLInputValue[]): number {
    return Number(this.#prepared(text).run(...values).changes);
  }

  #rows<Row>(text: string, ...values: SQLInputValue[]): readonly Row[] {
    return this.#prepared(text).all(...values) as Row[]; // the tables above are STRICT: the columns have these types
  }

  #change<T>(work: () => T): T {
    return failing(() => this.#inOne(work));
  }

  #inOne<T>(work: () => T, db = this.#db): T {
    db.exec("BEGIN IMMEDIATE");
    try {
      const result = work();
      db.exec("COMMIT");
      return result;
    } catch (error) {
      if (db.isTransaction) db.exec("ROLLBACK");
      throw error;
    }
  }
}

/** Never through a link: root would give away whatever the user of the last start made one point to. */
function keepFor(owner: Owner | undefined, place: string, flags: number, mode: number): void {
  const opened = openSync(place, flags | constants.O_NOFOLLOW, mode);
  try {
    fchmodSync(opened, mode);
    if (owner) fchownSync(opened, owner.uid, owner.gid);
  } finally {
    closeSync(opened);
  }
}

type EntryRow = { kind: EntryKind; name: string; epoch: number; wrapped: Uint8Array; made_at: Instant };

const entryOf = ({ kind, name, epoch, wrapped, made_at }: EntryRow): Entry => ({
  kind,
  name,
  epoch,
  wrapped,
  madeAt: made_at,
});
