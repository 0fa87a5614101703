import assert from "node:assert/strict";
import { test } from "node:test";
import { newId, Refusal, systemRandom, type Id, type Instant } from "@holdfast/kernel";
import fc from "fast-check";
import * as nouns from "./claim.ts";
import { ownerOf, untouched, waitingTime, type Claim } from "./claim.ts";

type User = Id<"user">;
type Act =
  | "print"
  | "claim"
  | "takeOver"
  | "contest"
  | "object"
  | "transfer"
  | "transferTo"
  | "keep"
  | "release"
  | "bind"
  | "wait";

const people = [0, 1].map(() => newId("user", systemRandom));
/** Sees everything that is answered, and has no box and nobody's leave. */
const thief = newId("user", systemRandom);

/** What a history knows beside the claim itself: written from the promise, not from the code. */
type Known = {
  now: number;
  /** Who saw a box, and so the code on it, since it was printed. */
  readonly saw: Set<User>;
  /** Whether there is a code on the box to which no owner objected. */
  isGood: boolean;
  /** Whom the owner let have it, since she last took that back. */
  let: { readonly by: User; readonly to: User | undefined; readonly until: number } | undefined;
  /** Since when whoever saw the box waits, without an objection. */
  waits: { readonly who: User; readonly since: number } | undefined;
};

type Step = { readonly act: Act; readonly who: number; readonly other: number; readonly wait: number };

const step: fc.Arbitrary<Step> = fc.record({
  act: fc.constantFrom<Act>(
    "print",
    "claim",
    "claim",
    "takeOver",
    "takeOver",
    "contest",
    "contest",
    "object",
    "transfer",
    "transferTo",
    "keep",
    "release",
    "bind",
    "wait",
    "wait",
  ),
  who: fc.nat(2),
  other: fc.nat(2),
  wait: fc.constantFrom(1, nouns.transferLifetime, waitingTime - 1, waitingTime, waitingTime),
});

/** A single step, or somebody who shows the box, waits and comes back: by chance alone that is seldom. */
const some: fc.Arbitrary<readonly Step[]> = fc.oneof(
  { weight: 9, arbitrary: step.map((one) => [one]) },
  {
    weight: 1,
    arbitrary: fc.tuple(step, fc.constantFrom(waitingTime - 1, waitingTime)).map(([one, wait]) => [
      { ...one, act: "contest" as const },
      { ...one, act: "wait" as const, wait },
      { ...one, act: "claim" as const },
    ]),
  },
);

test("in ten thousand histories nobody gets a device but by its owner's leave, the organisation's, or the code on the box, and then no sooner than its owner could object", () => {
  const got = { box: 0, leave: 0, waited: 0, refused: 0 };
  fc.assert(
    fc.property(fc.array(some, { minLength: 20, maxLength: 60, size: "max" }), (steps) => {
      let claim: Claim = untouched;
      const known: Known = { now: 1_000, saw: new Set(), isGood: false, let: undefined, waits: undefined };
      for (const one of steps.flat()) claim = took(claim, one, known, got);
    }),
    { numRuns: 10_000 },
  );
  for (const [how, often] of Object.entries(got)) assert.ok(often > 200, `${how}: ${often}`);
});

function took(before: Claim, { act, who: at, other, wait }: Step, known: Known, got: Record<string, number>): Claim {
  const who = people[at] ?? thief;
  const to = people[other];
  const now = known.now as Instant; // of the test's own clock
  const owner = ownerOf(before);
  const owned = owner !== undefined && owner === who;
  const attempt = (next: () => Claim): Claim | undefined => {
    try {
      return next();
    } catch (error) {
      assert.ok(error instanceof Refusal);
      got["refused"] = (got["refused"] ?? 0) + 1;
      return undefined;
    }
  };
  const count = (how: string) => void (got[how] = (got[how] ?? 0) + 1);
  switch (act) {
    case "wait":
      known.now += wait;
      return before;
    case "print": {
      known.saw.clear();
      known.isGood = true;
      known.waits = undefined;
      for (const one of [people[at], to]) if (one) known.saw.add(one);
      return nouns.withPrinted(before, undefined);
    }
    case "bind": {
      // The organisation itself: whatever was under way under the owner before is over.
      const next = nouns.ownedBy(before, to);
      if (ownerOf(next) !== owner) known.let = known.waits = undefined;
      return next;
    }
    case "claim": {
      if (!known.saw.has(who)) return before; // no code, no call: what he guesses is 95 bits away
      const next = attempt(() => nouns.claimPrinted(before, who, now));
      if (!next) return before;
      assert.equal(ownerOf(next), who);
      assert.notEqual(who, thief);
      if (owner === undefined) count("box");
      else {
        assert.equal(known.waits?.who, who);
        assert.ok(now - (known.waits?.since ?? now) >= waitingTime);
        count("waited");
      }
      known.let = known.waits = undefined;
      return next;
    }
    case "takeOver": {
      const next = attempt(() => nouns.claimTransferred(before, who, now));
      if (!next) return before;
      assert.ok(known.let && known.let.by === owner && now < known.let.until);
      assert.ok(known.let.to === undefined || known.let.to === who);
      assert.equal(ownerOf(next), who);
      count("leave");
      known.let = known.waits = undefined;
      return next;
    }
    case "contest": {
      if (!known.saw.has(who)) return before;
      const next = nouns.contest(before, who, now);
      assert.equal(ownerOf(next), owner);
      // Whoever has the box is kept from asking for it by what its owner has open, and not by what is over.
      const isOffered = known.let !== undefined && now < known.let.until;
      const may = known.isGood && owner !== undefined && !owned && !isOffered && !known.waits;
      assert.equal(next !== before, may);
      if (next !== before) known.waits = { who, since: now };
      return next;
    }
    case "object": {
      const next = attempt(() => nouns.object(before, who));
      if (!next) return before;
      assert.ok(owned);
      known.waits = undefined;
      known.isGood = false;
      assert.throws(() => nouns.claimPrinted(next, known.saw.values().next().value ?? who, now));
      return next;
    }
    case "transfer":
    case "transferTo": {
      const named = act === "transfer" ? undefined : (to ?? null);
      const next = attempt(() => nouns.transfer(before, who, named, now));
      if (!next) return before;
      assert.ok(owned);
      known.let = { by: who, to: to && act === "transferTo" ? to : undefined, until: now + nouns.transferLifetime };
      return next;
    }
    case "keep": {
      const next = attempt(() => nouns.keep(before, who));
      if (!next) return before;
      assert.ok(owned);
      known.let = undefined;
      return next;
    }
    case "release": {
      const next = attempt(() => nouns.release(before, who));
      if (!next) return before;
      assert.ok(owned);
      assert.equal(ownerOf(next), undefined);
      known.let = known.waits = undefined;
      return next;
    }
  }
}
