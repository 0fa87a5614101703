import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Refusal, systemRandom as random, newId, type Instant } from "@holdfast/kernel";
import { acknowledge, answer, approve, asOf, cancel, isDeliverable, isOpen, send, type Command } from "./command.ts";

const device = newId("device", random);
const person = newId("person", random);
const begin = (state: "proposed" | "waiting"): Command => ({
  id: newId("command", random),
  device,
  name: "reboot",
  body: undefined,
  batch: undefined,
  by: person,
  createdAt: 0 as Instant,
  expiresAt: 100 as Instant,
  version: 1,
  state,
});

const steps: Record<string, (command: Command, now: Instant) => Command> = {
  approve: (command) => approve(command, person),
  send: (command, now) => (isDeliverable(command) ? send(command, now) : command),
  acknowledge,
  answer: (command, now) => answer(command, { result: 1 }, now),
  fail: (command, now) => answer(command, { error: "no" }, now),
  cancel,
};

test("whatever happens to a command in whatever order, it ends once, is answered once, and is never sent unapproved or late", () => {
  const step = fc.record({ name: fc.constantFrom(...Object.keys(steps)), wait: fc.integer({ min: 0, max: 40 }) });
  fc.assert(
    fc.property(fc.constantFrom("proposed", "waiting"), fc.array(step, { maxLength: 12 }), (first, taken) => {
      let command = begin(first);
      let now = 0;
      let isApproved = first === "waiting";
      for (const { name, wait } of taken) {
        now += wait;
        const before = asOf(command, now as Instant);
        let after: Command;
        try {
          after = steps[name]?.(before, now as Instant) ?? assert.fail();
        } catch (error) {
          assert.ok(error instanceof Refusal);
          continue;
        }
        isApproved ||= name === "approve";
        if (after.state === "sent") assert.ok(isApproved && after.sentAt < after.expiresAt);
        // An end stays, but for an answer that comes late of one that was sent.
        if (!isOpen(before) && after !== before) {
          assert.ok(before.state === "expired" || before.state === "cancelled");
          assert.ok("reply" in after && after.late && before.sentAt !== undefined);
        }
        if ("reply" in before) assert.equal(after, before);
        command = after;
      }
    }),
  );
});

test("a device that never got a command cannot answer it, and a second answer is another one's", () => {
  const sent = send(begin("waiting") as Extract<Command, { state: "waiting" }>, 1 as Instant);
  assert.throws(() => answer(begin("waiting"), { result: 1 }, 1 as Instant), { code: "command.notSent" });
  const cancelled = cancel(begin("waiting"), 1 as Instant);
  assert.throws(() => answer(cancelled, { result: 1 }, 2 as Instant), { code: "command.notSent" });
  const done = answer(sent, { result: { volts: 3 } }, 2 as Instant);
  assert.equal(answer(done, { result: { volts: 3 } }, 3 as Instant), done);
  assert.throws(() => answer(done, { result: { volts: 4 } }, 3 as Instant), { code: "command.answered" });
});
