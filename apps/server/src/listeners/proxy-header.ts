import { SocketAddress } from "node:net";

/**
 * The header of the PROXY protocol, version 2, as the specification of HAProxy has it (doc/proxy-protocol.txt, 2.2): who the client is whose
 * connection a proxy passes on.
 */

/** Whom a header names. */
export type Origin =
  | { readonly of: "client"; readonly address: string; readonly port: number }
  /** The proxy speaks for itself, to see whether we are well. */
  | { readonly of: "proxy" }
  /** It passes somebody on, and does not say whom: a client of a socket of its machine, say. */
  | { readonly of: "unknown" };

export type Header = { readonly origin: Origin; readonly length: number };

/** Why bytes are no header that we take. */
export type Flaw = "none" | "version1" | "malformed" | "tooLong" | "checksum";

const signature = Uint8Array.of(0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a);
const fixed = 16;

/** Bytes of a header in all. Addresses and the usual extensions have some hundred; 65,551 could be claimed. */
export const longest = 4_096;

const commands = { local: 0x20, proxy: 0x21 } as const; // the version stands in the upper half
const families = { unspecified: 0x00, tcp4: 0x11, tcp6: 0x21, unixStream: 0x31 } as const;

/** What begins `bytes`: a header, the beginning of one, or neither. Never throws, whatever the bytes are. */
export function readHeader(bytes: Uint8Array): Header | "more" | Flaw {
  for (let at = 0; at < Math.min(bytes.length, signature.length); at += 1) {
    if (bytes[at] !== signature[at]) return isVersion1(bytes) ? "version1" : "none";
  }
  if (bytes.length < fixed) return "more";
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const command = view.getUint8(12);
  const family = view.getUint8(13);
  const length = fixed + view.getUint16(14);
  if (command !== commands.local && command !== commands.proxy) return "malformed";
  if (length > longest) return "tooLong";
  if (bytes.length < length) return "more";
  // "The receiver must discard the protocol block including the family", which says nothing then.
  if (command === commands.local) return { origin: { of: "proxy" }, length };
  switch (family) {
    case families.unspecified:
    case families.unixStream:
      return { origin: { of: "unknown" }, length };
    case families.tcp4:
    case families.tcp6:
      return ofClient(bytes.subarray(0, length), family === families.tcp4 ? 4 : 16);
    default:
      return "malformed";
  }
}

/** Source and destination, their ports, and extensions, of which one is for us. */
function ofClient(header: Uint8Array, size: 4 | 16): Header | Flaw {
  const ports = fixed + 2 * size;
  const extensions = ports + 4;
  if (header.length < extensions) return "malformed";
  const view = new DataView(header.buffer, header.byteOffset, header.byteLength);
  const address = textOf(header.subarray(fixed, fixed + size));
  const flaw = flawIn(header, extensions);
  return flaw ?? { origin: { of: "client", address, port: view.getUint16(ports) }, length: header.length };
}

const checksumType = 0x03; // PP2_TYPE_CRC32C

/** Type, length and value, again and again: all are passed over, and the checksum is looked at (2.2.3: if it is wrong, hang up). */
function flawIn(header: Uint8Array, from: number): Flaw | undefined {
  const view = new DataView(header.buffer, header.byteOffset, header.byteLength);
  for (let at = from; at < header.length;) {
    if (header.length - at < 3) return "malformed";
    const [type, length] = [view.getUint8(at), view.getUint16(at + 1)];
    const value = at + 3;
    at = value + length;
    if (at > header.length) return "malformed";
    if (type !== checksumType) continue;
    if (length !== 4) return "malformed";
    if (checksumOf(header, value) !== view.getUint32(value)) return "checksum";
  }
  return undefined;
}

/** CRC-32C (RFC 3720, B.4) of a header, in which the four bytes at `hole` count as zero. */
export function checksumOf(header: Uint8Array, hole: number): number {
  let rest = 0xffffffff;
  for (const [at, byte] of header.entries()) {
    rest ^= at >= hole && at < hole + 4 ? 0 : byte;
    for (let bit = 0; bit < 8; bit += 1) rest = rest & 1 ? (rest >>> 1) ^ 0x82f63b78 : rest >>> 1;
  }
  return (rest ^ 0xffffffff) >>> 0;
}

/** As the system writes it, so that an address is the same text however its client came (RFC 5952). */
function textOf(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join(".");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const groups = Array.from({ length: 8 }, (_, at) => view.getUint16(2 * at).toString(16));
  return new SocketAddress({ address: groups.join(":"), family: "ipv6" }).address;
}

const isVersion1 = (bytes: Uint8Array): boolean => new TextDecoder("latin1").decode(bytes.subarray(0, 6)) === "PROXY ";

/** What a proxy says when it speaks for itself; the platform does so to its own listeners. */
export const localHeader: Uint8Array = Uint8Array.of(...signature, commands.local, families.unspecified, 0, 0);
