import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { test, type TestContext } from "node:test";
import { named, speedOf, testFiles } from "./files.ts";
import { closing, describe } from "./report.ts";
import { runAll } from "./run-all.ts";
import type { Outcome } from "./run-file.ts";

/** A repository of its own with these files. */
function repository(t: TestContext, files: Record<string, string>): string {
  const root = mkdtempSync(path.join(tmpdir(), "holdfast-runner-"));
  t.after(() => rmSync(root, { recursive: true }));
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(root, file)), { recursive: true });
    writeFileSync(path.join(root, file), text);
  }
  return root;
}

async function outcomes(root: string, more: Partial<Parameters<typeof runAll>[0]> = {}): Promise<Outcome[]> {
  const signal = new AbortController().signal;
  const files = testFiles(root);
  return runAll({ root, files, concurrency: 1, patience: 20_000, signal, say: () => undefined, ...more });
}

const start = `import assert from "node:assert/strict";\nimport { test } from "node:test";\n`;

test("a file that passes is one line and its tests are counted", async (t) => {
  const file = `${start}test("a", () => {});\ntest("b", (t) => t.test("c", () => {}));\ntest.skip("d");\n`;
  const [outcome] = await outcomes(repository(t, { "packages/p/src/a.test.ts": file }));
  assert.ok(outcome);
  assert.match(describe(outcome), /^✔ packages\/p\/src\/a\.test\.ts \(4 in [\d.]+ s\)$/);
  assert.match(closing([outcome], 12), /ℹ tests 4\nℹ suites 0\nℹ pass 3\nℹ fail 0\nℹ cancelled 0\nℹ skipped 1\n/);
});

test("a long file says what its tests found, and no other does", async (t) => {
  const file = `${start}test("a", (t) => t.test("b", (t) => t.diagnostic("12 of 13")));\n`;
  const [short, long] = await outcomes(
    repository(t, { "packages/p/src/a.test.ts": file, "packages/p/src/b.long.test.ts": file }),
  );
  assert.ok(short && long);
  assert.match(describe(short), /^✔ .*$/);
  assert.match(describe(long), /^✔ packages\/p\/src\/b\.long\.test\.ts \(2 in [\d.]+ s\)\n  12 of 13$/);
});

test("a failure is told with its name, its place and the values, and what the file wrote", async (t) => {
  const file = `${start}console.log("before");\ntest("outer", (t) => t.test("inner", () => assert.equal(1, 2)));\n`;
  const [outcome] = await outcomes(repository(t, { "packages/p/src/a.test.ts": file }));
  assert.ok(outcome);
  const said = describe(outcome);
  assert.match(said, /✖ outer > inner \(packages\/p\/src\/a\.test\.ts:4\)[^]*1 !== 2[^]*it wrote:\n\s+before/);
  assert.doesNotMatch(said, /node:internal/);
  assert.match(closing([outcome], 12), /Failed:\n✖ packages[^]*✖ outer > inner\n[^]*1 !== 2[^]*ℹ fail [1-9]/);
});

// By then Node has begun, and the test in it, however busy the machine is.
const patience = 5_000;
for (const [what, text, reason] of [
  [
    "waits for ever",
    `${start}setInterval(() => {}, 1000);\ntest("waiting", () => new Promise(() => {}));`,
    /✖ waiting\n.*killed/,
  ],
  ["leaves something open", `${start}setInterval(() => {}, 1000);\ntest("a", () => {});`, /never closed/],
] as const) {
  test(`a file that ${what} is killed and fails`, async (t) => {
    const [outcome] = await outcomes(repository(t, { "packages/p/src/a.test.ts": text }), { patience });
    assert.ok(outcome);
    assert.match(describe(outcome), reason);
    assert.match(closing([outcome], 12), /ℹ fail 1\n/);
  });
}

for (const [what, text, reason] of [
  ["cannot be loaded", `import "./gone.ts";`, /code 1 before[^]*ERR_MODULE_NOT_FOUND/],
  ["ends in the middle", `${start}test("cut", () => process.exit(0));`, /code 0 before/],
] as const) {
  test(`a file that ${what} fails`, async (t) => {
    const [outcome] = await outcomes(repository(t, { "packages/p/src/a.test.ts": text }));
    assert.ok(outcome);
    assert.match(describe(outcome), reason);
    assert.match(closing([outcome], 12), /ℹ fail 1\n/);
  });
}

