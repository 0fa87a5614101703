import { createSocket, type RemoteInfo } from "node:dgram";
import { once } from "node:events";
import { isIPv6 } from "node:net";

export type RecordType = "A" | "AAAA" | "TXT";

/** What a name has; `undefined` where there is no such name, nothing where it has none of that type. */
export type Zone = (name: string, type: RecordType) => readonly string[] | undefined;

/** Where this is what a name has, the server fails to find out (SERVFAIL), which is no answer. */
export const failing: readonly string[] = [];

export type NameServer = {
  readonly place: { readonly address: string; readonly port: number };
  /** In the order in which they came. */
  readonly asked: readonly string[];
  close(): void;
};

const types: Readonly<Record<number, RecordType>> = { 1: "A", 16: "TXT", 28: "AAAA" };

/** A small server of names on 127.0.0.1 (RFC 1035, over UDP): a zone is asked anew each time, so that what it says may change. */
export async function startNameServer(zone: Zone): Promise<NameServer> {
  const socket = createSocket("udp4");
  const asked: string[] = [];
  socket.on("message", (query: Buffer, from: RemoteInfo) => {
    const { name, number, end } = questionIn(query);
    const type = types[number];
    asked.push(`${name} ${type ?? number}`);
    const found = type ? zone(name, type) : [];
    const answers = (found ?? []).map((value) => recordOf(number, type === "TXT" ? pieces(value) : addressOf(value)));
    const header = Buffer.alloc(12);
    query.copy(header, 0, 0, 2);
    // An answer, that there is no such name, or none.
    header.writeUInt16BE(found === failing ? 0x8182 : found ? 0x8180 : 0x8183, 2);
    header.writeUInt16BE(1, 4);
    header.writeUInt16BE(answers.length, 6);
    socket.send(Buffer.concat([header, query.subarray(12, end), ...answers]), from.port, from.address);
  });
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  return { place: { address: "127.0.0.1", port: socket.address().port }, asked, close: () => void socket.close() };
}

function questionIn(query: Buffer): { readonly name: string; readonly number: number; readonly end: number } {
  const labels: string[] = [];
  let at = 12;
  for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
    labels.push(query.toString("ascii", at + 1, at + 1 + length));
    at += 1 + length;
  }
  return { name: labels.join(".").toLowerCase(), number: query.readUInt16BE(at + 1), end: at + 5 };
}

/** Of the name that was asked for, good for no time at all. */
function recordOf(type: number, data: Buffer): Buffer {
  const head = Buffer.alloc(12);
  head.writeUInt16BE(0xc00c, 0);
  head.writeUInt16BE(type, 2);
  head.writeUInt16BE(1, 4);
  head.writeUInt16BE(data.length, 10);
  return Buffer.concat([head, data]);
}

/** A text has pieces of at most 255 bytes. */
function pieces(text: string): Buffer {
  const bytes = Buffer.from(text);
  const parts: Buffer[] = [];
  for (let at = 0; at < bytes.length || at === 0; at += 255) {
    const piece = bytes.subarray(at, at + 255);
    parts.push(Buffer.of(piece.length), piece);
  }
  return Buffer.concat(parts);
}

function addressOf(text: string): Buffer {
  if (!isIPv6(text)) return Buffer.from(text.split(".").map(Number));
  const [head = "", tail] = text.split("::", 2);
  const groups = (part: string) => (part === "" ? [] : part.split(":").map((group) => Number.parseInt(group, 16)));
  const [before, behind] = [groups(head), groups(tail ?? "")];
  const all = [...before, ...Array.from({ length: 8 - before.length - behind.length }, () => 0), ...behind];
  return Buffer.from(all.flatMap((group) => [group >> 8, group & 0xff]));
}
