import { addressIn, bytesOfAddress } from "@holdfast/crypto";
import { Refusal } from "@holdfast/kernel";
import type { Window } from "./window.ts";

/**
 * What is kept of a frame beside its readings. All numbers big-endian.
 *
 *     mark     address: 6 bytes   boot: 4   counter: 4
 *     picture  the same of the greatest counter, and which of the 32 up to it there were: 4
 */
const markLength = 14;
const pictureLength = 18;

/** Hot path. */
export function markOf(address: number, boot: number, counter: number): Uint8Array {
  const mark = new Uint8Array(markLength);
  let high = address;
  for (let at = 5; at >= 0; at--) {
    mark[at] = high % 256;
    high = Math.floor(high / 256);
  }
  for (let at = 0; at < 4; at++) {
    mark[9 - at] = boot >>> (8 * at);
    mark[13 - at] = counter >>> (8 * at);
  }
  return mark;
}

export function pictureOf(address: number, { boot, top, bits }: Window): Uint8Array {
  const picture = new Uint8Array(pictureLength);
  write(picture, address, boot, top).setInt32(markLength, bits);
  return picture;
}

function write(bytes: Uint8Array, address: number, boot: number, counter: number): DataView {
  const view = new DataView(bytes.buffer);
  bytes.set(bytesOfAddress(address));
  view.setUint32(6, boot);
  view.setUint32(10, counter);
  return view;
}

/** @throws Refusal `seal.broken` */
export function readMark(bytes: Uint8Array): {
  readonly address: number;
  readonly boot: number;
  readonly counter: number;
  readonly bits?: number;
} {
  if (bytes.length !== markLength && bytes.length !== pictureLength) throw new Refusal("seal.broken");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return {
    address: addressIn(bytes.subarray(0, 6)),
    boot: view.getUint32(6),
    counter: view.getUint32(10),
    ...(bytes.length === pictureLength && { bits: view.getInt32(markLength) }),
  };
}
