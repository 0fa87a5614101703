import { StreamOpener } from "@holdfast/crypto";
import { isRefusal, Refusal } from "@holdfast/kernel";
import type { z } from "zod";
import type { Keyring, Sequence, Table } from "../storage/index.ts";
import { CopyRows } from "./copy-rows.ts";
import {
  endShape,
  finishShape,
  headerLength,
  headShape,
  keyOf,
  kinds,
  longestFrame,
  newDigest,
  readHeader,
  tableShape,
  type Finish,
  type Head,
  type Summary,
} from "./format.ts";

type Frame = { readonly kind: number; readonly bytes: Uint8Array };
type Opens = Pick<Keyring, "instance" | "instanceKey">;

/** Rows or readings of a table, whichever it has. To be read to their end, which is where they turn out to be whole. */
export type Content = {
  readonly table: Table;
  readonly isLog: boolean;
  readonly parts: AsyncGenerator<Uint8Array>;
};

/** What to do with a backup while it is read. Nothing is certain of a table before its parts were read, and of all before it ends. */
export type Visitor = {
  head?(head: Head, id: string): Promise<void>;
  table(content: Content): Promise<void>;
  sequences?(sequences: readonly Sequence[]): Promise<void>;
};

/**
 * Reads a backup from its beginning to its end: each chunk's seal, each table's digest and number of rows, and that nothing is missing.
 * @throws Refusal `backup.damaged`, `keyring.wrong`, `storage.newer`
 */
export async function readBackup(bytes: AsyncIterable<Uint8Array>, keyring: Opens, visitor: Visitor): Promise<Summary> {
  const counted = new Counted(bytes);
  const { id, frames } = await opened(counted, keyring);
  const head = shaped(headShape, await frames.next(), kinds.head);
  await visitor.head?.(head, id.toHex());
  let tables = 0;
  let rows = 0;
  for (;;) {
    const next = await frames.next();
    if (next.done) throw damaged("It ends too soon.");
    if (next.value.kind === kinds.finish) {
      const finish = shaped(finishShape, next, kinds.finish);
      if (!(await frames.next()).done) throw damaged("It goes on behind its end.");
      if (finish.tables !== tables || finish.rows !== rows) throw damaged("Tables or rows are missing.");
      await visitor.sequences?.(finish.sequences);
      return summaryOf(head, id, finish, counted.bytes);
    }
    const table = shaped(tableShape, next, kinds.table);
    const reading = new Reading(frames);
    await visitor.table({ table, isLog: table.partition?.of === "log", parts: reading.parts() });
    if (!reading.isOver) throw new Error("a table of a backup was not read to its end");
    tables += 1;
    rows += reading.rows;
  }
}

/** That it is whole. */
export const verifyBackup = (bytes: AsyncIterable<Uint8Array>, keyring: Opens): Promise<Summary> =>
  readBackup(bytes, keyring, {
    async table({ parts }) {
      for await (const _ of parts); // reading it is looking at it
    },
  });

const summaryOf = (head: Head, id: Uint8Array, finish: Finish, bytes: number): Summary => ({
  id: id.toHex(),
  at: head.at,
  version: head.version,
  tables: finish.tables,
  rows: finish.rows,
  bytes,
  gone: finish.gone,
  unreadable: finish.unreadable,
});

/** One table: its frames up to the one that says how many rows it was and what their digest is. */
class Reading {
  readonly #frames: AsyncGenerator<Frame>;
  rows = 0;
  isOver = false;

  constructor(frames: AsyncGenerator<Frame>) {
    this.#frames = frames;
  }

  async *parts(): AsyncGenerator<Uint8Array> {
    const digest = newDigest();
    const copied = new CopyRows();
    let readings = 0;
    let isCopied = false;
    for (;;) {
      const next = await this.#frames.next();
      if (next.done) throw damaged("It ends within a table.");
      const { kind, bytes } = next.value;
      if (kind === kinds.rows || kind === kinds.readings) {
        digest.update(bytes);
        if (kind === kinds.readings) readings += 1;
        else copied.update(bytes);
        isCopied ||= kind === kinds.rows;
        yield bytes;
        continue;
      }
      const end = shaped(endShape, next, kinds.end);
      this.rows = isCopied ? copied.final() : readings;
      if (end.rows !== this.rows || end.sha256 !== digest.digest("hex"))
        throw damaged("A table has other rows than it was made of.");
      this.isOver = true;
      return;
    }
  }
}

function shaped<T>(shape: z.ZodType<T>, next: IteratorResult<Frame, void>, kind: number): T {
  if (next.done) throw damaged("It ends too soon.");
  if (next.value.kind !== kind)
    throw new Refusal("storage.newer", {
      detail: `The backup has a part of kind ${next.value.kind} where ${kind} is known.`,
    });
  const read = shape.safeParse(JSON.parse(new TextDecoder().decode(next.value.bytes)));
  // The seal was good, so a program of ours wrote this: a later one.
  if (!read.success) throw new Refusal("storage.newer", { cause: read.error, detail: "This is about the backup." });
  return read.data;
}

/** How much of a file was read, its length in the end. */
class Counted {
  readonly #bytes: AsyncIterable<Uint8Array>;
  bytes = 0;

  constructor(bytes: AsyncIterable<Uint8Array>) {
    this.#bytes = bytes;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    for await (const part of this.#bytes) {
      this.bytes += part.length;
      yield part;
    }
  }
}

async function opened(bytes: AsyncIterable<Uint8Array>, keyring: Opens) {
  const source = bytes[Symbol.asyncIterator]();
  let start: Uint8Array = new Uint8Array();
  while (start.length < headerLength) {
    const next = await source.next();
    if (next.done) break;
    start = Buffer.concat([start, next.value]);
  }
  const id = readHeader(start, keyring);
  return { id, frames: framesIn(plainOf(source, start.subarray(headerLength), new StreamOpener(keyOf(keyring, id)))) };
}

async function* plainOf(
  source: AsyncIterator<Uint8Array>,
  first: Uint8Array,
  opener: StreamOpener,
): AsyncGenerator<Uint8Array> {
  try {
    yield* opener.update(first);
    for (let next = await source.next(); !next.done; next = await source.next()) yield* opener.update(next.value);
    yield opener.final();
  } catch (cause) {
    if (!isRefusal(cause, "seal.broken")) throw cause;
    const at = (headerLength + opener.opened * (64 * 1024 + 16)).toLocaleString("en");
    throw new Refusal("backup.damaged", { cause, detail: `It was cut or changed within 64 KiB behind byte ${at}.` });
  }
}

async function* framesIn(plain: AsyncIterable<Uint8Array>): AsyncGenerator<Frame> {
  let waiting: Buffer[] = [];
  let length = 0;
  let needs = 5;
  for await (const bytes of plain) {
    waiting.push(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length));
    length += bytes.length;
    if (length < needs) continue;
    let all = Buffer.concat(waiting);
    for (needs = neededOf(all); all.length >= needs; needs = neededOf(all)) {
      yield { kind: all[0] ?? 0, bytes: all.subarray(5, needs) };
      all = all.subarray(needs);
    }
    waiting = [all];
    length = all.length;
  }
  if (length > 0) throw damaged("It ends within a part.");
}

function neededOf(all: Buffer): number {
  if (all.length < 5) return 5;
  const length = all.readUInt32BE(1);
  if (length > longestFrame) throw damaged("A part of it is longer than any can be.");
  return 5 + length;
}

const damaged = (detail: string): Refusal => new Refusal("backup.damaged", { detail });