test("files share a process, and each is judged by itself; where one ends it, each runs alone", async (t) => {
  const shared = {
    "packages/p/src/a.test.ts": `${start}import { pid } from "./pid.ts";\ntest("a", () => assert.equal(pid, 1));\ntest.skip("b");\n`,
    "packages/p/src/b.test.ts": `${start}import { pid } from "./pid.ts";\ntest("a", () => later(pid));\nconst later = (pid: number) => assert.equal(pid, process.pid);\n`,
    "packages/p/src/pid.ts": "export const { pid } = process;\nexport const stop = () => process.exit(0);\n",
  };
  const judged = async (files: Record<string, string>) =>
    (await outcomes(repository(t, files))).map(({ file, failures, counts }) => [
      path.basename(file, ".test.ts"),
      failures.map(({ name }) => name).join(),
      counts.passed,
      counts.skipped,
    ]);
  const both = [
    ["a", "a", 0, 1],
    ["b", "", 1, 0],
  ];
  assert.deepEqual(await judged(shared), both);
  const ending = `${start}import { stop } from "./pid.ts";\ntest("cut", () => stop());\n`;
  assert.deepEqual(await judged({ ...shared, "packages/p/src/c.test.ts": ending }), [
    ...both,
    ["c", "(the file)", 0, 0],
  ]);
});

test("what looks at its process as a whole, or starts programs, has one of its own", (t) => {
  const root = repository(t, {
    "packages/p/src/a.test.ts": start,
    "packages/p/src/b.test.ts": `${start}import { spawn } from "node:child_process";\n`,
    "packages/p/src/c.test.ts": `${start}after(() => undefined);\n`,
    "packages/p/src/d.test.ts": `${start}process.env["A"] = "b";\n`,
  });
  assert.deepEqual(
    testFiles(root).map(({ isSociable }) => isSociable),
    [true, false, false, false],
  );
});

test("a file of types alone passes without tests", async (t) => {
  const [outcome] = await outcomes(repository(t, { "packages/p/src/a.test.ts": "export const a = 1;" }));
  assert.deepEqual(outcome?.failures, []);
});

test("the cluster gives its environment to the tests of the platform alone, and is stopped", async (t) => {
  const cluster = `import { writeFileSync } from "node:fs";
    export const startCluster = async () => ({
      environment: { HOLDFAST_TEST: "cluster" },
      stop: async () => writeFileSync(new URL("stopped", import.meta.url), ""),
    });`;
  const expecting = (value: string | undefined) =>
    `${start}test("a", () => assert.equal(process.env.HOLDFAST_TEST, ${JSON.stringify(value)}));`;
  const root = repository(t, {
    "apps/server/src/testing/cluster.ts": cluster,
    "packages/p/src/a.test.ts": expecting(undefined),
    "tests/b.test.ts": expecting("cluster"),
  });
  const all = await outcomes(root);
  assert.deepEqual(
    all.map(({ file, failures }) => [file, failures]),
    [
      ["packages/p/src/a.test.ts", []],
      ["tests/b.test.ts", []],
    ],
  );
  assert.ok(existsSync(path.join(root, "apps/server/src/testing/stopped")));
});

test("what a file needs is known from its place and its imports", () => {
  assert.equal(speedOf("packages/mqtt/src/a.test.ts", `import "node:net";`), "fast");
  assert.equal(speedOf("apps/server/src/registry/a.test.ts", `import { a } from "./a.ts";`), "fast");
  assert.equal(speedOf("apps/server/src/tls/a.test.ts", `import tls from "node:tls";`), "platform");
  assert.equal(speedOf("apps/server/src/tls/a.test.ts", `import { db } from "../testing/index.ts";`), "platform");
  assert.equal(speedOf("tests/a.test.ts", ""), "platform");
  assert.equal(speedOf("tests/a.long.test.ts", ""), "long");
  assert.equal(speedOf("tests/sign-in-times.long.test.ts", ""), "measuring");
});

test("paths choose files and folders; a long file is chosen by its own name alone", (t) => {
  const root = repository(t, { "tests/a.test.ts": "", "tests/b.long.test.ts": "", "packages/p/src/c.test.ts": "" });
  const chosen = (...paths: string[]) => named(testFiles(root), root, paths).map(({ file }) => file);
  assert.deepEqual(chosen("tests"), ["tests/a.test.ts"]);
  assert.deepEqual(chosen("tests/b.long.test.ts"), ["tests/b.long.test.ts"]);
  assert.deepEqual(chosen("."), ["tests/a.test.ts", "packages/p/src/c.test.ts"]);
  assert.throws(() => chosen("nowhere"), /no test file at nowhere/);
});
