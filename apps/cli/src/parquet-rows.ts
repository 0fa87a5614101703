/** Longer than any header of a page that our platform writes. */
const mostOfHeader = 128;
const magic = 4;
const dataPageV2 = 3;
const columns = 6;

/**
 * How many rows of a Parquet file have come so far, by the headers of its pages (Apache Parquet, PageHeader, in Thrift's compact protocol): for
 * somebody who waits, so of what is not understood nothing is counted any more.
 */
export class ParquetRows {
  #head: number[] = [];
  #skip = magic;
  #isOver = false;
  #values = 0;

  get count(): number {
    return Math.floor(this.#values / columns);
  }

  add(chunk: Uint8Array): void {
    for (let at = 0; at < chunk.length && !this.#isOver;) {
      if (this.#skip > 0) {
        const skipped = Math.min(this.#skip, chunk.length - at);
        this.#skip -= skipped;
        at += skipped;
        continue;
      }
      this.#head.push(chunk[at++] ?? 0); // at is below length
      const page = pageOf(this.#head);
      if (page) {
        this.#values += page.values;
        this.#skip = page.bytes;
        this.#head = [];
      } else this.#isOver = this.#head.length > mostOfHeader;
    }
  }
}

/** `undefined` as long as it is not whole. */
function pageOf(head: readonly number[]): { values: number; bytes: number } | undefined {
  let at = 0;
  const varint = (): number => {
    for (let value = 0, scale = 1; at < head.length; scale *= 128) {
      const byte = head[at++] ?? 0; // at is below length
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
    return Number.NaN;
  };
  /** The whole numbers of a structure by their places, those of structures within it as `8.1`. */
  const numbers = new Map<string, number>();
  const struct = (within: string): boolean => {
    for (let field = 0; at < head.length;) {
      const byte = head[at++] ?? 0; // likewise
      if (byte === 0) return true;
      const [step, type] = [byte >> 4, byte & 0x0f];
      field = step > 0 ? field + step : varint() / 2;
      if (type === 12 && !struct(`${within}${field}.`)) return false;
      if (type === 5) numbers.set(`${within}${field}`, varint() / 2);
      if (type !== 1 && type !== 2 && type !== 5 && type !== 12) return false; // the end of the file is no page
    }
    return false;
  };
  if (!struct("")) return undefined;
  const isData = numbers.get("1") === dataPageV2;
  return { values: isData ? (numbers.get("8.1") ?? 0) : 0, bytes: numbers.get("3") ?? 0 };
}
