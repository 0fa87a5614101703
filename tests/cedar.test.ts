import { test } from "node:test";
import { compare } from "./cedar.fixture.ts";

test("of five hundred policies and questions about grants, doors and lists Cedar says what we say", () => {
  compare(500, 0);
});
