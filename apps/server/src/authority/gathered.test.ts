import assert from "node:assert/strict";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { newId, type Instant } from "@holdfast/kernel";
import type { Question } from "./decisions.ts";
import { Gathered } from "./gathered.ts";
import { counted as random } from "./space.fixture.ts";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;
const monday = Date.parse("2026-06-01T00:00:00Z") as Instant;
const hour = 3_600_000;
const [granted, refused] = [
  { allowed: true, clause: "granted" },
  { allowed: false, clause: "grant" },
];

function questionOf(): Question {
  const device = newId("device", random);
  return {
    credential: newId("key", random),
    action: "telemetry.write",
    about: device,
    device,
    came: { place: "10.1.2.0/24", transport: "mqtts", tls: "TLSv1.3", proof: "secret", origin: undefined },
  };
}

test("the same question of all days and of both answers is one, from the hour on that was asked for", () => {
  const gathered = new Gathered((monday + 2 * hour) as Instant); // milliseconds both
  const [question, before] = [questionOf(), questionOf()];
  gathered.add({ day: monday, hours: [1, 2, 3, 0, 4], question, answered: granted });
  gathered.add({ day: monday, hours: [0, 0, 5], question: { ...question }, answered: refused });
  gathered.add({ day: (monday + 24 * hour) as Instant, hours: [6], question, answered: granted });
  gathered.add({ day: monday, hours: [7], question: before, answered: granted });
  gathered.add({ day: monday, hours: [8, 0, 9], question: undefined });
  assert.deepEqual(
    [...gathered.questions()],
    [
      {
        question,
        hours: new Map([
          [monday + 2 * hour, { yes: 3, no: 5 }],
          [monday + 4 * hour, { yes: 4, no: 0 }],
          [monday + 24 * hour, { yes: 6, no: 0 }],
        ]),
      },
    ],
  );
  assert.equal(gathered.notCovered, 9);
});

test("what a fleet was asked in every hour of many days takes a few hundred bytes for each day and question", () => {
  const gathered = new Gathered(monday);
  const questions = Array.from({ length: 1_000 }, questionOf);
  const days = 30;
  collect();
  const before = process.memoryUsage().heapUsed;
  for (let day = 0; day < days; day += 1)
    for (const question of questions) {
      const hours = Array.from({ length: 24 }, (_, at) => at + 1);
      gathered.add({ day: (monday + day * 24 * hour) as Instant, hours, question, answered: granted });
    }
  collect();
  const bytes = (process.memoryUsage().heapUsed - before) / (days * questions.length);
  assert.ok(bytes < 600, `${Math.round(bytes)} bytes`);
  assert.equal([...gathered.questions()].length, questions.length);
});
