import assert from "node:assert/strict";
import { test } from "node:test";
import { newId, systemRandom, type Instant } from "@holdfast/kernel";
import { enabled, mostFailing, newWebhookSecret, pauseAfter, signed, tried, type Webhook } from "./webhook.ts";

const noon = Date.UTC(2026, 0, 1, 12) as Instant;
const later = (milliseconds: number) => (noon + milliseconds) as Instant;
const hook: Webhook = {
  id: newId("webhook", systemRandom),
  name: "Desk",
  url: "https://desk.example/alerts",
  secret: newWebhookSecret(systemRandom),
  createdAt: noon,
  version: 1,
};

test("a message is signed as the vector of Standard Webhooks has it", () => {
  const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
  const at = 1_614_265_330_000 as Instant;
  assert.deepEqual(signed(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", at, '{"test": 2432232314}'), {
    "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
    "webhook-timestamp": "1614265330",
    "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
  });
});

test("a new secret has 256 bits, and no two are alike", () => {
  const secrets = Array.from({ length: 100 }, () => newWebhookSecret(systemRandom));
  assert.equal(new Set(secrets).size, 100);
  for (const secret of secrets) assert.match(secret, /^whsec_[A-Za-z0-9+/]{43}=$/);
});

test("pauses grow from seconds to hours, and stay there", () => {
  const all = Array.from({ length: 12 }, (_, failures) => pauseAfter(failures + 1));
  assert.deepEqual([all[0], all[11]], [5_000, 36_000_000]);
  assert.ok(all.every((pause, at) => pause >= (all[at - 1] ?? 0)));
});

test("whoever takes nothing for three days is disabled, whoever says that it is gone at once, and a taken message forgives", () => {
  const first = tried(hook, "503", false, noon);
  assert.deepEqual([first.failing, first.disabledAt], [{ since: noon, problem: "503" }, undefined]);
  assert.equal(tried(first, "503", false, later(mostFailing - 1)).disabledAt, undefined);
  const over = tried(first, "404", false, later(mostFailing));
  assert.deepEqual([over.failing?.since, over.disabledAt], [noon, later(mostFailing)]);
  assert.equal(tried(hook, "410", true, noon).disabledAt, noon);
  assert.equal(tried(first, undefined, false, later(5)).failing, undefined);
  assert.deepEqual([enabled(over).failing, enabled(over).disabledAt], [undefined, undefined]);
});
