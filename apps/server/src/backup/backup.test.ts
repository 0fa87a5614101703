import assert from "node:assert/strict";
import { test } from "node:test";
import { derive } from "@holdfast/crypto";
import type { Instant } from "@holdfast/kernel";
import fc from "fast-check";
import { copyOf } from "../storage/copy-form.ts";
import type { Finish } from "./format.ts";
import { readBackup, verifyBackup } from "./reader.ts";
import { BackupWriter } from "./writer.ts";

const root = new Uint8Array(32).fill(7);
const keyring = { instance: "0f".repeat(16), instanceKey: (purpose: string) => derive(root, purpose) };
const head = {
  at: 1_800_000_000_000 as Instant,
  version: "1.2.3",
  migrations: [{ number: 1, name: "one", digest: "00" }],
  segment: 3,
};
const rest: Omit<Finish, "tables" | "rows"> = {
  sequences: [{ name: "seq", last: 9, isCalled: true }],
  gone: [],
  unreadable: 0,
};
const damaged = { code: "backup.damaged" };

type Row = readonly [Uint8Array, number];
const rowOf = (at: number, length: number): Row => [new Uint8Array(length).fill(at), at];

async function* each<T>(...some: readonly T[]): AsyncGenerator<T> {
  yield* some;
}

async function made(
  rows: readonly Row[],
  readings: readonly Uint8Array[] = [],
  claimed = rows.length,
): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  const out = async (bytes: Uint8Array) => void parts.push(bytes);
  const writer = new BackupWriter({ out, keyring, id: new Uint8Array(16).fill(1), head });
  writer.table({ name: "log_3", columns: ["body"], partition: { of: "log", first: 3, past: 4 } });
  for (const reading of readings) await writer.readings(reading);
  await writer.end(readings.length);
  writer.table({ name: "thing", columns: ["body", "at"] });
  for await (const bytes of copyOf(each(...rows))) {
    await writer.copied(bytes);
    bytes.fill(0); // PostgreSQL's answers come in a buffer that is used again
  }
  await writer.end(claimed);
  await writer.finish(rest);
  return Buffer.concat(parts);
}

const whole = await made([rowOf(1, 100_000), rowOf(2, 0), rowOf(3, 70_000)], [Uint8Array.of(1, 2), Uint8Array.of(3)]);

test("a backup is read back as it was written, in whatever pieces it comes", async () => {
  const kept: Record<string, Buffer> = {};
  const read = (bytes: AsyncIterable<Uint8Array>) =>
    readBackup(bytes, keyring, {
      async table({ table, isLog, parts }) {
        const all: Uint8Array[] = [];
        for await (const part of parts) all.push(part);
        assert.equal(isLog, table.name === "log_3");
        kept[table.name] = Buffer.concat(all);
      },
      sequences: async (all) => assert.deepEqual(all, rest.sequences),
    });
  const summary = await read(each(whole));
  assert.deepEqual([summary.rows, summary.tables, summary.at, summary.bytes], [5, 2, head.at, whole.length]);
  assert.deepEqual(kept["log_3"], Buffer.of(1, 2, 3));
  const pieces = Array.from({ length: Math.ceil(whole.length / 999) }, (_, at) =>
    whole.subarray(at * 999, at * 999 + 999),
  );
  assert.deepEqual(await read(each(...pieces)), summary);
});

test("whatever is changed, cut or left out is found, wherever it is", async () => {
  const verified = (bytes: Uint8Array) => verifyBackup(each(bytes), keyring);
  await verified(whole);
  // Behind the header each byte counts; in it, it is another instance's or another format's, or nothing opens.
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 0, max: whole.length * 8 - 1 }), async (bit) => {
      const changed = Buffer.from(whole);
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      await assert.rejects(verified(changed), (error: { code?: string }) =>
        bit >> 3 < 33
          ? ["backup.damaged", "storage.newer", "keyring.wrong"].includes(error.code ?? "")
          : error.code === damaged.code,
      );
    }),
  );
  // As a disk leaves it that was full, or a process that was killed.
  const ends = fc.oneof(
    fc.integer({ min: 0, max: whole.length - 1 }),
    fc.constantFrom(0, 48, 49, 49 + 65_552, 49 + 2 * 65_552),
  );
  await fc.assert(fc.asyncProperty(ends, (end) => assert.rejects(verified(whole.subarray(0, end)), damaged)));
  await assert.rejects(verified(Buffer.concat([whole, Buffer.alloc(1)])), damaged);
});

test("a table with other rows than it was said to have is found", async () => {
  await assert.rejects(verifyBackup(each(await made([rowOf(1, 10)], [], 2)), keyring), damaged);
});

test("without the keys of its instance nothing of it opens", async () => {
  const other = { ...keyring, instance: "aa".repeat(16) };
  await assert.rejects(verifyBackup(each(whole), other), { code: "keyring.wrong" });
  const forged = { ...keyring, instanceKey: (purpose: string) => derive(new Uint8Array(32), purpose) };
  await assert.rejects(verifyBackup(each(whole), forged), damaged);
});
