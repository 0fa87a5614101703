import type { Counts } from "./events.ts";
import type { Outcome } from "./run-file.ts";

/** One line for a file that passed, and what it noted where it ran for long; for one that did not, what failed, why, and what the file wrote. */
export function describe(outcome: Outcome): string {
  const { file, failures, counts, seconds, output, notes } = outcome;
  const noted = file.endsWith(".long.test.ts") ? notes.map((note) => `  ${note}`) : [];
  if (failures.length === 0) return [`✔ ${file} (${counts.tests} in ${seconds.toFixed(1)} s)`, ...noted].join("\n");
  const told = failures.map(
    ({ name, line, error }) => `  ✖ ${name}${line ? ` (${file}:${line})` : ""}\n${indent(error)}`,
  );
  const wrote = output.trim() === "" ? [] : [`  it wrote:\n${indent(lastLines(output, 60))}`];
  return [`✖ ${file} (${seconds.toFixed(1)} s)`, ...noted, ...told, ...wrote].join("\n");
}

/** The slowest files, once more what failed, and the closing lines of node's own test runner: CI reads those. */
export function closing(outcomes: Outcome[], milliseconds: number): string {
  const slowest = outcomes.toSorted((a, b) => b.seconds - a.seconds).slice(0, 5);
  const failed = outcomes.filter(({ failures }) => failures.length > 0);
  return [
    "",
    ...slowest.map(({ file, seconds }) => `${seconds.toFixed(1).padStart(7)} s  ${file}`),
    "",
    ...(failed.length > 0 ? ["Failed:"] : []),
    ...failed.flatMap(({ file, failures }) => [
      `✖ ${file}`,
      ...failures.map(({ name, error }) => `  ✖ ${name}\n${indent(firstLines(error, 15))}`),
    ]),
    ...summary(total(outcomes.map(({ counts }) => counts)), milliseconds),
  ].join("\n");
}

function total(all: Counts[]): Counts {
  const sum: Counts = { tests: 0, suites: 0, passed: 0, failed: 0, cancelled: 0, skipped: 0, todo: 0 };
  for (const counts of all) {
    sum.tests += counts.tests;
    sum.suites += counts.suites;
    sum.passed += counts.passed;
    sum.failed += counts.failed;
    sum.cancelled += counts.cancelled;
    sum.skipped += counts.skipped;
    sum.todo += counts.todo;
  }
  return sum;
}

function summary(counts: Counts, milliseconds: number): string[] {
  return [
    `ℹ tests ${counts.tests}`,
    `ℹ suites ${counts.suites}`,
    `ℹ pass ${counts.passed}`,
    `ℹ fail ${counts.failed}`,
    `ℹ cancelled ${counts.cancelled}`,
    `ℹ skipped ${counts.skipped}`,
    `ℹ todo ${counts.todo}`,
    `ℹ duration_ms ${milliseconds.toFixed(0)}`,
  ];
}

function indent(text: string): string {
  return text.replace(/^/gm, "    ").trimEnd();
}

function lastLines(text: string, count: number): string {
  const lines = text.trimEnd().split("\n");
  return lines.length > count ? ["…", ...lines.slice(-count)].join("\n") : lines.join("\n");
}

function firstLines(text: string, count: number): string {
  return text
    .split("\n", count)
    .map((line) => line.slice(0, 300))
    .join("\n");
}
