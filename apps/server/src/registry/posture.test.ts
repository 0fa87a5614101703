import assert from "node:assert/strict";
import { test } from "node:test";
import type { Instant } from "@holdfast/kernel";
import { deviceFindings, findingTexts, type DeviceFinding, type Door } from "@holdfast/protocol";
import { levelOf, type DeviceKey } from "../authority/index.ts";
import { findingsOf, type Facts } from "./posture.ts";

const day = 86_400_000;
const now = (1_000 * day) as Instant;
const ago = (milliseconds: number) => (now - milliseconds) as Instant;
const limits = { oldAfterDays: 365, endingWithinDays: 30 };

const doorsOf = (...doors: Door[]) =>
  doors.flatMap((door) => levelOf("dev_00000000000000000000000000000001" as never, door) ?? []);
const key = (more: Partial<DeviceKey> = {}): DeviceKey => ({
  madeAt: ago(day),
  issued: undefined,
  isShared: false,
  ...more,
});
const issued = (from: number, until: number) => ({ by: "cau_1" as never, from: ago(from), notAfter: ago(-until) });
const tls = { version: "TLSv1.3", group: "X25519MLKEM768", isHybrid: true } as const;
/** Nothing is found of it. */
const sound: Facts = {
  state: "active",
  doors: doorsOf({ transports: ["mqtts"] }),
  presence: { state: "online", since: ago(day), lastSeenAt: now, tls },
  keys: [key()],
  listens: false,
};
const foundOf = (more: Partial<Facts>) => findingsOf({ ...sound, ...more }, limits, now);
const come = (more: object): Facts["presence"] => ({ ...sound.presence, ...more });

test("each finding follows from its facts and from no others, at its very limit", () => {
  const cases: readonly (readonly [Partial<Facts>, ...DeviceFinding[]])[] = [
    [{}],
    [{ doors: doorsOf({ transports: ["socket"], socket: "plain" }) }, "plain"],
    [{ doors: doorsOf({ transports: ["socket"], socket: "plain" }, { socket: "signed" }) }],
    [{ doors: [] }, "defaultDoor"],
    [{ keys: [key(), key({ isShared: true })] }, "shared"],
    [{ presence: come({ isTwice: true }) }, "shared"],
    [{ presence: come({ contestedAt: ago(day - 1) }) }, "shared"],
    [{ presence: come({ contestedAt: ago(day) }) }],
    [{ presence: come({ contestedAt: ago(2) }), keys: [key({ madeAt: ago(1) })] }],
    [{ presence: come({ contestedAt: ago(2) }), keys: [] }],
    [{ listens: true }, "listening"],
    [{ presence: come({ tls: { version: "TLSv1.2", group: "X25519", isHybrid: false } }) }, "oldTls"],
    [{ presence: come({ tls: { ...tls, group: "X25519", isHybrid: false } }) }, "classical"],
    [{ presence: come({ tls: { version: "TLSv1.3", group: undefined, isHybrid: false } }) }],
    [{ presence: come({ tls: undefined }) }],
    [{ keys: [key({ issued: issued(60 * day, 30 * day) })] }, "certificateEnding"],
    [{ keys: [key({ issued: issued(60 * day, 30 * day + 1) })] }],
    [{ keys: [key({ issued: issued(20 * day, 10 * day) })] }, "certificateEnding"],
    [{ keys: [key({ issued: issued(20 * day, 10 * day + 2) })] }],
    [{ keys: [key({ issued: issued(80 * day, day) }), key({ issued: issued(day, 89 * day) })] }],
    [{ keys: [key(), key({ issued: issued(80 * day, day) })] }, "certificateEnding"],
    [{ keys: [key({ madeAt: ago(365 * day) })] }, "oldSecret"],
    [{ keys: [key({ madeAt: ago(365 * day - 1) })] }],
    [{ presence: come({ trouble: { state: "silent", since: now } }) }, "silent"],
    [{ presence: come({ trouble: { state: "flapping", since: now } }) }],
    [{ presence: { state: "never", lastSeenAt: undefined } }, "neverSeen"],
    [{ presence: { state: "never", lastSeenAt: now } }],
  ];
  for (const [more, ...expected] of cases) assert.deepEqual(foundOf(more), expected, JSON.stringify(more));
});

test("several are told the worst first, of what is suspended too, and of what is retired none", () => {
  const weak = { doors: [], listens: true, keys: [key({ isShared: true, madeAt: ago(400 * day) })] };
  const expected = ["shared", "listening", "oldSecret", "defaultDoor"];
  assert.deepEqual(foundOf(weak), expected);
  assert.deepEqual(foundOf({ ...weak, state: "suspended" }), expected);
  assert.deepEqual(foundOf({ ...weak, state: "retired" }), []);
});

test("each has a sentence, and says by which command or on which page it is mended", () => {
  for (const finding of deviceFindings) {
    const { says, fix } = findingTexts[finding];
    assert.match(says, /^[A-Z].*\.$/);
    if (finding !== "classical") assert.match(fix, /holdfast \w+ [\w-]+/, finding);
  }
});
