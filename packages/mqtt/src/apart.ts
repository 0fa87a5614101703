import { Buffer } from "node:buffer";

/**
 * A copy for whoever keeps it longer than this turn. `Buffer.from` and its like cut small buffers out of a pool that all of the process shares,
 * and 64 KiB of other people's bytes stay in memory for as long as one of them does.
 */
export function apart(bytes: Buffer, from: number, to: number): Buffer {
  const copy = Buffer.allocUnsafeSlow(to - from);
  bytes.copy(copy, 0, from, to);
  return copy;
}
