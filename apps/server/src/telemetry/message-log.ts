import { insertInto, type OrgScope, type Unit } from "../storage/index.ts";
import { ByteReader, ByteWriter } from "./bytes.ts";

/**
 * A row of the message log before it is sealed: what the broker wanted kept of one organisation within one commit, in the order in
 * which it was given. What is in a record is the broker's matter.
 *
 *     row      version: 1 byte, 1
 *              record, again and again until the bytes end: varint length and that many bytes
 */
const version = 1;

/** As with readings: again after an unknown outcome it changes nothing. */
export const insertMessages = `${insertInto("message_log", ["pos", "at", "body"])} on conflict do nothing`;

export function sealMessages(scope: OrgScope, position: number, records: readonly Uint8Array[]): Uint8Array {
  const writer = new ByteWriter(records.reduce((sum, { length }) => sum + length + 8, 1));
  writer.byte(version);
  for (const record of records) {
    writer.varint(record.length);
    writer.bytes(record);
  }
  return scope.seal(kindAt(position), String(position), writer.buffer.subarray(0, writer.at));
}

/** @throws Refusal `seal.broken` */
export function openMessages(scope: OrgScope, position: number, body: Uint8Array): readonly Uint8Array[] {
  const reader = new ByteReader(scope.open(kindAt(position), String(position), body));
  reader.varintUpTo(version);
  const records: Uint8Array[] = [];
  while (!reader.isAtEnd) records.push(reader.take(reader.varint()));
  return records;
}

/** A key of its own for so many commits: one key seals at most 2^32 texts (see `seal`). */
const kindAt = (position: number): string => `message log/${Math.floor(position / 2 ** 30)}`;

/** What the broker keeps of one organisation, as the committer wrote it. */
export const messagesIn = (unit: Unit) => ({
  /** In order, behind `after`, at most so many rows. */
  async rows(after: number, most: number): Promise<readonly { position: number; body: Uint8Array }[]> {
    return unit.query("select pos as position, body from message_log where pos > $1 order by pos limit $2", [
      after,
      most,
    ]);
  },

  /** But those. */
  async removeBefore(position: number, but: readonly number[]): Promise<void> {
    await unit.query("delete from message_log where pos < $1 and pos <> all ($2::bigint[])", [position, but]);
  },
});
