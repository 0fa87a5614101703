import { Refusal, type Random } from "@holdfast/kernel";
import { isBearable, ourCost, saltLength, stretch, type Cost } from "./argon2.ts";
import { concat, utf8 } from "./bytes.ts";
import { open, seal, sealOverhead } from "./seal.ts";

const magic = utf8("holdfast sealed by passphrase\n");
const format = 1;
const costAt = magic.length + 1;
const saltAt = costAt + 3 * 4;
const headerLength = saltAt + saltLength;

/**
 * Bytes that only a passphrase opens: a header (what this is, format, memory in KiB, passes, lanes, salt), then the sealed form of `seal`
 * under Argon2id of the passphrase, bound to the header. Numbers are big-endian.
 */
export async function sealWithPassphrase(passphrase: string, plain: Uint8Array, random: Random): Promise<Uint8Array> {
  const salt = random.bytes(saltLength);
  const cost = new DataView(new ArrayBuffer(3 * 4));
  for (const [i, number] of [ourCost.memory, ourCost.passes, ourCost.lanes].entries()) cost.setUint32(4 * i, number);
  const header = concat(magic, Uint8Array.of(format), new Uint8Array(cost.buffer), salt);
  return concat(header, seal(await stretch(passphrase, salt, ourCost), header, plain, random));
}

/** @throws Refusal `backup.wrong` when the passphrase is another, or the bytes are */
export async function openWithPassphrase(passphrase: string, bytes: Uint8Array): Promise<Uint8Array> {
  const cost = costIn(bytes);
  if (!cost) throw new Refusal("backup.wrong");
  const header = bytes.subarray(0, headerLength);
  const key = await stretch(passphrase, header.subarray(saltAt), cost);
  try {
    return open(key, header, bytes.subarray(headerLength));
  } catch (cause) {
    throw cause instanceof Refusal ? new Refusal("backup.wrong", { cause }) : cause;
  }
}

function costIn(bytes: Uint8Array): Cost | undefined {
  if (bytes.length < headerLength + sealOverhead) return undefined;
  if (magic.some((byte, i) => bytes[i] !== byte) || bytes[magic.length] !== format) return undefined;
  const numbers = new DataView(bytes.buffer, bytes.byteOffset + costAt);
  const cost = { memory: numbers.getUint32(0), passes: numbers.getUint32(4), lanes: numbers.getUint32(8) };
  return isBearable(cost) ? cost : undefined;
}
