import { Refusal } from "@holdfast/kernel";
import type { Permit } from "../authority/index.ts";
import type { Page, Storage } from "../storage/index.ts";
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
    if (cursor !== undefined && !/^[1-9]\d{0,14}$/.test(cursor)) throw new Refusal("cursor.malformed");
    const before = cursor === undefined ? undefined : Number(cursor);
    const rows = await this.#storage.read(permit, (unit) => readEntries(unit, asked, before));
    const items = rows.slice(0, asked.limit);
    return { items, nextCursor: rows.length > asked.limit ? String(items.at(-1)?.seq) : undefined };
  }
}
