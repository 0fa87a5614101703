import { newId, Refusal, type Clock, type CredentialId, type Id, type Instant, type Random } from "@holdfast/kernel";
import type { Space } from "../authority/index.ts";
import { Book, Line, type Meter } from "./book.ts";
import type { Cause, Origin, Way } from "./connection.ts";
import type { Traffic } from "./counts.ts";
import type { QuotaName } from "@holdfast/protocol";
import { secondsLeft, standingsOf, usedOf, type Quotas, type Standing } from "./quota.ts";

/** Connections that are over and not written down: with more, the database has been away for long, and nobody else is let in. */
const mostUnwritten = 50_000;

/** Milliseconds after which a connection that was let in and does not stand yet is believed to be gone: its session is kept by then, or never. */
const mostOnItsWay = 10_000;

/** A connection that was let in, until it stands. `who`: a client that comes again meanwhile is the same one. */
export type Admitted = { readonly at: number; readonly who: string };

/** Of whom something is counted: a credential's own facts. */
export type Holder = {
  readonly id: CredentialId;
  readonly application: Id<"application"> | undefined;
  readonly device: Id<"device"> | undefined;
  readonly person: Id<"person"> | undefined;
};

/** What an organisation's plan says; nothing where it has none. */
export type Plan = { readonly name: string; readonly quotas: Quotas };

/** What one organisation uses and may use. All of it answers at once, from memory, as of the last round. */
export class Account {
  readonly book: Book;
  /** As last seen: an organisation may be read again. */
  space: Space;
  plan: Plan | undefined;
  /** Until then nothing is bounded: what the month has used is not known. */
  isKnown = false;
  /** What messages, readings and requests are refused for. */
  #exhausted: readonly QuotaName[] = [];
  /** Levels that somebody was refused for since the last look. */
  readonly #hit = new Set<QuotaName>();
  readonly #onTheirWay = new Map<string, Admitted>();
  readonly #clock: Clock;
  readonly #random: Random;

  constructor(needs: { space: Space; clock: Clock; random: Random }) {
    this.space = needs.space;
    this.#clock = needs.clock;
    this.#random = needs.random;
    this.book = new Book(needs.clock.now());
  }

  get now(): Instant {
    return this.#clock.now();
  }

  /** Where requests, points and bytes without a connection of their own are counted. */
  meter(over: Way, { id, application, device }: Holder, about = device): Meter {
    const placed = about && this.space.device(about)?.application;
    return this.book.meter({ over, credential: id, application: placed ?? application, device: about }, this.now);
  }

  /** A connection stands. Whoever speaks its protocol goes on counting in `counters`. */
  begin(over: Way, holder: Holder, origin: Origin, counters: Readonly<Traffic>, admitted?: Admitted): Line {
    if (admitted && this.#onTheirWay.get(admitted.who) === admitted) this.#onTheirWay.delete(admitted.who);
    const { now } = this;
    const meter = this.meter(over, holder);
    const id = newId("connection", this.#random);
    return this.book.begin(new Line({ id, meter, origin, person: holder.person, beganAt: now, counters }));
  }

  end(line: Line, cause: Cause): void {
    this.book.end(line, this.now, cause);
  }

  /** Every quota, and how it stands. */
  standings(): readonly Standing[] {
    if (!this.plan || !this.isKnown) return [];
    const { quotas } = this.plan;
    // Counting devices takes a look at each of them.
    const devices = quotas.devices === undefined ? 0 : this.#devices();
    return standingsOf(quotas, usedOf(this.book.month.used, { connections: this.book.open, devices }));
  }

  /** After a round, or another plan: what is to be refused from here on, and what somebody should be told. */
  look(): readonly Standing[] {
    const standings = this.standings();
    this.#exhausted = standings.flatMap(({ quota, state }) => (state === "exhausted" ? [quota] : []));
    const hit = new Set(this.#hit);
    this.#hit.clear();
    return standings
      .map((standing) => (hit.has(standing.quota) ? { ...standing, state: "exhausted" as const } : standing))
      .filter(({ state }) => state !== "fine");
  }

  /**
   * One more connection, which `begin` is told of. A client that comes again before its old connection is noticed to be gone takes that one's place.
   * @throws Refusal `quota.exceeded`
   */
  admitConnection(over: Way, holder: Holder, client?: string): Admitted | undefined {
    if (this.book.unwritten > mostUnwritten) throw new Refusal("storage.unavailable", { retryAfterSeconds: 10 });
    const limit = this.#limitOf("connections");
    if (limit === undefined) return undefined;
    const at = this.#clock.elapsed();
    const who = client ? `${holder.id} ${client}` : newId("connection", this.#random);
    this.#onTheirWay.delete(who);
    // The oldest stand first.
    for (const [name, one] of this.#onTheirWay) {
      if (at - one.at <= mostOnItsWay) break;
      this.#onTheirWay.delete(name);
    }
    if (this.book.open + this.#onTheirWay.size < limit) {
      const admitted = { at, who };
      this.#onTheirWay.set(who, admitted);
      return admitted;
    }
    const { lines } = this.meter(over, holder);
    if (client !== undefined && [...lines].some(({ origin, ended }) => !ended && origin.client === client))
      return undefined;
    throw this.#over("connections", limit);
  }

  /** One more device. @throws Refusal `quota.exceeded` */
  admitDevice(): void {
    const limit = this.#limitOf("devices");
    if (limit !== undefined && this.#devices() >= limit) throw this.#over("devices", limit);
  }

  /** Why no message and no reading is taken; for every message, so most of the time this is one look at a list of nothing. */
  deliveryRefusal(): Refusal | undefined {
    if (this.#exhausted.length === 0) return undefined;
    const quota = this.#exhausted.find((one) => one === "messages" || one === "bytes" || one === "points");
    return quota && this.#refusal(quota, this.#limitOf(quota) ?? 0);
  }

  /** Why no request of a program or a device is answered. */
  requestRefusal(): Refusal | undefined {
    const quota = this.#exhausted.find((one) => one === "requests" || one === "bytes");
    return quota && this.#refusal(quota, this.#limitOf(quota) ?? 0);
  }

  /** How many requests the month still has, and in how many seconds it is over; nothing where they are not bounded. */
  requestsLeft(): { readonly limit: number; readonly left: number; readonly seconds: number } | undefined {
    const limit = this.#limitOf("requests");
    if (limit === undefined) return undefined;
    const left = Math.max(0, limit - this.book.month.used.requests);
    return { limit, left, seconds: secondsLeft("requests", this.now) ?? 0 };
  }

  #devices(): number {
    let count = 0;
    for (const { state } of this.space.devices.values()) if (state !== "retired") count += 1;
    return count;
  }

  #limitOf(quota: QuotaName): number | undefined {
    return this.isKnown ? this.plan?.quotas[quota] : undefined;
  }

  #over(quota: QuotaName, limit: number): Refusal {
    this.#hit.add(quota);
    return this.#refusal(quota, limit);
  }

  #refusal(quota: QuotaName, limit: number): Refusal {
    const retryAfterSeconds = secondsLeft(quota, this.now);
    const when = retryAfterSeconds === undefined ? "at a time" : "a month";
    return new Refusal("quota.exceeded", {
      detail: `It has ${limit.toLocaleString("en")} ${quota} ${when}, and all are used.`,
      ...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
    });
  }
}
