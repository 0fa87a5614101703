import { test, type TestContext } from "node:test";
import { systemClock } from "@holdfast/kernel";
import { atEnd, startTestPlatform, TestClock, type Answer } from "../apps/server/src/testing/index.ts";
import { App, freshLogin, page, password } from "./application-users.fixture.ts";
import { Authenticator, type Asked } from "./authenticator.fixture.ts";
import { Owner } from "./authority.fixture.ts";
import { assertAlike } from "./times.fixture.ts";

// Whether a login is known is not heard in how long an answer takes.
const clock = new TestClock(systemClock.now());
const platform = await startTestPlatform({ clock, passwordCost: undefined });
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

/** How long each of the two takes, in milliseconds. */
const compare = (
  t: TestContext,
  rounds: number,
  ask: (login: string) => Promise<() => Promise<Answer<unknown>>>,
  other = () => unknown,
): Promise<void> =>
  assertAlike(
    t,
    rounds,
    async (which) => {
      clock.move(61_000); // so that nobody takes it for guessing
      return ask(which === "known" ? known : other());
    },
    /"(requestId|challenge|id)":"[^"]*"|customer-\d+/g,
  );

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
