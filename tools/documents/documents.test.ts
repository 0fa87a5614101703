import assert from "node:assert/strict";
import path from "node:path";
import { test } from "node:test";
import { uncompilable } from "./blocks.ts";
import { brokenLinks } from "./links.ts";
import { read } from "./markdown.ts";

const root = path.resolve(import.meta.dirname, "../..");

test("links and headings are read, and what stands in a code block is neither", () => {
  const page = read("# A `b` & c!\n\n[one](./x.md#y) `[no](z)`\n\n```sh\n# comment [no](w)\n```\n\n[ref]: ../r.md\n");
  assert.deepEqual(page.links, [
    { target: "./x.md#y", line: 3 },
    { target: "../r.md", line: 9 },
  ]);
  assert.deepEqual([...page.anchors], ["a-b--c"]);
});

test("a link to a file or a heading that is not there is named with its line", () => {
  const pages = new Map([
    ["docs/a.md", read("[up](../README.md) [gone](b.md)\n[web](https://example.org) [here](#nowhere)")],
    ["README.md", read("[a](docs/a.md#title)")],
  ]);
  assert.deepEqual(
    brokenLinks(pages, (file) => pages.has(file)),
    [
      "docs/a.md:1 links to b.md, which does not exist",
      "docs/a.md:2 links to #nowhere, but docs/a.md has no such heading",
      "README.md:1 links to docs/a.md#title, but docs/a.md has no such heading",
    ],
  );
});

test("a block that does not compile is named at its line in the page; other languages are left alone", () => {
  const good = '```ts\nimport { parseId } from "@holdfast/kernel";\nparseId("device", "x");\n```\n';
  const bad = '```ts\nconst one: number = 1;\nconst two: number = "2";\n```\n```js\n)\n```\n';
  const complaints = uncompilable(root, new Map([["docs/page.md", read(`# Page\n\n${good}\n${bad}`)]]));
  assert.equal(complaints.length, 1, complaints.join("\n"));
  assert.match(complaints[0] ?? "", /^docs\/page\.md:10: error TS2322/);
});
