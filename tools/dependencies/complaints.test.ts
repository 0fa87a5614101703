import assert from "node:assert/strict";
import { test } from "node:test";
import type { Locked } from "../lockfile/locked.ts";
import { complaintsAbout, type Manifest } from "./complaints.ts";
import { rowsOf } from "./table.ts";

const server: Manifest = { folder: "apps/server", dependencies: { pg: "8.23.1", "@holdfast/kernel": "0.1.0" } };
const locked: Locked = { "node_modules/pg": { version: "8.23.1", license: "MIT", dependencies: { "pg-pool": "1" } } };
const page = "| package | version |\n| --- | --- |\n| `pg` | 8.23.1 | 2026-09-30 | MIT | 1 | no | PostgreSQL |\n";

const complaints = (manifest: Manifest, lock: Locked, markdown: string) =>
  complaintsAbout([manifest], lock, rowsOf(markdown));

test("a dependency with a true line is well", () => {
  assert.deepEqual(complaints(server, locked, page), []);
});

test("a dependency without a line, and a line without a dependency, are named", () => {
  assert.match(complaints(server, locked, "").join(), /^pg \(apps\/server\/package\.json\) has no line/);
  const more = `${page}| \`left-pad\`, \`right-pad\` | 1.0.0 | 2020-01-01 | MIT | 0 | no | |\n`;
  assert.equal(complaints(server, locked, more).length, 2);
});

test("a line that is no longer true is named", () => {
  const older = page.replace("8.23.1", "8.22.0").replace("MIT", "ISC").replace("2026-09-30", "lately");
  assert.deepEqual(complaints(server, locked, older), [
    "docs/dependencies.md gives pg the version 8.22.0; it is 8.23.1",
    "docs/dependencies.md gives pg the licence ISC; it is MIT",
    "docs/dependencies.md does not say when pg was released",
  ]);
});

test("a range of versions is refused", () => {
  const loose = { ...server, dependencies: { pg: "^8.23.1" } };
  assert.match(complaints(loose, locked, page.replace("8.23.1", "^8.23.1")).join(), /name one version/);
});

test("an install script anywhere below must be accounted for", () => {
  const deep = { ...locked, "node_modules/pg/node_modules/native": { hasInstallScript: true } };
  assert.match(complaints(server, deep, page).join(), /pg\/node_modules\/native wants to run a script/);
});
