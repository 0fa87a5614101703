import { Refusal, type Random } from "@holdfast/kernel";
import { isBearable, ourCost, saltLength, stretch, type Cost } from "./argon2.ts";
import { open, seal, sealOverhead } from "./seal.ts";

const magic = Buffer.from("holdfast sealed by passphrase\n");
const format = 1;
const headerLength = magic.length + 1 + 4 + 4 + 4 + saltLength;

/**
 * Bytes that only a passphrase opens: a header (what this is, format, memory in KiB, passes, lanes, salt), then the sealed form of `seal`
 * under Argon2id of the passphrase, bound to the header. Numbers are big-endian.
 */
export async function sealWithPassphrase(passphrase: string, plain: Uint8Array, random: Random): Promise<Uint8Array> {
  const salt = random.bytes(saltLength);
  const header = Buffer.alloc(headerLength);
  magic.copy(header);
  let at = header.writeUInt8(format, magic.length);
  for (const number of [ourCost.memory, ourCost.passes, ourCost.lanes]) at = header.writeUInt32BE(number, at);
  header.set(salt, at);
  const sealed = seal(await stretch(passphrase, salt, ourCost), header, plain, random);
  return new Uint8Array(Buffer.concat([header, sealed]));
}

/** @throws Refusal `backup.wrong` when the passphrase is another, or the bytes are */
export async function openWithPassphrase(passphrase: string, bytes: Uint8Array): Promise<Uint8Array> {
  const header = Buffer.from(bytes.subarray(0, headerLength));
  const cost = costIn(header);
  if (!cost || bytes.length < headerLength + sealOverhead) throw new Refusal("backup.wrong");
  const key = await stretch(passphrase, header.subarray(-saltLength), cost);
  try {
    return open(key, header, bytes.subarray(headerLength));
  } catch (cause) {
    throw cause instanceof Refusal ? new Refusal("backup.wrong", { cause }) : cause;
  }
}

function costIn(header: Buffer): Cost | undefined {
  if (header.length !== headerLength || !header.subarray(0, magic.length).equals(magic)) return undefined;
  if (header[magic.length] !== format) return undefined;
  const [memory, passes, lanes] = [1, 5, 9].map((offset) => header.readUInt32BE(magic.length + offset));
  if (memory === undefined || passes === undefined || lanes === undefined) return undefined;
  const cost = { memory, passes, lanes };
  return isBearable(cost) ? cost : undefined;
}
