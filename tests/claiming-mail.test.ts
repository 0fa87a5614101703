import assert from "node:assert/strict";
import { test } from "node:test";
import { atEnd } from "../apps/server/src/testing/index.ts";
import type { Thing } from "./authority.fixture.ts";
import { App, says } from "./application-users.fixture.ts";
import { Mailed } from "./mail.fixture.ts";

// What the owner of a device is told by mail, by a real mail server.
const mailed = await Mailed.start();
atEnd.after(() => mailed.close());
const { platform, clock } = mailed;
const owner = await mailed.owner();
const app = await App.of({ visitor: platform.visitor.unkept(), clock }, owner);
const day = 86_400_000;
const path = "/v1/application-users/me/claims";

test("the owner of a device is told by mail that somebody shows the code on its box, that a code was made in her name, and that it is another's", async () => {
  const [ann, bob, eve] = [await app.user(), await app.user(), await app.user("no-address")];
  const pump: Thing & { name?: string } = await owner.device(app.id);
  const { code } = await owner.asks.post<{ code: string }>(`/v1/devices/${pump.id}/claim-code`, {});
  const ask = (who: { accessToken: string }, method: string, at: string, body?: object) =>
    app.ask<{ code: string }>(method, at, body, who.accessToken);
  assert.equal((await ask(ann, "POST", path, { code })).status, 200);

  await ask(eve, "POST", "/v1/application-users/me/contests", { code: "wrong" });
  assert.equal((await ask(eve, "POST", "/v1/application-users/me/contests", { code })).status, 200);
  const told = await mailed.letterTo(ann.login, `Somebody claims your device “${pump.name}”`);
  assert.match(told, /object there/);
  assert.ok(told.includes(new Date(clock.now() + 14 * day).toISOString().slice(0, 10)), told);
  // Once for a contest, however often the code is shown.
  await ask(eve, "POST", "/v1/application-users/me/contests", { code });
  assert.equal((await ask(ann, "POST", `${path}/${pump.id}/objection`, {})).status, 200);

  const offer = await ask(ann, "POST", `${path}/${pump.id}/transfer`, {});
  assert.match(await mailed.letterTo(ann.login, `Your device “${pump.name}” is given on`), /take the code back/);
  assert.equal((await ask(bob, "POST", path, { code: offer.body.code })).status, 200);
  assert.match(
    await mailed.letterTo(ann.login, `Your device “${pump.name}” is somebody else's`),
    /stays yours to read/,
  );
  assert.ok(await mailed.hasNothingFor(ann.login));

  // Whoever signs in with what is no address has only the app's own list.
  const back = await ask(bob, "POST", `${path}/${pump.id}/transfer`, {});
  await mailed.letterTo(bob.login, `Your device “${pump.name}” is given on`);
  assert.equal((await ask(eve, "POST", path, { code: back.body.code })).status, 200);
  await mailed.letterTo(bob.login, `Your device “${pump.name}” is somebody else's`);
  assert.equal(says(await ask(eve, "POST", `${path}/${pump.id}/transfer`, {})).slice(0, 3), "200");
  assert.ok(!mailed.box.received.some(({ text }) => text.includes(code) || text.includes(offer.body.code)));
});
