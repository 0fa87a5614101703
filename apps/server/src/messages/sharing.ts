import type { CredentialId, Id, Instant } from "@holdfast/kernel";
import { hostOf } from "../authority/index.ts";

/** From where, and by which credential, somebody is there. */
export type Stay = { readonly address: string; readonly credential: CredentialId };

/** Milliseconds but for the first. A device that changes networks goes on from one to the next; two with one secret take it back from each other. */
export const sharing = {
  /** So often somebody is back from where he had been displaced, */
  returns: 5,
  /** within this time: */
  within: 3_600_000,
  /** then for so long it is said that two use it. */
  told: 86_400_000,
  /** Or both have been there at once for so long. */
  beside: 600_000,
} as const;

/** When each host was displaced last, and when one of them was back. */
type Contest = { readonly displaced: Map<string, number>; returns: readonly number[] };

/** Of one device, within the time. */
const mostHosts = 8;

/** Whether it was noticed lately, and of a secret that was there by then. */
export const isContested = (
  { contestedAt }: { readonly contestedAt?: Instant | undefined },
  madeAt: Instant,
  now: Instant,
): boolean => contestedAt !== undefined && madeAt <= contestedAt && now - contestedAt < sharing.told;

/** Whose connections take turns at one session. In memory, and only of those where that happens. Times are elapsed milliseconds. */
export class Contests {
  readonly #contests = new Map<Id<"device">, Contest>();

  /** One connection took the place of another. Answers whether that is once too often. */
  took(device: Id<"device">, from: Stay, by: Stay, elapsed: number): boolean {
    if (!areApart(from, by)) return false;
    const since = elapsed - sharing.within;
    const { displaced, returns } = this.#contests.get(device) ?? { displaced: new Map<string, number>(), returns: [] };
    const isBack = (displaced.get(nameOf(by)) ?? Number.NEGATIVE_INFINITY) > since;
    displaced.delete(nameOf(from)); // so that the oldest stands first
    displaced.set(nameOf(from), elapsed);
    for (const [host, at] of displaced) if (at <= since || displaced.size > mostHosts) displaced.delete(host);
    const young = returns.filter((at) => at > since);
    const next = { displaced, returns: isBack ? [...young, elapsed].slice(-sharing.returns) : young };
    this.#contests.set(device, next);
    return isBack && next.returns.length === sharing.returns;
  }

  /** Called now and then: of whoever is left in peace nothing is kept. */
  forgetPast(elapsed: number): void {
    for (const [device, { displaced }] of this.#contests)
      if (displaced.values().every((at) => at <= elapsed - sharing.within)) this.#contests.delete(device);
  }
}

const nameOf = ({ address, credential }: Stay): string => `${credential} ${hostOf(address).value}`;

/** The same credential on two hosts, as far as addresses tell: one that has both families of them may come by either. */
export function areApart(one: Stay, other: Stay): boolean {
  if (one.credential !== other.credential || one.address === other.address) return false;
  const [mine, theirs] = [hostOf(one.address), hostOf(other.address)];
  return mine.family === theirs.family && mine.value !== theirs.value;
}
