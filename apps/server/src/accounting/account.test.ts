import assert from "node:assert/strict";
import { test } from "node:test";
import { newId } from "@holdfast/kernel";
import { counted as random, credentialOf, spaceOf } from "../authority/space.fixture.ts";
import { TestClock } from "../testing/index.ts";
import { Account } from "./account.ts";

test("who was let in counts until the connection stands, or ten seconds went by; a client that comes again counts once", () => {
  const clock = new TestClock();
  const account = new Account({ space: spaceOf(newId("org", random)), clock, random });
  account.isKnown = true;
  account.plan = { name: "small", quotas: { connections: 2 } };
  const holder = credentialOf();
  const origin = (client: string) => ({ address: "127.0.0.1", transport: "mqtts" as const, client });
  const counters = { bytesIn: 0, bytesOut: 0, messagesIn: 0, messagesOut: 0 };
  const comes = (client: string) => account.admitConnection("mqtt", holder, client);
  const isFull = (client: string) => assert.throws(() => comes(client), { code: "quota.exceeded" });

  comes("a");
  comes("a");
  const b = comes("b");
  isFull("c");
  const line = account.begin("mqtt", holder, origin("b"), counters, b);
  isFull("c");
  clock.move(10_001);
  const c = comes("c");
  assert.ok(c, "nobody waits for the one that never came");
  isFull("d");
  assert.equal(comes("b"), undefined, "in the place of its own");
  account.begin("mqtt", holder, origin("c"), counters, c);
  account.end(line, "goodbye");
  assert.ok(comes("d"));
});
