import { createHash, createSecretKey, type KeyObject } from "node:crypto";
import { Refusal, type Instant } from "@holdfast/kernel";
import { z } from "zod";
import type { Keyring } from "../storage/index.ts";

/**
 * A backup, byte by byte:
 *
 *     file     magic, 16 bytes: "holdfast backup" and a line feed
 *              format: 1 byte, 1
 *              instance: 16 bytes, as the keyring has it
 *              id: 16 random bytes
 *              the rest: a sealed stream (packages/crypto/src/stream.ts) of frames, under HKDF-SHA-256 of the instance's key for
 *              "backup/1/" and the id in hex
 *     frame    kind: 1 byte    length: 4 bytes, big-endian    that many bytes
 *     kind     1 head       JSON, first of all
 *              2 table      JSON: what follows is of it
 *              3 rows       bytes of `COPY … TO STDOUT (FORMAT binary)`, a row may go on in the next
 *              4 readings   of one device in one record of the log: organisation, 16; device, 16; its period, 4; position, 8; time of the
 *                           commit, 8; and the record, sealed as `telemetry/carried.ts` says
 *              5 end        JSON: of the table, how many rows it was and SHA-256 of the bytes of its frames of rows or readings
 *              6 finish     JSON, last of all
 */
export const kinds = { head: 1, table: 2, rows: 3, readings: 4, end: 5, finish: 6 } as const;
export type Kind = (typeof kinds)[keyof typeof kinds];

const magic = new TextEncoder().encode("holdfast backup\n");
const format = 1;
const idLength = 16;
export const headerLength = magic.length + 1 + 16 + idLength;
/** Of a frame of rows. JSON is longer where there are very many tables. */
export const frameBytes = 64 * 1024;
export const longestFrame = 256 * 1024 * 1024;

export const headShape = z.object({
  at: z.custom<Instant>((value) => Number.isSafeInteger(value)),
  /** Of the program that made it. */
  version: z.string(),
  migrations: z.array(z.object({ number: z.int(), name: z.string(), digest: z.string() })),
  /** The greatest number that a segment of the log had. */
  segment: z.int(),
});
export type Head = z.infer<typeof headShape>;

/** The log is carried as readings of devices; of whatever else rows are as they are. */
export const tableShape = z.object({
  name: z.string(),
  columns: z.array(z.string()),
  partition: z.object({ of: z.string(), first: z.int(), past: z.int() }).optional(),
});

export const endShape = z.object({ rows: z.int(), sha256: z.string() });

export const finishShape = z.object({
  tables: z.int(),
  rows: z.int(),
  sequences: z.array(z.object({ name: z.string(), last: z.int(), isCalled: z.boolean() })),
  /** Tables that went while it was made, with all that was in them. */
  gone: z.array(z.string()),
  /** Records of the log that did not open, and are not in it. */
  unreadable: z.int(),
});
export type Finish = z.infer<typeof finishShape>;

export const logTable = "log";

export function headerOf(instance: string, id: Uint8Array): Uint8Array {
  return Buffer.concat([magic, Uint8Array.of(format), Uint8Array.fromHex(instance), id]);
}

/** @throws Refusal `backup.damaged`, `storage.newer`, `keyring.wrong` */
export function readHeader(bytes: Uint8Array, keyring: Pick<Keyring, "instance">): Uint8Array {
  if (bytes.length < headerLength || magic.some((byte, at) => bytes[at] !== byte))
    throw new Refusal("backup.damaged", { detail: "It does not begin as a backup does." });
  if (bytes[magic.length] !== format)
    throw new Refusal("storage.newer", { detail: `The backup has format ${bytes[magic.length]}.` });
  const instance = bytes.subarray(magic.length + 1, magic.length + 17).toHex();
  if (instance !== keyring.instance)
    throw new Refusal("keyring.wrong", {
      detail: `The backup is of ${instance}, the keys are of ${keyring.instance}.`,
    });
  return bytes.slice(headerLength - idLength, headerLength);
}

/** Whoever has the keyring has it, and it is nowhere else. */
export const keyOf = (keyring: Pick<Keyring, "instanceKey">, id: Uint8Array): KeyObject =>
  createSecretKey(keyring.instanceKey(`backup/${format}/${id.toHex()}`));

export const newDigest = () => createHash("sha256");

/** What a backup is, for people and for programs. */
export type Summary = {
  readonly id: string;
  readonly at: Instant;
  readonly version: string;
  readonly tables: number;
  readonly rows: number;
  readonly bytes: number;
  readonly gone: readonly string[];
  readonly unreadable: number;
};
