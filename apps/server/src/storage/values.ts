/**
 * How PostgreSQL's text becomes a value, by the number of its type. Whole numbers are numbers and must be exact; bytes are
 * bytes; what would arrive as something surprising is refused, so that the query casts it. Times are stored as milliseconds
 * in `bigint`.
 */
export function parserOf(type: number): (text: string) => unknown {
  switch (type) {
    case 16: // boolean
      return (text) => text === "t";
    case 17:
      return bytesOf;
    case 20: // bigint
    case 21: // smallint
    case 23: // integer
    case 26: // oid
      return exact;
    case 700: // real
    case 701: // double precision
      return Number;
    case 114: // json
    case 3802: // jsonb
      return (text): unknown => JSON.parse(text);
    case 1082: // date
    case 1114: // timestamp
    case 1184: // timestamptz
    case 1186: // interval
    case 1700: // numeric, as sum(bigint) gives
      return () => {
        throw new TypeError(
          `a query answers with PostgreSQL's type ${type}: cast it to bigint, double precision or text`,
        );
      };
    case 1001: // bytea[]
      return (text) => listOf(text, bytesOf);
    case 1005: // smallint[]
    case 1007: // integer[]
    case 1016: // bigint[]
      return (text) => listOf(text, exact);
    case 1009: // text[]
    case 2951: // uuid[]
      return (text) => listOf(text, (item) => item);
    default:
      return (text) => text;
  }
}

/**
 * After `\x`. In memory of its own: what `Buffer.from` makes of a text is cut out of a pool, of which 64 KiB stay for as long as somebody
 * remembers the digest of one credential.
 */
function bytesOf(text: string): Uint8Array {
  const bytes = Buffer.allocUnsafeSlow(text.length / 2 - 1);
  bytes.write(text.slice(2), "hex");
  return bytes;
}

function exact(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw new RangeError("a bigint from PostgreSQL is beyond 2^53");
  return value;
}

/** `{1,NULL,"a \"quoted\" text"}`: arrays of one dimension (PostgreSQL manual, 8.15.6). */
function listOf<T>(text: string, of: (item: string) => T): (T | null)[] {
  if (!text.startsWith("{") || text.startsWith("{{")) throw new TypeError("a query answers with an array of arrays");
  return Array.from(text.slice(1, -1).matchAll(/"((?:[^"\\]|\\.)*)"|([^,]+)/gs), ([, quoted, plain = ""]) => {
    if (quoted !== undefined) return of(quoted.replaceAll(/\\(.)/gs, "$1"));
    return plain === "NULL" ? null : of(plain);
  });
}
