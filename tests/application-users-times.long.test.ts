import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { systemClock } from "@holdfast/kernel";
import { atEnd, startTestPlatform, TestClock, type Answer } from "../apps/server/src/testing/index.ts";
import { App, freshLogin, page, password } from "./application-users.fixture.ts";
import { Authenticator, type Asked } from "./authenticator.fixture.ts";
import { Owner } from "./authority.fixture.ts";

// Whether a login is known is not heard in how long an answer takes. Both are asked in turns, so that what else the machine does meets both alike. They differ
// where their medians are apart and besides the one takes longer than the other in clearly more than half of all pairs: on a busy machine
// medians wander, and on an idle one microseconds that no network lets through decide every pair.
const clock = new TestClock(systemClock.now());
const platform = await startTestPlatform({ clock });
atEnd.after(() => platform.close());
const owner = new Owner(platform.visitor, await platform.setUp());
const app = await App.of({ visitor: platform.visitor, clock }, owner, "confirmed");
const users = "/v1/application-users";

const known = freshLogin();
const unknown = freshLogin();
await app.signUp(known);
const [user] = (await app.manage<{ items: { id: string }[] }>("GET", "")).body.items;
await app.manage("POST", `/${user?.id}/activate`);

/** A login that nobody has used, each time. */
const fresh = () => freshLogin();

const median = (times: readonly number[]): number => times.toSorted((a, b) => a - b)[times.length >> 1] ?? Number.NaN;

/** How long each of the two takes, in milliseconds. */
async function compare(
  t: TestContext,
  rounds: number,
  ask: (login: string) => Promise<() => Promise<Answer<unknown>>>,
  other = () => unknown,
): Promise<void> {
  const times = { known: new Array<number>(), unknown: new Array<number>() };
  const answers = new Set<string>();
  for (let round = -3; round < rounds; round += 1) {
    // Which comes first changes, too.
    for (const which of round % 2 === 0 ? (["known", "unknown"] as const) : (["unknown", "known"] as const)) {
      clock.move(31_000); // so that nobody takes it for guessing
      const asked = await ask(which === "known" ? known : other());
      const began = performance.now();
      const { status, text } = await asked();
      if (round >= 0) times[which].push(performance.now() - began);
      answers.add(`${status} ${text.replaceAll(/"(requestId|challenge|id)":"[^"]*"|customer-\d+/g, "").length}`);
    }
  }
  assert.equal(answers.size, 1, [...answers].join(", "));
  const [one, two] = [median(times.known), median(times.unknown)];
  // Of all pairs (Mann and Whitney's U): a half where nothing differs, with a deviation of 0.04 for 60 rounds.
  const pairs = times.known.flatMap((a) => times.unknown.map((b) => (a > b ? 1 : a === b ? 0.5 : 0)));
  const longer = pairs.reduce<number>((sum, one_) => sum + one_, 0) / pairs.length;
  const told = `known ${one.toFixed(2)} ms, unknown ${two.toFixed(2)} ms, known takes longer in ${longer.toFixed(2)} of pairs`;
  t.diagnostic(told);
  // A slow hash is a hundred times this.
  const isApart = Math.abs(one - two) > 0.5 + 0.05 * Math.max(one, two);
  assert.ok(!(isApart && Math.abs(longer - 0.5) > 0.2), told);
}

test("signing in takes as long whether the login is known", (t) =>
  compare(t, 60, async (login) => () => app.signInAs(login, "a wrong, long password")));

test("signing up takes as long whether the login is known", (t) =>
  compare(t, 60, async (login) => () => app.signUp(login, password), fresh));

test("a wrong code takes as long whether the login is known", (t) =>
  compare(t, 200, async (login) => () => {
    const code = `hfo_${"A".repeat(49)}`;
    return app.ask("POST", `${users}/password`, { login, code, password });
  }));

test("asking what a passkey is to sign takes as long whether the login is known", async (t) => {
  await compare(t, 200, async (login) => () => app.ask("POST", `${users}/passkey-sign-in/options`, { login }));
  await compare(t, 200, async (login) => () => app.ask("POST", `${users}/passkey-sign-up/options`, { login }), fresh);
});

test("signing up with a passkey takes as long whether the login is known", (t) =>
  compare(
    t,
    200,
    async (login) => {
      const asked = (await app.ask<Asked>("POST", `${users}/passkey-sign-up/options`, { login })).body;
      const answer = new Authenticator(page).make(asked);
      return () => app.ask("POST", `${users}/passkey-sign-up`, { login, answer });
    },
    fresh,
  ));
