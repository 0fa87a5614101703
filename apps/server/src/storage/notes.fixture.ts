import { cpSync, readdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import pg from "pg";
import { newId, systemRandom, uuidOf, type Id } from "@holdfast/kernel";
import { freshDatabase, type FreshDatabase } from "../testing/database.ts";
import { freshStorage, type FreshStorage } from "../testing/storage.ts";
import type { Allowed, Storage, StorageNeeds, Unit } from "./index.ts";
import { migrationsFolder } from "./migrate.ts";
import { passwordOf, roleNames, type Door } from "./roles.ts";

/** One more migration, with a table of each sort, so that these tests do not depend on what the subjects keep. */
const notes = `
  create table note (org uuid not null, id integer not null, text text not null, primary key (org, id));
  create table mark (org uuid not null, note integer not null, foreign key (org, note) references note (org, id));
  create table journal (org uuid not null, at bigint not null, text text not null) partition by range (at);
  create table fact (org uuid not null, text text not null);
  select tenant_table('note', 'all'), tenant_table('mark', 'all'), tenant_table('journal', 'all'), tenant_table('fact', 'append');
  select make_partition('journal', 'journal_1', 0, 1000), ingest_table('journal');
`;

/** A folder with every migration, and more behind them. */
export function migrationsWith(folder: string, ...texts: string[]): string {
  const to = path.join(folder, "migrations");
  cpSync(migrationsFolder, to, { recursive: true });
  const count = readdirSync(migrationsFolder).length;
  for (const [index, text] of texts.entries()) {
    writeFileSync(path.join(to, `${String(count + 1 + index).padStart(4, "0")}-test.sql`), text);
  }
  return to;
}

export type Notes = FreshStorage & {
  /** A new organisation, as the platform acts in it. */
  org(): Promise<Allowed>;
  write(allowed: Allowed, id: number, text?: string): Promise<void>;
  texts(allowed: Allowed): Promise<string[]>;
};

/** A test, or `atEnd` for what the tests of a file share. */
export type Ends = { after(close: () => Promise<void>): void };

export async function storageWithNotes(
  t: Ends,
  more: Partial<StorageNeeds> = {},
  database?: FreshDatabase,
): Promise<Notes> {
  const on = database ?? (await freshDatabase());
  const fresh = await freshStorage({ migrationsFolder: migrationsWith(on.folder, notes), ...more }, on);
  t.after(async () => {
    await fresh.close();
    if (!database) await on.drop();
  });
  const { storage } = fresh;
  return {
    ...fresh,
    org: () => anOrg(storage),
    write: (allowed, id, text = `note ${id}`) => storage.change(allowed, (unit) => write(unit, id, text)),
    texts: (allowed) => storage.read(allowed, textsIn),
  };
}

async function anOrg(storage: Storage): Promise<Allowed> {
  return { scope: await storage.makeOrg(newId("org", systemRandom)), actor: { kind: "platform" } };
}

export async function write(
  unit: Unit,
  id: number,
  text = `note ${id}`,
  org: Id<"org"> = unit.scope.org,
): Promise<void> {
  await unit.query("insert into note (org, id, text) values ($1, $2, $3)", [uuidOf(org), id, text]);
  unit.audit({ what: "note.written", about: String(id) });
}

export async function textsIn(unit: Unit): Promise<string[]> {
  const rows = await unit.query<{ text: string }>("select text from note order by id", []);
  return rows.map(({ text }) => text);
}

/** A connection of a door's role, past all of our code: what somebody could do who had only the role. */
export async function signedInAs(t: Ends, door: Door, { keyring, database }: FreshStorage): Promise<pg.Client> {
  const { tls: _, ...login } = database.login;
  const user = roleNames(keyring.instance)[door];
  const client = new pg.Client({ ...login, user, password: passwordOf(keyring, door) });
  client.on("error", () => undefined); // a test may end it
  await client.connect();
  t.after(() => client.end());
  return client;
}
