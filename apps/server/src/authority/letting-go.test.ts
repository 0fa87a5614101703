import { test } from "node:test";
import { signInAndOut } from "./letting-go.fixture.ts";

test("three hundred sign-ins and sign-outs leave nothing in memory, nor in the journal, once those sessions would have been over", (t) =>
  signInAndOut(t, 300));
