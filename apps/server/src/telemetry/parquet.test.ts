import assert from "node:assert/strict";
import { test } from "node:test";
import { zstdDecompressSync } from "node:zlib";
import { parquetReadObjects } from "hyparquet";
import { newId, systemRandom, type Id } from "@holdfast/kernel";
import { atEnd } from "../testing/index.ts";
import { ParquetFiles, type ParquetFile } from "./parquet.ts";

const files = new ParquetFiles();
atEnd.after(() => files.close());

const device: Id<"device"> = newId("device", systemRandom);
const numbers = (from: number, count: number) =>
  ({
    type: "number",
    times: Float64Array.from({ length: count }, (_, at) => from + at),
    values: Float64Array.from({ length: count }, (_, at) => from + at),
  }) as const;
const add = (file: ParquetFile, from: number, count: number) => file.add(device, "level", numbers(from, count));

async function valuesIn(parts: readonly Uint8Array[]): Promise<unknown[]> {
  const bytes = Buffer.concat(parts);
  const file = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length);
  const compressors = { ZSTD: (input: Uint8Array) => new Uint8Array(zstdDecompressSync(input)) };
  return (await parquetReadObjects({ file, compressors })).map(({ number }) => number);
}

test("files that are written at the same time are each a whole, whatever becomes of the others", async () => {
  await files.load();
  const [one, two, left] = [files.begin(), files.begin(), files.begin()];
  const parts = { one: [] as Uint8Array[], two: [] as Uint8Array[] };
  for (let turn = 0; turn < 3; turn += 1) {
    const [ofOne, ofTwo] = await Promise.all([
      add(one, turn * 30_000, 30_000),
      add(two, 1_000_000 + turn * 10, 10),
      add(left, 0, 100),
    ]);
    parts.one.push(ofOne);
    parts.two.push(ofTwo);
  }
  await left.close();
  parts.two.push(await two.finish());
  parts.one.push(await one.finish());
  for (const file of [one, two]) await file.close();
  assert.deepEqual(await valuesIn(parts.one), [...numbers(0, 90_000).values]);
  assert.deepEqual(await valuesIn(parts.two), [...numbers(1_000_000, 30).values]);
});

test("a file whose thread has ended does not go on in another, and the next one is a whole", async () => {
  const file = files.begin();
  await add(file, 0, 10);
  await files.close();
  await assert.rejects(add(file, 10, 10), /the thread has ended/);
  await file.close();
  const next = files.begin();
  const parts = [await add(next, 5, 2), await next.finish()];
  assert.deepEqual(await valuesIn(parts), [5, 6]);
});
