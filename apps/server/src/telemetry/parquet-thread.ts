import os from "node:os";
import { parentPort } from "node:worker_threads";
import { zstdCompressSync } from "node:zlib";
import { ByteWriter, ParquetWriter, type ColumnSource, type SchemaElement } from "hyparquet-writer";
import type { Given, Part, Told } from "./parquet.ts";
import { nowhere, type Points } from "./points.ts";

// The thread of `ParquetFiles`: answers each part with the bytes of its file that are ready by then.

/** A group is in memory as a whole, here and at whoever reads it. */
const rowsInGroup = 65_536;
const mostText = 16 * 1024 * 1024;

const columns = [
  { name: "device", type: "BYTE_ARRAY", converted_type: "UTF8", repetition_type: "REQUIRED" },
  { name: "attribute", type: "BYTE_ARRAY", converted_type: "UTF8", repetition_type: "REQUIRED" },
  { name: "time", type: "INT64", converted_type: "TIMESTAMP_MILLIS", repetition_type: "REQUIRED" },
  { name: "number", type: "DOUBLE", repetition_type: "OPTIONAL" },
  { name: "boolean", type: "BOOLEAN", repetition_type: "OPTIONAL" },
  { name: "text", type: "BYTE_ARRAY", converted_type: "UTF8", repetition_type: "OPTIONAL" },
] as const satisfies readonly SchemaElement[];
const schema: SchemaElement[] = [{ name: "root", num_children: columns.length }, ...columns];

type Rows = Record<(typeof columns)[number]["name"], unknown[]>;
const noRows = (): Rows => ({ device: [], attribute: [], time: [], number: [], boolean: [], text: [] });

// It gives way to whoever takes readings. On Linux this is the thread's own; on other systems it would be the whole process'.
if (process.platform === "linux") os.setPriority(Math.min(19, os.getPriority() + 5));

const files = new Map<number, File>();

parentPort?.on("message", (given: Given) => {
  const told = answerTo(given);
  parentPort?.postMessage(told, "bytes" in told ? [told.bytes.buffer as ArrayBuffer] : []); // of `taken`, which made them
});

function answerTo({ file: number, part }: Given): Told {
  try {
    let file = files.get(number);
    if (!file) files.set(number, (file = new File()));
    if ("isLast" in part) file.finish();
    else if (!("isGivenUp" in part)) file.add(part);
    if ("isLast" in part || "isGivenUp" in part) files.delete(number);
    return { bytes: file.taken() };
  } catch (error) {
    files.delete(number); // the others are not to end with it
    return { fault: error instanceof Error ? error.message : String(error) };
  }
}

class File {
  readonly #writer = new ByteWriter();
  readonly #file = new ParquetWriter({
    writer: this.#writer,
    schema,
    codec: "ZSTD",
    compressors: { ZSTD: (bytes) => new Uint8Array(zstdCompressSync(bytes)) },
  });
  #rows = noRows();
  #textLength = 0;

  add({ device, attribute, points }: Extract<Part, { points: Points }>): void {
    const { times, values } = points;
    const rows = this.#rows;
    for (let at = 0; at < times.length; at++) {
      rows.device.push(device);
      rows.attribute.push(attribute);
      rows.time.push(new Date(times[at] ?? 0)); // at is below length
      rows.number.push(points.type === "number" ? values[at] : null);
      rows.boolean.push(points.type === "boolean" ? values[at] === 1 : null);
      const text = textAt(points, at);
      rows.text.push(text);
      this.#textLength += text?.length ?? 0;
    }
    if (rows.time.length >= rowsInGroup || this.#textLength >= mostText) this.#writeGroup();
  }

  finish(): void {
    if (this.#rows.time.length > 0) this.#writeGroup();
    void this.#file.finish();
  }

  /** The bytes since the last time: the writer counts on (`offset`), and begins its buffer again (`index`). */
  taken(): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(this.#writer.buffer.slice(0, this.#writer.index));
    this.#writer.index = 0;
    return bytes;
  }

  #writeGroup(): void {
    const rows = this.#rows;
    const columnData = columns.map(({ name }): ColumnSource => ({ name, data: rows[name], offsetIndex: false }));
    void this.#file.write({ columnData, rowGroupSize: rows.time.length });
    this.#rows = noRows();
    this.#textLength = 0;
  }
}

/** Locations and documents are JSON. */
function textAt(points: Points, at: number): string | null {
  switch (points.type) {
    case "number":
    case "boolean":
      return null;
    case "text":
    case "json":
      return points.values[at] ?? "";
    case "location":
      return JSON.stringify(points.values[at] ?? nowhere);
  }
}
