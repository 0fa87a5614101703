import { Refusal } from "@holdfast/kernel";
import { readBits, writeBits } from "./bits.ts";
import type { ByteReader, ByteWriter } from "./bytes.ts";
import { readNumbers, writeNumbers } from "./numbers.ts";
import { nowhere } from "./points.ts";
import type { Location } from "./value.ts";

/**
 * A column of locations, kept bit for bit:
 *
 *     column    latitudes, longitudes: columns of doubles, see numbers.ts
 *               altitudes, accuracies: each a varint, how many there are; where some are and some are not, one bit for each location, from the
 *               low end of each byte; where there are any, a column of doubles
 */
export function writePlaces(writer: ByteWriter, places: readonly Location[]): void {
  writeNumbers(
    writer,
    Float64Array.from(places, ({ latitude }) => latitude),
  );
  writeNumbers(
    writer,
    Float64Array.from(places, ({ longitude }) => longitude),
  );
  for (const name of ["altitude", "accuracy"] as const) {
    const some = places.flatMap((place) => place[name] ?? []);
    writer.varint(some.length);
    if (some.length > 0 && some.length < places.length)
      writeBits(
        writer,
        Uint8Array.from(places, (place) => (place[name] === undefined ? 0 : 1)),
      );
    if (some.length > 0) writeNumbers(writer, Float64Array.from(some));
  }
}

export function readPlaces(reader: ByteReader, count: number): Location[] {
  const latitudes = readColumn(reader, count);
  const longitudes = readColumn(reader, count);
  const altitudes = readSome(reader, count);
  const accuracies = readSome(reader, count);
  return Array.from({ length: count }, (_, at) => {
    const [altitude, accuracy] = [altitudes[at], accuracies[at]];
    return {
      latitude: latitudes[at] ?? nowhere.latitude, // as many as were counted
      longitude: longitudes[at] ?? nowhere.longitude, // likewise
      ...(altitude !== undefined && { altitude }),
      ...(accuracy !== undefined && { accuracy }),
    };
  });
}

function readColumn(reader: ByteReader, count: number): Float64Array {
  const column = new Float64Array(count);
  readNumbers(reader, column);
  return column;
}

function readSome(reader: ByteReader, count: number): readonly (number | undefined)[] {
  const there = reader.varintUpTo(count);
  if (there === 0) return [];
  const bits = there === count ? new Uint8Array(count).fill(1) : readBits(reader, count);
  const column = readColumn(reader, there);
  let at = 0;
  const some = Array.from(bits, (bit) => (bit === 1 ? column[at++] : undefined));
  if (at !== there) throw new Refusal("seal.broken");
  return some;
}
