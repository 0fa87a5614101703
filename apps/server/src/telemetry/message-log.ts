import { insertInto, type OrgScope, type Unit } from "../storage/index.ts";
import { ByteReader, ByteWriter } from "./bytes.ts";
import type { MessageSeal } from "./message-seals.ts";

/**
 * A row of the message log before it is sealed: what the broker wanted kept of one organisation within one commit, in the order in
 * which it was given. What is in a record is the broker's matter.
 *
 *     row      version: 1 byte, 1
 *              record, again and again until the bytes end: varint length and that many bytes
 */
const version = 1;

/** As with readings: again after an unknown outcome it changes nothing. */
export const insertMessages = `${insertInto("message_log", ["pos", "at", "body", "generation"])} on conflict do nothing`;

export function sealMessages(seal: MessageSeal, position: number, records: readonly Uint8Array[]): Uint8Array {
  const writer = new ByteWriter(records.reduce((sum, { length }) => sum + length + 8, 1));
  writer.byte(version);
  for (const record of records) {
    writer.varint(record.length);
    writer.bytes(record);
  }
  return seal.seal(position, writer.buffer.subarray(0, writer.at));
}

/** @throws Refusal `seal.broken` */
export function openMessages(
  seal: Pick<MessageSeal, "open">,
  position: number,
  body: Uint8Array,
): readonly Uint8Array[] {
  const reader = new ByteReader(seal.open(position, body));
  reader.varintUpTo(version);
  const records: Uint8Array[] = [];
  while (!reader.isAtEnd) records.push(reader.take(reader.varint()));
  return records;
}

/** Opens rows of generation 0, from before there were others. */
export const firstSeal = (scope: OrgScope): Pick<MessageSeal, "open"> => ({
  open: (position, sealed) => scope.open(`message log/${Math.floor(position / 2 ** 30)}`, String(position), sealed),
});

export type MessageRow = { readonly position: number; readonly body: Uint8Array; readonly generation: number };

/** What the broker keeps of one organisation, as the committer wrote it. */
export const messagesIn = (unit: Unit) => ({
  /** In order, behind `after`, at most so many rows. */
  async rows(after: number, most: number): Promise<readonly MessageRow[]> {
    return unit.query(
      "select pos as position, body, generation from message_log where pos > $1 order by pos limit $2",
      [after, most],
    );
  },

  /** All of a generation. */
  async removeGeneration(generation: number): Promise<void> {
    await unit.query("delete from message_log where generation = $1", [generation]);
  },

  /** But those. */
  async removeBefore(position: number, but: readonly number[]): Promise<void> {
    await unit.query("delete from message_log where pos < $1 and pos <> all ($2::bigint[])", [position, but]);
  },
});
