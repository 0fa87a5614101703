import { Buffer } from "node:buffer";
import { packet, reason } from "./codes.ts";
import { Cursor } from "./cursor.ts";
import type { QoS } from "./policy.ts";
import { readProperties, variable, writeProperties, type Properties } from "./properties.ts";
import { ProtocolError } from "./protocol-error.ts";

/** What a field holds, and how it is written. */
type Values = {
  /** Whole and not negative, below 2^53: seven bits a byte, the lowest first. Times are in milliseconds since the epoch. */
  number: number;
  packetId: number;
  numbers: readonly number[];
  flag: boolean;
  qos: QoS;
  /** One of `stage`, but over. */
  stage: number;
  /** With its length, in UTF-8. */
  text: string;
  maybeText: string | undefined;
  bytes: Uint8Array;
  /** Of a PUBLISH, as MQTT 5 writes them. */
  properties: Properties;
  maybeWill: WillEntry | undefined;
};
type Form = keyof Values;
type Fields = Readonly<Record<string, Form>>;
type Of<F extends Fields> = { readonly [Name in keyof F]: Values[F[Name]] };

const content = { topic: "text", qos: "qos", retain: "flag", properties: "properties", payload: "bytes" } as const;
const ofMessage = { message: "number", session: "number", packetId: "packetId" } as const;
const willFields = { ...content, written: "text", delaySeconds: "number" } as const;

/** A will, as its session keeps it: its topic in the space, and as the client wrote it. */
export type WillEntry = Of<typeof willFields>;

/**
 * What a record may say, each with its number and its fields in their order. Sessions and messages have numbers that are never used again,
 * so that an entry that is read twice, or after one that it came before, changes nothing.
 */
const layouts = {
  /** The next numbers. */
  numbers: [1, { session: "number", message: "number" }],
  /** A session; what it subscribed to and is owed stays as it was. `came`: its client has just connected. */
  session: [
    2,
    {
      session: "number",
      principal: "text",
      clientId: "text",
      keepsake: "maybeText",
      expirySeconds: "number",
      will: "maybeWill",
      came: "flag",
    },
  ],
  left: [3, { session: "number", at: "number", expirySeconds: "number", keepsWill: "flag" }],
  /** Its will was published, or never will be. */
  willed: [4, { session: "number" }],
  ended: [5, { session: "number" }],
  subscribed: [
    6,
    {
      session: "number",
      written: "text",
      qos: "qos",
      noLocal: "flag",
      retainAsPublished: "flag",
      identifier: "number",
    },
  ],
  unsubscribed: [7, { session: "number", written: "text" }],
  /** `isRetained`: it is what its topic retains, unless another with a higher number is; without payload it clears the topic. */
  message: [8, { message: "number", receivedAt: "number", isRetained: "flag", ...content }],
  /** Who is owed a message. `topic` is empty where the session knows it by its own name. */
  owed: [9, { ...ofMessage, topic: "text", qos: "qos", retain: "flag", identifiers: "numbers", stage: "stage" }],
  /** PUBREC came. */
  released: [10, ofMessage],
  /** Nothing more is owed. */
  done: [11, ofMessage],
  /** A message of QoS 2 came from the session under this id. */
  received: [12, { session: "number", packetId: "packetId" }],
  /** Its PUBREL came. */
  freed: [13, { session: "number", packetId: "packetId" }],
  /** Whose a retained message is. */
  published: [14, { message: "number", principal: "text", clientId: "text" }],
} as const satisfies Record<string, readonly [code: number, fields: Fields]>;

type Layouts = typeof layouts;
type Kind = keyof Layouts;

export type Entry = { [K in Kind]: { readonly kind: K } & Of<Layouts[K][1]> }[Kind];
export type EntryOf<K extends Kind> = Entry & { readonly kind: K };

const kinds = new Map(Object.entries(layouts).map(([kind, [code]]) => [code as number, kind as Kind])); // of layouts
const version = 1;

/** Made once: a message may be owed to ten thousand sessions, and be written down for all of them in one turn. */
const lists = new Map<Fields, readonly (readonly [name: string, form: Form])[]>(
  [willFields, ...Object.values(layouts).map(([, fields]) => fields)].map((fields: Fields) => [
    fields,
    Object.entries(fields),
  ]),
);
const listOf = (fields: Fields) => lists.get(fields) ?? Object.entries(fields);

/** A record that grows. */
export class Writer {
  #bytes = Buffer.allocUnsafe(256);
  #length = 0;

  constructor() {
    this.#byte(version);
  }

  /** Bytes; 1 is nothing but the version. */
  get size(): number {
    return this.#length;
  }

  /** A copy, which stays as it is. */
  record(): Uint8Array {
    return new Uint8Array(this.#bytes.subarray(0, this.#length));
  }

  write(entry: Entry): void {
    const [code, fields] = layouts[entry.kind];
    this.#byte(code);
    this.#fields(fields, entry);
  }

