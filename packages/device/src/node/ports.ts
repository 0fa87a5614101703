import { readFileSync } from "node:fs";

const listening = "0A"; // TCP_LISTEN, as the kernel numbers it (include/net/tcp_states.h)

/**
 * The TCP ports on which this machine takes connections from others than itself, whichever program has them: for `report({ listeningPorts })`.
 * `undefined` where that cannot be known, which is anywhere but on Linux.
 */
export function listeningPorts(): readonly number[] | undefined {
  const tables = ["/proc/net/tcp", "/proc/net/tcp6"].map(read).filter((table) => table !== undefined);
  if (tables.length === 0) return undefined;
  const ports = new Set(tables.flatMap((table) => portsIn(table)));
  return [...ports].sort((a, b) => a - b);
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, "ascii");
  } catch {
    return undefined; // another system, or one without IPv6
  }
}

/** Of one table as proc(5) has it: a heading, then a line for each socket, "0: 0100007F:1F90 00000000:0000 0A …". */
const portsIn = (table: string): readonly number[] =>
  table
    .split("\n")
    .slice(1)
    .flatMap((line) => {
      const [, local = "", , state] = line.trim().split(/\s+/);
      const [address = "", port = ""] = local.split(":");
      return state === listening && !isLoopback(address) ? [Number.parseInt(port, 16)] : [];
    });

/** Words of four bytes, each written as a number of this machine: 127.0.0.1 is 0100007F on almost all. */
function isLoopback(address: string): boolean {
  const bytes = (address.match(/.{8}/g) ?? []).map((word) =>
    littleEndian ? (word.match(/../g) ?? []).toReversed().join("") : word,
  );
  const plain = bytes.join("").toUpperCase();
  return /^(?:0{20}F{4})?7F.{6}$/.test(plain) || /^0{31}1$/.test(plain);
}

const littleEndian = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1;
