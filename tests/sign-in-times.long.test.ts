import { test, type TestContext } from "node:test";
import { systemClock } from "@holdfast/kernel";
import { atEnd, startTestPlatform, TestClock } from "../apps/server/src/testing/index.ts";
import { assertAlike } from "./times.fixture.ts";

// Whether somebody has an account is not heard in how long a sign-in takes.
const clock = new TestClock(systemClock.now());
const platform = await startTestPlatform({ clock, passwordCost: undefined });
atEnd.after(() => platform.close());
const { visitor } = platform;
await platform.setUp();

const emails = { known: "owner@example.com", unknown: "other@example.com" } as const;
const longestWait = 900_000; // milliseconds
const wrong = (email: string) => ({ email, password: "not the password of anybody" });

const alike = (t: TestContext, rounds: number, path: string, pause: number) =>
  assertAlike(t, rounds, async (which) => {
    clock.move(pause);
    return () => visitor.send("POST", path, { body: wrong(emails[which]) });
  });

for (const path of ["/v1/sessions", "/v1/sign-in"])
  test(`[V6.3.8] a wrong password takes as long at ${path} whether there is such an account`, (t) =>
    alike(t, 60, path, longestWait));

test("[V6.3.8] whoever has to wait is told so as fast whether there is such an account", async (t) => {
  for (let count = 0; count < 30; count += 1)
    for (const email of Object.values(emails)) await visitor.send("POST", "/v1/sign-in", { body: wrong(email) });
  await alike(t, 200, "/v1/sessions", 0);
});
