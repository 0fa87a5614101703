import { argon2 } from "node:crypto";
import { utf8 } from "./bytes.ts";

/** Argon2id, RFC 9106. `memory` in KiB. */
export type Cost = { readonly memory: number; readonly passes: number; readonly lanes: number };

/** RFC 9106, 4: the second recommended setting, 64 MiB and three passes. About 0.1 s of a core and those 64 MiB while it lasts. */
export const ourCost: Cost = { memory: 64 * 1024, passes: 3, lanes: 4 };

/** What is read back may ask for this much at most: a forged file must not take all the memory there is. */
const bearable: Cost = { memory: 1024 * 1024, passes: 16, lanes: 16 };

export const isBearable = ({ memory, passes, lanes }: Cost): boolean =>
  passes >= 1 &&
  passes <= bearable.passes &&
  lanes >= 1 &&
  lanes <= bearable.lanes &&
  memory >= 8 * lanes &&
  memory <= bearable.memory;

export const saltLength = 16;

/** 32 bytes. The text is taken as NFKC (NIST SP 800-63B, 5.1.1.2): what is typed alike on two keyboards is the same. */
export function stretch(text: string, salt: Uint8Array, cost: Cost): Promise<Uint8Array> {
  const question = questionOf(text, salt, cost);
  return new Promise((resolve, reject) => {
    argon2("argon2id", question, (error, derived) => (error ? reject(error) : resolve(new Uint8Array(derived))));
  });
}

/** As Node asks it. */
export type Question = Parameters<typeof argon2>[1];

export const questionOf = (text: string, salt: Uint8Array, { memory, passes, lanes }: Cost): Question => ({
  message: utf8(text.normalize("NFKC")),
  nonce: salt,
  parallelism: lanes,
  tagLength: 32,
  memory,
  passes,
});
