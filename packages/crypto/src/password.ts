import { timingSafeEqual } from "node:crypto";
import { availableParallelism } from "node:os";
import { Refusal, type Clock, type Random } from "@holdfast/kernel";
import { isBearable, ourCost, saltLength, type Cost } from "./argon2.ts";
import { Aside } from "./aside.ts";

/** Another one would only make the first wait longer where there are no cores for it, and take its memory too. */
const usualAtOnce = (): number => (availableParallelism() > 2 ? 2 : 1);
const patience = 32; // who comes after these waits longer than a person does

/** What one hash takes until the first one has told, and the longest that somebody is asked to stay away, in milliseconds. */
const usual = 150;
const longest = 60_000;

type Needs = {
  readonly random: Random;
  readonly clock: Pick<Clock, "elapsed">;
  readonly atOnce?: number;
  /** Of passwords to keep: `ourCost`, but for tests of what has nothing to do with it. */
  readonly cost?: Cost | undefined;
};

/**
 * Hashes and checks the passwords of people, one or two at once and a few more waiting: each takes 64 MiB and a tenth of a second, and strangers
 * can ask for it. Sign-in must also limit how often one address and one account may try.
 */
export class Passwords {
  readonly #needs: Needs;
  readonly #atOnce: number;
  readonly #free: Aside[];
  readonly #waiting: ((aside: Aside) => void)[] = [];
  /** What one hash took lately, in milliseconds. */
  #each = usual;
  /** Until when there is work, if all come again who were told to. */
  #promised = 0;
  /** Slow hashes so far, of passwords to keep and of those that were shown. */
  readonly statistics = { hashes: 0 };

  constructor(needs: Needs) {
    this.#needs = needs;
    this.#atOnce = needs.atOnce ?? usualAtOnce();
    this.#free = Array.from({ length: this.#atOnce }, () => new Aside());
  }

  /** Begins the threads, which otherwise begin with the first password. */
  async load(): Promise<void> {
    await Promise.all(this.#free.map((aside) => aside.load()));
  }

  /** What to keep: `$argon2id$v=19$m=65536,t=3,p=4$salt$hash`, as other programs write it. @throws Refusal `rate.exceeded` */
  async hash(password: string): Promise<string> {
    const { random, cost = ourCost } = this.#needs;
    const salt = random.bytes(saltLength);
    return written(cost, salt, await this.#inTurn(password, salt, cost));
  }

  /**
   * Whether it is the password that was kept. Nothing kept (there is no such person) takes as long as a wrong password, so that asking does
   * not tell who has an account. @throws Refusal `rate.exceeded`
   */
  async matches(password: string, kept: string | undefined): Promise<boolean> {
    const { cost, salt, hash } = kept === undefined ? nobody(this.#needs) : read(kept);
    const own = await this.#inTurn(password, salt, cost);
    return timingSafeEqual(own, hash) && kept !== undefined;
  }

  async #inTurn(password: string, salt: Uint8Array, cost: Cost): Promise<Uint8Array> {
    const aside = await this.#turn();
    const began = this.#needs.clock.elapsed();
    try {
      this.statistics.hashes += 1;
      return await aside.stretch(password, salt, cost);
    } finally {
      this.#each += (this.#needs.clock.elapsed() - began - this.#each) / 8;
      const next = this.#waiting.shift();
      if (next) next(aside);
      else this.#free.push(aside);
    }
  }

  #turn(): Aside | Promise<Aside> {
    const free = this.#free.pop();
    if (free) return free;
    if (this.#waiting.length >= patience) throw new Refusal("rate.exceeded", { retryAfterSeconds: this.#later() });
    return new Promise((go) => this.#waiting.push(go)); // whoever ends hands its thread over
  }

  /** Each who is refused gets a later time: were all told the same, all but a few would come for nothing again. */
  #later(): number {
    const now = this.#needs.clock.elapsed();
    const each = this.#each / this.#atOnce;
    this.#promised = Math.max(this.#promised, now + this.#waiting.length * each) + each;
    return Math.max(1, Math.ceil(Math.min(longest, this.#promised - now) / 1_000));
  }
}

type Kept = { readonly cost: Cost; readonly salt: Uint8Array; readonly hash: Uint8Array };

const nobody = ({ cost = ourCost }: Needs): Kept => ({
  cost,
  salt: new Uint8Array(saltLength),
  hash: new Uint8Array(32),
});

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
