import os from "node:os";
import { parentPort } from "node:worker_threads";
import { zstdCompressSync } from "node:zlib";
import { ByteWriter, ParquetWriter, type ColumnSource, type SchemaElement } from "hyparquet-writer";
import type { Part } from "./parquet.ts";
import { nowhere, type Points } from "./points.ts";

// The thread of one `ParquetFile`: answers each part with the bytes that are ready by then.

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

const writer = new ByteWriter();
const file = new ParquetWriter({
  writer,
  schema,
  codec: "ZSTD",
  compressors: { ZSTD: (bytes) => new Uint8Array(zstdCompressSync(bytes)) },
});
let rows = noRows();
let textLength = 0;

// It gives way to whoever takes readings. On Linux this is the thread's own; on other systems it would be the whole process'.
if (process.platform === "linux") os.setPriority(Math.min(19, os.getPriority() + 5));

parentPort?.on("message", (part: Part) => {
  if ("isLast" in part) {
    if (rows.time.length > 0) writeGroup();
    void file.finish();
  } else {
    add(part);
    if (rows.time.length >= rowsInGroup || textLength >= mostText) writeGroup();
  }
  const bytes = taken();
  parentPort?.postMessage(bytes, [bytes.buffer]);
});

function add({ device, attribute, points }: Exclude<Part, { isLast: true }>): void {
  const { times, values } = points;
  for (let at = 0; at < times.length; at++) {
    rows.device.push(device);
    rows.attribute.push(attribute);
    rows.time.push(new Date(times[at] ?? 0)); // at is below length
    rows.number.push(points.type === "number" ? values[at] : null);
    rows.boolean.push(points.type === "boolean" ? values[at] === 1 : null);
    const text = textAt(points, at);
    rows.text.push(text);
    textLength += text?.length ?? 0;
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

function writeGroup(): void {
  const columnData = columns.map(({ name }): ColumnSource => ({ name, data: rows[name], offsetIndex: false }));
  void file.write({ columnData, rowGroupSize: rows.time.length });
  rows = noRows();
  textLength = 0;
}

/** The bytes since the last time: the writer counts on (`offset`), and begins its buffer again (`index`). */
function taken(): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(writer.buffer.slice(0, writer.index));
  writer.index = 0;
  return bytes;
}