  #fields(fields: Fields, values: Readonly<Record<string, unknown>>): void {
    for (const [name, form] of listOf(fields)) this.#value(form, values[name]);
  }

  #value(form: Form, value: unknown): void {
    switch (form) {
      case "number":
      case "packetId":
      case "qos":
      case "stage":
      case "flag":
        return this.#number(Number(value));
      case "numbers": {
        const numbers = value as Values["numbers"]; // `Of` gives each form its type
        this.#number(numbers.length);
        for (const number of numbers) this.#number(number);
        return;
      }
      case "text":
        return value === "" ? this.#byte(0) : this.#block(Buffer.from(value as string));
      case "bytes":
        return this.#block(value as Uint8Array);
      case "properties":
        return this.#block(writeProperties(value as Properties));
      case "maybeText":
        this.#number(value === undefined ? 0 : 1);
        if (value !== undefined) this.#value("text", value);
        return;
      case "maybeWill":
        this.#number(value === undefined ? 0 : 1);
        if (value !== undefined) this.#fields(willFields, value as WillEntry);
    }
  }

  #number(value: number): void {
    let rest = value;
    for (; rest > 0x7f; rest = Math.floor(rest / 128)) this.#byte((rest % 128) | 0x80);
    this.#byte(rest);
  }

  #block(bytes: Uint8Array): void {
    this.#number(bytes.length);
    const at = this.#reserve(bytes.length);
    this.#bytes.set(bytes, at);
  }

  #byte(value: number): void {
    const at = this.#reserve(1);
    this.#bytes[at] = value;
  }

  #reserve(count: number): number {
    const at = this.#length;
    this.#length += count;
    if (this.#length > this.#bytes.length) {
      const bigger = Buffer.allocUnsafe(Math.max(this.#length, 2 * this.#bytes.length));
      this.#bytes.copy(bigger, 0, 0, at);
      this.#bytes = bigger;
    }
    return at;
  }
}

export function encode(entries: readonly Entry[]): Uint8Array {
  const writer = new Writer();
  for (const entry of entries) writer.write(entry);
  return writer.record();
}

const unreadable = (sentence: string) => new ProtocolError(reason.malformedPacket, sentence);

/** What a record says, one by one. Throws `ProtocolError` where it comes to what this version has not written. */
export function* decode(record: Uint8Array): Generator<Entry, void> {
  const bytes = Buffer.from(record.buffer, record.byteOffset, record.byteLength);
  const cursor = new Cursor(bytes, 0, bytes.length);
  if (cursor.byte() !== version) throw unreadable("The record is of another version.");
  while (cursor.left > 0) {
    const kind = kinds.get(cursor.byte());
    if (kind === undefined) throw unreadable("An entry is of an unknown kind.");
    yield { kind, ...readFields(cursor, layouts[kind][1]) } as Entry; // with the fields of its layout
  }
}

function readFields(cursor: Cursor, fields: Fields): Record<string, unknown> {
  return Object.fromEntries(listOf(fields).map(([name, form]) => [name, readValue(cursor, form)]));
}

function readValue(cursor: Cursor, form: Form): unknown {
  switch (form) {
    case "number":
      return readNumber(cursor, Number.MAX_SAFE_INTEGER);
    case "packetId": {
      const id = readNumber(cursor, 0xffff);
      if (id === 0) throw unreadable("A packet identifier is zero.");
      return id;
    }
    case "qos":
      return readNumber(cursor, 2);
    case "stage":
      return readNumber(cursor, 3);
    case "flag":
      return readNumber(cursor, 1) === 1;
    case "numbers": {
      const numbers: number[] = [];
      for (let count = readNumber(cursor, cursor.left); count > 0; count--) {
        numbers.push(readNumber(cursor, Number.MAX_SAFE_INTEGER));
      }
      return numbers;
    }
    case "text":
      return readBlock(cursor).toString();
    case "bytes":
      return Buffer.from(readBlock(cursor));
    case "properties": {
      const written = readBlock(cursor);
      const list = Buffer.concat([Buffer.from(variable(written.length)), written]);
      return readProperties(new Cursor(list, 0, list.length), packet.publish, Infinity); // names of the space are longer than the client's
    }
    case "maybeText":
      return readNumber(cursor, 1) === 0 ? undefined : readValue(cursor, "text");
    case "maybeWill":
      return readNumber(cursor, 1) === 0 ? undefined : readFields(cursor, willFields);
  }
}

function readNumber(cursor: Cursor, most: number): number {
  let value = 0;
  for (let factor = 1; factor <= 2 ** 49; factor *= 128) {
    const byte = cursor.byte();
    value += (byte & 0x7f) * factor;
    if (value > most) break;
    if (byte < 0x80) return value;
  }
  throw unreadable("A number is larger than it may be.");
}

function readBlock(cursor: Cursor): Buffer {
  const part = cursor.part(readNumber(cursor, cursor.left));
  return part.bytes.subarray(part.at, part.end);
}
