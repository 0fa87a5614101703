import type { Permit } from "../authority/index.ts";
import type { Page, Storage } from "../storage/index.ts";
import { cursorOf, parseCursor } from "./cursor.ts";
import { readEntries, type Entry, type EntryFilter } from "./record.ts";

/** What happened in an organisation. Entries are added by whoever changes something; nobody changes or removes one. */
export class Audit {
  readonly #storage: Storage;

  constructor(storage: Storage) {
    this.#storage = storage;
  }

  /** Newest first. */
  async entries(permit: Permit<"audit.read">, asked: EntryFilter): Promise<Page<Entry>> {
    const { cursor } = asked;
    const { scope } = permit;
    const before = cursor === undefined ? undefined : parseCursor(scope, cursor);
    const rows = await this.#storage.read(permit, (unit) => readEntries(unit, asked, before));
    const items = rows.slice(0, asked.limit);
    const last = items.at(-1);
    return { items, nextCursor: last && rows.length > asked.limit ? cursorOf(scope, last.seq) : undefined };
  }
}
