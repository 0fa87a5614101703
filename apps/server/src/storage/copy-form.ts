/** A value as PostgreSQL's binary COPY has it: of bytea or uuid its bytes, of bigint a number. */
type Value = Uint8Array | number;

const signature = Buffer.from("PGCOPY\n\xff\r\n\0", "latin1");

/** Rows for `copy … from stdin (format binary)`: https://www.postgresql.org/docs/current/sql-copy.html, "Binary Format". */
export async function* copyOf(rows: AsyncIterable<readonly Value[]>): AsyncGenerator<Uint8Array> {
  yield Buffer.concat([signature, Buffer.alloc(8)]);
  for await (const values of rows) {
    const parts: Uint8Array[] = [int16(values.length)];
    for (const value of values) {
      const bytes = typeof value === "number" ? int64(value) : value;
      parts.push(int32(bytes.length), bytes);
    }
    yield Buffer.concat(parts);
  }
  yield int16(-1);
}

function int16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeInt16BE(value);
  return bytes;
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

function int64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64BE(BigInt(value));
  return bytes;
}
