import assert from "node:assert/strict";
import { test } from "node:test";
import type { Id, Instant } from "@holdfast/kernel";
import { byRank, type Organisation } from "./organisation.ts";

const made = (last: string, createdAt: number, isSimulated?: true): Organisation => ({
  id: `org_${last.padStart(32, "0")}` as Id<"org">, // formed like one
  name: last,
  createdAt: createdAt as Instant, // a number of milliseconds
  version: 1,
  isSimulated,
});

test("somebody begins in the oldest organisation that is not for show, also where two were made in the same moment", () => {
  const [show, own, later, twin] = [made("1", 5, true), made("2", 5), made("4", 6), made("3", 6)];
  assert.deepEqual(
    [later, show, twin, own].toSorted(byRank).map(({ name }) => name),
    ["2", "3", "4", "1"],
  );
});
