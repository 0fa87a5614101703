import assert from "node:assert/strict";
import path from "node:path";
import { test, type TestContext } from "node:test";
import { churn, type Moment } from "../bench/churn/churn.ts";
import { growthOf, sayGrowth, type Growth } from "../bench/churn/growth.ts";
import { openBroker, openPlatform, type Place } from "../bench/churn/places.ts";

// Clients come, talk and vanish in every way for five and a half minutes, and the server may not remember them: with 99 % confidence it grows by less than
// this for each. What is measured is what is reachable. That this can fail is shown by a broker that is made to keep 200 bytes of each.
const mostOfBroker = 100;
/** It grew by 44 (35 to 53) while it kept an empty list of timers of every fourth client. */
const mostOfPlatform = 50;
const leak = ["--import", path.join(import.meta.dirname, "../bench/churn/leak.fixture.ts")];

async function measured(t: TestContext, name: string, open: () => Promise<Place>): Promise<Growth> {
  const place = await open();
  try {
    const moments: Moment[] = [];
    for await (const moment of churn(place, { seconds: 330, rate: 100, every: 9, seed: 1 })) moments.push(moment);
    const growth = growthOf(moments, "live");
    t.diagnostic(`${name}, ${moments.at(-1)?.visits} visits: ${sayGrowth(growth)}`);
    return growth;
  } finally {
    await place.stop();
  }
}

test("broker and platform forget every client that is gone, and a broker that keeps 200 bytes of each is found out", async (t) => {
  const [sound, leaking, platform] = await Promise.all([
    measured(t, "the broker", openBroker),
    measured(t, "one that leaks", () => openBroker(leak)),
    measured(t, "the platform", openPlatform),
  ]);
  assert.ok(leaking.each > mostOfBroker, `the one that keeps them grew by ${sayGrowth(leaking)}`);
  assert.ok(sound.atMost < mostOfBroker, sayGrowth(sound));
  assert.ok(platform.atMost < mostOfPlatform, sayGrowth(platform));
});
