import { test } from "node:test";
import { killUnderErasure } from "./faults/erasure-kills.ts";
import { placesOfErasure } from "./faults/places.ts";

test("the server is killed at each stage of an erasure, and the next start ends it", async (t) => {
  await killUnderErasure(t, placesOfErasure);
});
