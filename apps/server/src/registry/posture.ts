import type { Instant } from "@holdfast/kernel";
import { deviceFindings, type DeviceFinding, type Upkeep } from "@holdfast/protocol";
import { takesPlain, type DeviceKey, type Level, type Placement } from "../authority/index.ts";
import { isContested, type Presence } from "../messages/index.ts";

/** All that a device's findings follow from. */
export type Facts = {
  readonly state: Placement["state"];
  /** The doors on the way to it. */
  readonly doors: readonly Level[];
  readonly presence: Presence;
  /** Its credentials that are good now. */
  readonly keys: readonly DeviceKey[];
  /** It says that it listens on ports. */
  readonly listens: boolean;
};

/** From when on an organisation calls something old, or ending. */
export type Limits = Pick<Upkeep, "oldAfterDays" | "endingWithinDays">;

const day = 86_400_000; // milliseconds, as instants are

type Weakness = (facts: Facts, limits: Limits, now: Instant) => boolean;

const weaknesses: Readonly<Record<DeviceFinding, Weakness>> = {
  plain: ({ doors }) => takesPlain(doors),
  // A secret that was made since is another one.
  shared: ({ keys, presence }, _, now) =>
    keys.some(({ isShared }) => isShared) ||
    presence.isTwice === true ||
    keys.some(({ madeAt }) => isContested(presence, madeAt, now)),
  listening: ({ listens }) => listens,
  oldTls: ({ presence: { tls } }) => tls?.version === "TLSv1.2",
  // Of TLS 1.2 it is said already.
  classical: ({ presence: { tls } }) => tls?.version === "TLSv1.3" && tls.group !== undefined && !tls.isHybrid,
  certificateEnding: ({ keys }, { endingWithinDays }, now) => {
    const [last] = keys.flatMap(({ issued }) => issued ?? []).toSorted((a, b) => b.notAfter - a.notAfter);
    if (!last) return false;
    const third = (last.notAfter - last.from) / 3; // when a device renews by itself (RFC 8555 leaves it at that, too)
    return last.notAfter - now <= Math.min(endingWithinDays * day, third);
  },
  oldSecret: ({ keys }, { oldAfterDays }, now) => keys.some(({ madeAt }) => now - madeAt >= oldAfterDays * day),
  silent: ({ presence: { trouble } }) => trouble?.state === "silent",
  neverSeen: ({ presence }) => presence.state === "never" && presence.lastSeenAt === undefined,
  defaultDoor: ({ doors }) => doors.length === 0,
};

/** What is weak about a device, the worst first. Of what is retired nobody expects anything. */
export const findingsOf = (facts: Facts, limits: Limits, now: Instant): readonly DeviceFinding[] =>
  facts.state === "retired" ? [] : deviceFindings.filter((finding) => weaknesses[finding](facts, limits, now));
