import { Refusal, rfc3339, sentenceOf, type Clock } from "@holdfast/kernel";
import type { LiveStranger } from "@holdfast/protocol";

/** Somebody came whom no device and no program can be told by, and was not let in, or went by himself. */
export type Stranger = {
  readonly address: string;
  readonly transport: "mqtt" | "http" | "socket";
  readonly code: string;
  /** The sentence of the code. */
  readonly title: string;
};

/** Whoever shows them: asked first, because hardly ever anybody looks. */
export interface Lookout {
  wants(): boolean;
  came(stranger: LiveStranger): void;
}

/** Of one address, and of all, in one second. What comes beyond is not told: whoever looks for his own device sees the first ones. */
const mostOfAddress = 10;
const mostOfAll = 100;
const second = 1_000; // milliseconds

/** Strangers for the live view: told as they come, kept nowhere. */
export class Strangers {
  readonly #clock: Clock;
  readonly #told = new Map<string, number>();
  #since = -Infinity;
  #count = 0;
  #lookout: Lookout = { wants: () => false, came() {} };

  constructor(needs: { clock: Clock }) {
    this.#clock = needs.clock;
  }

  showTo(lookout: Lookout): void {
    this.#lookout = lookout;
  }

  /** Returns at once, and costs next to nothing where nobody looks. */
  tell({ address, ...stranger }: Stranger): void {
    if (!this.#lookout.wants()) return;
    const now = this.#clock.elapsed();
    if (now - this.#since >= second) {
      this.#since = now;
      this.#count = 0;
      this.#told.clear();
    }
    const told = this.#told.get(address) ?? 0;
    if (told >= mostOfAddress || this.#count >= mostOfAll) return;
    this.#told.set(address, told + 1);
    this.#count += 1;
    this.#lookout.came({ at: rfc3339(this.#clock.now()), address: plainly(address), ...stranger });
  }

  /** The same for a refusal, where that says that the credential belongs to nobody. */
  tellRefused(refusal: Refusal, { address, transport }: Pick<Stranger, "address" | "transport">): void {
    const { code } = refusal;
    if (isStrange(refusal)) this.tell({ address, transport, code, title: sentenceOf(code) });
  }
}

/** Also when the address has failed too often to be told more. */
function isStrange({ code, cause }: Refusal): boolean {
  if (code === "rate.exceeded") return cause instanceof Refusal && isStrange(cause);
  return code === "credential.missing" || code === "credential.invalid" || code === "credential.expired";
}

/** An IPv4 address as such, also where a socket for both versions of IP names it (RFC 4291, 2.5.5.2). */
export const plainly = (address: string): string => address.replace(/^::ffff:(?=\d+\.)/i, "");
