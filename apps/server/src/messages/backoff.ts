import { hash } from "node:crypto";
import type { Clock } from "@holdfast/kernel";
import type { Asked } from "@holdfast/mqtt";
import { secretIn } from "./secret-in.ts";

type Refused = { times: number; at: number };

const atOnce = 2; // whoever mistypes a secret hears of it now
const first = 1_000; // milliseconds
// Clients give up after thirty seconds mostly; whoever does has waited as well, and this answer is to reach the others.
const longest = 25_000;
const forgetAfter = 300_000;
const mostKnown = 10_000;

/**
 * How long whoever shows the same that was refused lately waits to be refused again: nothing twice, then a second, and twice as long each time.
 * Clients with a fixed pause between their attempts are slowed by it, and hold their connection meanwhile, so that it costs no new handshake. What
 * is good is never delayed: by a wrong secret nobody slows the owner of a key.
 */
export class Backoff {
  readonly #clock: Clock;
  /** The latest last. */
  readonly #known = new Map<string, Refused>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Milliseconds that this refusal waits. */
  refused(asked: Asked): number {
    const who = nameOf(asked);
    const now = this.#clock.elapsed();
    const known = this.#known.get(who);
    const times = known && now - known.at < forgetAfter ? known.times + 1 : 1;
    this.#known.delete(who);
    this.#known.set(who, { times, at: now });
    for (const oldest of this.#known.keys()) {
      if (this.#known.size <= mostKnown) break;
      this.#known.delete(oldest);
    }
    return times <= atOnce ? 0 : Math.min(longest, first * 2 ** (times - atOnce - 1));
  }

  welcomed(asked: Asked): void {
    this.#known.delete(nameOf(asked));
  }
}

/** A key by its id, whatever its secret; a token and a client certificate that comes alone by all of it. No credential is kept, only what cannot be turned back. */
function nameOf(asked: Asked): string {
  const secret = secretIn(asked);
  const { username = "", transport } = asked;
  if (username === "" && secret === "" && transport.certificate) return hash("sha256", transport.certificate, "base64");
  return hash("sha256", secret.startsWith("hf_") ? secret : username, "base64");
}
