import assert from "node:assert/strict";
import { test } from "node:test";
import pg from "pg";
import { systemClock } from "@holdfast/kernel";
import { atEnd, freshDatabase, startTestPlatform, TestClock } from "../apps/server/src/testing/index.ts";
import { App } from "./application-users.fixture.ts";
import { Owner, type Problem } from "./authority.fixture.ts";
import { SocketDevice } from "./sockets.fixture.ts";

// A phone that brings what its device sealed, while the database takes nothing: it waits for eight seconds.
test("a frame that is not kept in time is not answered, and is brought again as it is", async () => {
  const clock = new TestClock(systemClock.now());
  const database = await freshDatabase();
  const platform = await startTestPlatform({ clock, database });
  atEnd.after(() => platform.close().then(() => database.drop()));
  const owner = new Owner(platform.visitor, await platform.setUp());
  const app = await App.of({ visitor: platform.visitor, clock }, owner);
  const { user, accessToken } = await app.user();
  const device = await owner.device(app.id);
  await owner.asks.put(`/v1/devices/${device.id}/door`, { transports: ["https", "mqtts", "socket"] });
  await owner.asks.put(`/v1/devices/${device.id}/user`, { user });
  const key = await owner.asks.post<{ secret: string }>(`/v1/devices/${device.id}/keys`, { kind: "socket" });
  const end = new SocketDevice(key.secret);
  const bring = (frame: Uint8Array) =>
    app.ask<{ answer: string } & Problem>(
      "POST",
      "/v1/application-users/me/relay",
      { frame: frame.toBase64() },
      accessToken,
    );
  const first = await bring(end.frame("t=1", { wantsAnswer: true }));
  assert.equal(end.heard(Uint8Array.fromBase64(first.body.answer), 0), "kept");

  const { tls: _, ...login } = database.login;
  const holder = new pg.Client(login);
  await holder.connect();
  await holder.query("begin");
  await holder.query("lock table holdfast.log in access exclusive mode");
  const frame = end.frame("t=2", { wantsAnswer: true });
  const late = await bring(frame);
  assert.deepEqual([late.status, late.body.code], [503, "relay.unanswered"]);
  await holder.query("rollback");
  await holder.end();
  for (let tries = 0; ; tries += 1) {
    const again = await bring(frame);
    if (again.status === 200 && end.heard(Uint8Array.fromBase64(again.body.answer), 1) === "kept") break;
    assert.ok(tries < 20, JSON.stringify(again.body));
  }
});
