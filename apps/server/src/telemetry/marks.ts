import { insertInto, type OrgScope } from "../storage/index.ts";
import { ByteReader, ByteWriter } from "./bytes.ts";

/**
 * A row of the socket log before it is sealed: which frames of one organisation were kept with one commit, or, in its place, what all commits up to that
 * one come to. What is in a mark is the matter of whoever gave it.
 *
 *     row      version: 1 byte, 1
 *              mark, again and again until the bytes end: varint length and that many bytes
 */
const version = 1;

/** As with readings: again after an unknown outcome it changes nothing. */
export const insertMarks = `${insertInto("socket_log", ["pos", "at", "body"])} on conflict do nothing`;

export function sealMarks(scope: OrgScope, position: number, marks: Iterable<Uint8Array>): Uint8Array {
  const writer = new ByteWriter(4_096);
  writer.byte(version);
  for (const mark of marks) {
    writer.varint(mark.length);
    writer.bytes(mark);
  }
  return scope.seal(kindAt(position), String(position), writer.buffer.subarray(0, writer.at));
}

/** @throws Refusal `seal.broken` */
export function openMarks(scope: OrgScope, position: number, body: Uint8Array): readonly Uint8Array[] {
  const reader = new ByteReader(scope.open(kindAt(position), String(position), body));
  reader.varintUpTo(version);
  const marks: Uint8Array[] = [];
  while (!reader.isAtEnd) marks.push(reader.take(reader.varint()));
  return marks;
}

/** A key of its own for so many commits: one key seals at most 2^32 texts (see `seal`). */
const kindAt = (position: number): string => `socket log/${Math.floor(position / 2 ** 30)}`;
