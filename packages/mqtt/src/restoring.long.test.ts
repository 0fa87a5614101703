import assert from "node:assert/strict";
import { fork } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { test, type TestContext } from "node:test";

// A space comes back beside others that are in service. Noise only ever adds: the best of some attempts is ours, and one that is good is enough.
const attempts = 8;
const mostMilliseconds = 20;
/** Where the machine is slow at making room in a table alone, a turn has as many times as long. */
const timesTheFloor = 2;

async function comesBack(t: TestContext, what: string, expected: { topics: number; queued: number }): Promise<void> {
  const longestTurns: number[] = [];
  const floors: number[] = [];
  const most: number[] = [];
  const isGood = () =>
    Math.min(...most) < mostMilliseconds &&
    longestTurns.some((one, at) => one < Math.max(mostMilliseconds, timesTheFloor * floors[at]!));
  for (let attempt = 0; attempt < attempts && !isGood(); attempt++) {
    const [{ longest, p99, floor, ...counted }] = await once(
      fork(path.join(import.meta.dirname, "restoring.fixture.ts"), [what]),
      "message",
    );
    assert.deepEqual(counted, expected);
    longestTurns.push(longest);
    floors.push(floor);
    most.push(p99);
  }
  const said = (times: readonly number[]) => times.map((one) => one.toFixed(1)).join(", ");
  t.diagnostic(
    `p99 of the turns ${said(most)} ms; the longest, but for what V8 collected in it, ${said(longestTurns)} ms; the machine itself ${said(floors)} ms`,
  );
  assert.ok(isGood(), `${said(most)}; ${said(longestTurns)}`);
}

test("a space with 100,000 retained messages comes back without holding anybody up", (t) =>
  comesBack(t, "retained", { topics: 100_000, queued: 0 }));

test("a space with 10,000 sessions, each with 20 messages, comes back without holding anybody up", (t) =>
  comesBack(t, "owed", { topics: 0, queued: 200_000 }));
