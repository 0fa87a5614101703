import assert from "node:assert/strict";
import { test } from "node:test";
import { newId, systemRandom, type Instant } from "@holdfast/kernel";
import { found, lapsesAt, newsOf, notFound, unanswered, type Domain } from "./domain.ts";

const day = 24 * 3_600_000;
const at = (days: number): Instant => (1_800_000_000_000 + days * day) as Instant;
const provider = newId("provider", systemRandom);
const proved = found({ domain: "house.example", provider, token: "t", proof: undefined, dueAt: at(0) }, at(0));

test("no silence of the DNS takes a domain away, however long, and no answers of a single day do", () => {
  let domain: Domain = proved;
  for (let days = 1; days < 60; days += 1) domain = unanswered(domain, at(days));
  assert.deepEqual([domain.proof, lapsesAt(domain)], [proved.proof, undefined]);
  domain = notFound(domain, at(60));
  assert.equal(newsOf(proved, domain), "domain.missing");
  for (let looks = 0; looks < 20; looks += 1) domain = notFound(domain, at(60 + looks / 24)); // somebody presses the button
  for (let days = 61; days < 90; days += 1) domain = unanswered(domain, at(days));
  domain = notFound(domain, at(90));
  assert.ok(domain.proof, "an answer lacked it on two days of thirty");
  for (const days of [91, 92]) domain = notFound(domain, at(days));
  assert.equal(domain.proof, undefined, "on four, over more than seven");
});

test("answers that lack the record on each of seven days take a domain away, and one that has it begins anew", () => {
  let domain: Domain = proved;
  for (let days = 1; days <= 7; days += 1) domain = notFound(domain, at(days));
  assert.ok(domain.proof);
  assert.equal(lapsesAt(domain), at(8));
  assert.equal(lapsesAt(found(domain, at(8))), undefined);
  assert.equal(newsOf(domain, notFound(domain, at(8))), "domain.lapsed");
});
