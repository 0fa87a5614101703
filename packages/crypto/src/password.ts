import { timingSafeEqual } from "node:crypto";
import { Refusal, type Random } from "@holdfast/kernel";
import { isBearable, ourCost, saltLength, stretch, type Cost } from "./argon2.ts";

const atOnce = 2;
const patience = 32; // who comes after these waits longer than a person does

/**
 * Hashes and checks the passwords of people, at most two at once and a few more waiting: each takes 64 MiB and a tenth of a second, and strangers
 * can ask for it. Sign-in must also limit how often one address and one account may try.
 */
export class Passwords {
  readonly #random: Random;
  readonly #waiting: (() => void)[] = [];
  #running = 0;
  /** Slow hashes so far, of passwords to keep and of those that were shown. */
  readonly statistics = { hashes: 0 };

  constructor(needs: { random: Random }) {
    this.#random = needs.random;
  }

  /** What to keep: `$argon2id$v=19$m=65536,t=3,p=4$salt$hash`, as other programs write it. @throws Refusal `rate.exceeded` */
  async hash(password: string): Promise<string> {
    const salt = this.#random.bytes(saltLength);
    return written(ourCost, salt, await this.#inTurn(() => stretch(password, salt, ourCost)));
  }

  /**
   * Whether it is the password that was kept. Nothing kept (there is no such person) takes as long as a wrong password, so that asking does
   * not tell who has an account. @throws Refusal `rate.exceeded`
   */
  async matches(password: string, kept: string | undefined): Promise<boolean> {
    const { cost, salt, hash } = (kept === undefined ? undefined : read(kept)) ?? nobody;
    const own = await this.#inTurn(() => stretch(password, salt, cost));
    return timingSafeEqual(own, hash) && kept !== undefined;
  }

  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (this.#running >= atOnce) {
      if (this.#waiting.length >= patience) throw new Refusal("rate.exceeded", { retryAfterSeconds: 2 });
      await new Promise<void>((go) => this.#waiting.push(go)); // whoever ends hands its place over
    } else {
      this.#running += 1;
    }
    try {
      this.statistics.hashes += 1;
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next) next();
      else this.#running -= 1;
    }
  }
}

type Kept = { readonly cost: Cost; readonly salt: Uint8Array; readonly hash: Uint8Array };

const nobody: Kept = { cost: ourCost, salt: new Uint8Array(saltLength), hash: new Uint8Array(32) };

const base64 = (bytes: Uint8Array) => bytes.toBase64({ omitPadding: true });

const written = (cost: Cost, salt: Uint8Array, hash: Uint8Array) =>
  `$argon2id$v=19$m=${cost.memory},t=${cost.passes},p=${cost.lanes}$${base64(salt)}$${base64(hash)}`;

// The string format of password hashes (PHC), as the reference implementation of Argon2 writes it.
const form = /^\$argon2id\$v=19\$m=(\d{1,7}),t=(\d{1,2}),p=(\d{1,2})\$([A-Za-z0-9+/]{22})\$([A-Za-z0-9+/]{43})$/;

/** Throws an Error for what is no hash of ours: the row was opened, so nobody altered it, and this is our own fault. */
function read(kept: string): Kept {
  const [, memory, passes, lanes, salt = "", hash = ""] = form.exec(kept) ?? [];
  const cost = { memory: Number(memory), passes: Number(passes), lanes: Number(lanes) };
  if (!isBearable(cost)) throw new Error("what was kept is not a password hash");
  return { cost, salt: Uint8Array.fromBase64(salt), hash: Uint8Array.fromBase64(hash) };
}
