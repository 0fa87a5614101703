import assert from "node:assert/strict";
import { test } from "node:test";
import { nameOfProgram, programOf } from "./program.ts";

const named = (agent: string) => nameOfProgram(programOf(agent));

test("what a browser calls itself is told in two words, and what is not known is not guessed", () => {
  const mozilla = "Mozilla/5.0";
  const chrome = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/128.0.0.0 Safari/537.36";
  assert.equal(named(`${mozilla} (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0`), "Firefox on Linux");
  assert.equal(named(`${mozilla} (Windows NT 10.0; Win64; x64) ${chrome}`), "Chrome on Windows");
  assert.equal(named(`${mozilla} (Windows NT 10.0; Win64; x64) ${chrome} Edg/128.0.0.0`), "Edge on Windows");
  assert.equal(
    named(`${mozilla} (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 Version/17.5 Safari/604.1`),
    "Safari on iOS",
  );
  assert.equal(
    named(`${mozilla} (Linux; Android 14) ${chrome.replace(" Safari", " Mobile Safari")}`),
    "Chrome on Android",
  );
  assert.equal(named("curl/8.9.1"), "curl");
  assert.equal(named(""), "an unknown program");
  assert.equal(named("x".repeat(512)), "an unknown program");
});
