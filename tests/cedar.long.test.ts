import { test } from "node:test";
import { compare } from "./cedar.fixture.ts";

test("of fifteen thousand policies and questions, about everything but rates, Cedar says what we say", () => {
  compare(15_000, 20);
});
