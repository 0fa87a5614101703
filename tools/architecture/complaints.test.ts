import assert from "node:assert/strict";
import { test } from "node:test";
import { complaintsAbout } from "./complaints.ts";

/** A tree with the named files, and an empty `index.ts` for everything that they may want to import. */
function tree(files: Record<string, string>): Map<string, string> {
  const subjects = ["registry", "identity", "storage", "authority", "listeners", "outbound"];
  const packages = ["kernel", "protocol", "crypto", "mqtt", "client"];
  const indexes = [
    ...subjects.map((name) => `apps/server/src/${name}/index.ts`),
    ...packages.map((name) => `packages/${name}/src/index.ts`),
  ];
  return new Map([...indexes.map((file) => [file, ""] as const), ...Object.entries(files)]);
}

function says(files: Record<string, string>, ...patterns: RegExp[]): void {
  const complaints = complaintsAbout(tree(files));
  assert.equal(complaints.length, patterns.length, complaints.join("\n"));
  for (const [i, pattern] of patterns.entries()) assert.match(complaints[i] ?? "", pattern);
}

test("imports that point down by an index are welcome", () => {
  says({
    "apps/server/src/registry/registry.ts": `import { Refusal } from "@holdfast/kernel"; import type { Permit } from "../authority/index.ts";`,
    "apps/server/src/platform.ts": `import { routes } from "./registry/routes.ts"; import "./config.ts";`,
    "apps/server/src/registry/routes.ts": `export const routes = [];`,
    "apps/server/src/config.ts": ``,
  });
});

test("every way to import is seen: values, types, re-exports, import() of values and of types, require", () => {
  const up = `"../listeners/index.ts"`;
  for (const text of [
    `import { a } from ${up};`,
    `import type { A } from ${up};`,
    `import ${up};`,
    `export { a } from ${up};`,
    `export * from ${up};`,
    `const a = await import(${up});`,
    `const a = await import(\`../listeners/index.ts\`);`,
    `type A = import(${up}).A;`,
    `const a = require(${up});`,
  ]) {
    says({ "apps/server/src/storage/unit.ts": text }, /unit\.ts:1 reaches up to apps\/server\/src\/listeners/);
  }
});

test("an import whose name is computed is refused, for it could be anything", () => {
  says({ "apps/server/src/storage/unit.ts": `await import(name);` }, /computes/);
});

test("only routes.ts may be taken past an index, and only by the top", () => {
  const routes = { "apps/server/src/registry/routes.ts": "", "apps/server/src/registry/device.ts": "" };
  says({ ...routes, "apps/server/src/platform.ts": `import "./registry/device.ts";` }, /reaches past/);
  says({ ...routes, "apps/server/src/listeners/http.ts": `import "../registry/routes.ts";` }, /reaches past/);
});

test("subjects of one line may know one another, but not in a circle", () => {
  const one = { "apps/server/src/registry/a.ts": `import "../identity/index.ts";` };
  says(one);
  const other = { "apps/server/src/identity/b.ts": `import "../registry/index.ts";` };
  says({ ...one, ...other }, /registry → .*identity → .*registry is a circle/);
});

test("a package is named, not reached by path, and programs do not know each other", () => {
  const path = `import "../../../../packages/kernel/src/index.ts";`;
  says({ "apps/server/src/storage/a.ts": path }, /by path: name the package/);
  says({ "apps/cli/src/a.ts": `import "../../server/src/outbound/index.ts";` }, /another program/);
  says({ "packages/client/src/a.ts": `import "../../../apps/server/src/outbound/index.ts";` }, /another program/);
});

test("mqtt imports nothing of ours; kernel and protocol nothing of Node's, except in tests", () => {
  says({ "packages/mqtt/src/a.ts": `import "@holdfast/kernel";` }, /imports nothing of ours/);
  says({ "packages/protocol/src/a.ts": `import "node:fs";` }, /runs in the browser too/);
  says({ "packages/protocol/src/a.test.ts": `import { test } from "node:test";` });
});

test("the settings are read by the top alone", () => {
  const config = { "apps/server/src/config.ts": "", "apps/server/src/config.test.ts": `import "./config.ts";` };
  says({ ...config, "apps/server/src/platform.ts": `import "./config.ts";` });
  says({ ...config, "apps/server/src/other.ts": `import "./config.ts";` }, /only .*main\.ts.* may/);
});

test("what is for tests stays with tests", () => {
  const testing = { "apps/server/src/testing/platform.ts": `import "../listeners/index.ts";` };
  says({ ...testing, "apps/server/src/registry/a.test.ts": `import "../testing/platform.ts";` });
  says({ ...testing, "apps/server/src/registry/a.ts": `import "../testing/platform.ts";` }, /for tests only/);
  const fixture = { "apps/server/src/registry/registry.fixture.ts": "" };
  says({ ...fixture, "apps/server/src/registry/a.ts": `import "./registry.fixture.ts";` }, /for tests only/);
  says({ ...fixture, "apps/server/src/registry/a.test.ts": `import "./registry.fixture.ts";` });
  says({ ...testing, "tests/a.test.ts": `import "../apps/server/src/testing/platform.ts";` });
});

test("a file that is no module, which would be read in another way, is refused", () => {
  for (const kind of ["cjs", "cts", "jsx"]) {
    says(
      { [`apps/server/src/storage/a.${kind}`]: `require("node:net").connect(1);` },
      /not written here: make it a module/,
    );
  }
});

test("a folder that nobody placed and a file that does not exist are named", () => {
  says({ "apps/server/src/surprise/a.ts": "" }, /src\/surprise belongs to no unit/);
  says({ "surprise/a.tsx": "" }, /surprise belongs to no unit/);
  says({ "apps/server/src/storage/a.ts": `import "./gone.ts";` }, /gone\.ts, which does not exist/);
});
