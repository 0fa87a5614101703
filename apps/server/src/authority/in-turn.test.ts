import assert from "node:assert/strict";
import { test } from "node:test";
import { newId, Refusal, systemRandom, uuidOf, type Id } from "@holdfast/kernel";
import { inTurn } from "./in-turn.ts";
import type { Space } from "./space.ts";

const [erased, broken, good, last] = Array.from({ length: 4 }, () => newId("org", systemRandom));
const rows = [erased, broken, good, last].map((org) => ({ org: uuidOf(org ?? assert.fail()) }));
const spaces = {
  async of(org: Id<"org">): Promise<Space> {
    if (org === erased) throw new Refusal("org.unknown");
    return { org } as Space; // all that the work below looks at
  },
};

test("each organisation has its turn, whatever becomes of another; who is erased is passed over, and the first failure is told", async () => {
  const had: string[] = [];
  const work = async ({ org }: Space) => {
    if (org === broken) throw new Refusal("seal.broken");
    had.push(org);
  };
  await assert.rejects(inTurn(spaces, rows, work), { code: "seal.broken" });
  assert.deepEqual(had, [good, last]);
  await inTurn(spaces, rows.slice(0, 1), work);
});
