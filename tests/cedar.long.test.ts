import { test } from "node:test";
import { compare } from "./cedar.fixture.ts";

test("of ten thousand policies and questions, about everything but rates, Cedar says what we say", () => {
  compare(10_000, 20);
});
