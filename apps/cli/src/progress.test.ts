import assert from "node:assert/strict";
import { test } from "node:test";
import { Progress } from "./progress.ts";
import { Screen } from "./testing/world.ts";

test("what takes over a second is said, on a terminal with the seconds and taken back at the end", async (t) => {
  t.mock.timers.enable({ apis: ["setInterval"] });
  for (const [isTTY, expected] of [
    [true, "\r\u001b[KReading 1 … 1 s \r\u001b[KReading 2 … 2 s \r\u001b[K"],
    [false, "Reading 1 …\n"],
  ] as const) {
    const screen = new Screen(isTTY);
    const work = Promise.withResolvers<string>();
    let count = 0;
    const progress = new Progress(screen, "people");
    const done = progress.during(() => `Reading ${(count += 1)}`, work.promise);
    t.mock.timers.tick(999);
    assert.equal(screen.text, "");
    t.mock.timers.tick(1_001);
    work.resolve("read");
    assert.equal(await done, "read");
    assert.equal(screen.text, expected);
  }
});

test("programs are left alone, and what goes on inside of something longer is its own", async (t) => {
  t.mock.timers.enable({ apis: ["setInterval"] });
  const quiet = new Screen(false);
  const work = Promise.withResolvers<void>();
  const done = new Progress(quiet, "programs").during(() => "Waiting", work.promise);
  const screen = new Screen(false);
  const progress = new Progress(screen, "people");
  const inside = progress.during(
    () => "Reading",
    progress.during(() => "Waiting", work.promise),
  );
  t.mock.timers.tick(3_000);
  work.resolve();
  await Promise.all([done, inside]);
  assert.equal(quiet.text, "");
  assert.equal(screen.text, "Waiting …\n");
});
