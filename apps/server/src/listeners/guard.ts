import { isIPv6 } from "node:net";
import { Refusal, type Clock, type RefusalCode, type Report, type Timers } from "@holdfast/kernel";
import { RateLimit } from "./rate.ts";

type Needs = {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly report: Report;
};

const tellEvery = 60_000; // milliseconds

/** What somebody may be told who has not got what he shows. */
const failures = new Set<RefusalCode>(["credential.invalid", "proof.required", "proof.invalid", "activation.unknown"]);

/** Whoever asked has shown nothing that is good, and it was not for a fault of ours that it did not help. */
export const wasRefused = (error: unknown): boolean =>
  error instanceof Refusal && (failures.has(error.code) || reasons.has(error.code));

const reasons = new Set<RefusalCode>([
  "credential.missing",
  "credential.expired",
  "condition.unmet",
  "door.refused",
  "list.denied",
  "factor.demanded",
  "factor.unshown",
  "rate.exceeded",
]);

/**
 * Keeps guessing cheap for us, for all listeners together. Fifty thousand meters may share the one address of a carrier, so a
 * good credential always passes: only attempts that fail use the address up, and only those are then told to wait. What costs
 * a slow hash whatever the outcome (setting up, signing in) is counted beforehand, and apart.
 */
export class Guard {
  readonly #needs: Needs;
  readonly #failures: RateLimit;
  readonly #costly: RateLimit;
  #failed = new Map<string, number>();
  #timer: { cancel(): void } | undefined;
  readonly statistics = { failures: 0 };

  constructor(needs: Needs) {
    this.#needs = needs;
    this.#failures = new RateLimit({ perSecond: 2, burst: 60 }, needs.clock);
    this.#costly = new RateLimit({ perSecond: 1, burst: 30 }, needs.clock);
  }

  /** @throws Refusal whatever `attempt` throws; `rate.exceeded` in place of `credential.invalid` and its like once the address has failed too often */
  async admit<T>(address: string, attempt: () => Promise<T>): Promise<T> {
    try {
      return await attempt();
    } catch (error) {
      if (error instanceof Refusal && failures.has(error.code)) this.#fail(networkOf(address), error);
      throw error;
    }
  }

  /** Before something expensive that strangers may ask for. @throws Refusal `rate.exceeded` */
  charge(address: string): void {
    this.#costly.take(networkOf(address));
  }

  close(): void {
    this.#timer?.cancel();
    this.#tell();
  }

  /** @throws Refusal `rate.exceeded`, because of the one that there was */
  #fail(network: string, cause: Refusal): void {
    this.statistics.failures += 1;
    if (this.#failed.size < 10_000 || this.#failed.has(network)) {
      this.#failed.set(network, (this.#failed.get(network) ?? 0) + 1);
    }
    // One line a minute, however many attempts there are: nobody fills the disk by guessing.
    this.#timer ??= this.#needs.timers.after(tellEvery, () => {
      this.#timer = undefined;
      this.#tell();
    });
    this.#failures.take(network, { cause });
  }

  #tell(): void {
    const failed = [...this.#failed].toSorted(([, a], [, b]) => b - a);
    this.#failed = new Map();
    const [most] = failed;
    if (!most) return;
    const attempts = failed.reduce((sum, [, count]) => sum + count, 0);
    const about = { attempts, networks: failed.length, mostFrom: most[0], ofThose: most[1] };
    this.#needs.report("somebody came without a good credential", {
      level: "warning",
      code: "credential.invalid",
      ...about,
    });
  }
}

/** An IPv4 address; of IPv6 the 64 bits that one customer gets at least (RFC 6177). */
export function networkOf(address: string): string {
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, "").replace(/%.*$/, "");
  if (!isIPv6(plain)) return plain;
  const [head = "", tail] = plain.split("::", 2);
  const before = head === "" ? [] : head.split(":");
  const after = tail === undefined || tail === "" ? [] : tail.split(":");
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - before.length - after.length);
  const groups = [...before, ...Array.from({ length: zeros }, () => "0"), ...after];
  return `${groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(":")}::/64`;
}
