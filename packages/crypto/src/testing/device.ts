import { createCipheriv } from "node:crypto";
import { Cmac } from "../cmac.ts";
import { concat } from "../bytes.ts";
import { bootKey, bytesOfAddress, outcomes, tagLength, type Outcome } from "../frame.ts";

/** A device's end of the frame, for tests and benchmarks; examples/socket.c is one for devices. */
export type Sent = {
  readonly secret: Uint8Array;
  readonly address: number;
  readonly mode?: "sealed" | "signed";
  readonly isText?: boolean;
  readonly wantsAnswer?: boolean;
  readonly boot: number;
  readonly counter: number;
  readonly payload: Uint8Array;
};

export function frameOf({ secret, address, mode = "sealed", boot, counter, payload, ...more }: Sent): Uint8Array {
  const { isText = false, wantsAnswer = true } = more;
  const kind = 0x90 | (mode === "signed" ? 4 : 0) | (isText ? 2 : 0) | (wantsAnswer ? 1 : 0);
  const head = concat(Uint8Array.of(kind), bytesOfAddress(address), numberOf(boot), numberOf(counter));
  const nonce = Buffer.alloc(13);
  nonce.writeUInt32BE(counter, 9);
  const [open, hidden] = mode === "sealed" ? [head, payload] : [concat(head, payload), new Uint8Array()];
  const cipher = createCipheriv("aes-128-ccm", keyOf({ secret, mode, address, boot }), nonce, {
    authTagLength: tagLength,
  });
  cipher.setAAD(open, { plaintextLength: hidden.length });
  const sealed = cipher.update(hidden);
  cipher.final();
  return concat(open, sealed, cipher.getAuthTag());
}

let last: { readonly of: Pick<Sent, "secret" | "mode" | "address" | "boot">; readonly key: Uint8Array } | undefined;

/** Benchmarks make many frames of one boot. */
function keyOf(of: Required<Pick<Sent, "secret" | "mode" | "address" | "boot">>): Uint8Array {
  const { secret, mode, address, boot } = of;
  const isSame =
    last?.of.secret === secret && last.of.mode === mode && last.of.address === address && last.of.boot === boot;
  if (!isSame) last = { of, key: bootKey(secret, mode, address, boot) };
  return last!.key; // it was made above, at the latest
}

/** What an answer says of this counter of this boot; `undefined` where it is none of the platform's. */
export function answerIn(
  { secret, address, boot, counter }: Pick<Sent, "secret" | "address" | "boot" | "counter">,
  answer: Uint8Array,
): Outcome | undefined {
  const head = answer.subarray(0, -tagLength);
  const tag = new Cmac(bootKey(secret, "answer", address, boot)).of(head).subarray(0, tagLength);
  const isOurs = ((head[0] ?? 0) & 0xfc) === 0x98 && head.subarray(1).toHex() === numberOf(counter).toHex();
  return isOurs && tag.toHex() === answer.subarray(-tagLength).toHex() ? outcomes[(head[0] ?? 0) & 3] : undefined;
}

function numberOf(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 0x7f; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80);
  return Uint8Array.of(...bytes, rest);
}
