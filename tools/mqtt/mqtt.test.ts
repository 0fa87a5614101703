import assert from "node:assert/strict";
import { test } from "node:test";
import { proofOf, proofsIn, type Proof } from "./names.ts";
import { complaintsAbout, render } from "./page.ts";
import { isOurs, standards } from "./statements.ts";

test("ids in a name are MQTT 5's, and behind 3.1.1 that version's", () => {
  assert.deepEqual(proofOf("[MQTT-3.1.2-4] [MQTT-3.1.4-4] 3.1.1 [MQTT-3.1.2-6] a clean start, version …"), {
    sentence: "a clean start, in both versions",
    ids: { "5.0": ["3.1.2-4", "3.1.4-4"], "3.1.1": ["3.1.2-6"] },
  });
  assert.deepEqual(proofOf("[MQTT-3.1.3-6] MQTT 5 is told; 3.1.1 is not").ids, { "5.0": ["3.1.3-6"], "3.1.1": [] });
  assert.deepEqual(proofOf("3.1.1 [MQTT-3-8.3-4] reserved bits").ids["3.1.1"], ["3-8.3-4"]);
});

test("names are read from the calls, whatever quotes they stand in, and not from comments", () => {
  const text = [
    'test("[MQTT-1.5.4-1] one", () => {});',
    "for (const v of [4, 5]) test(`[MQTT-1.5.4-2] two, version ${v}`, () => {});",
    'test("three", () => {});',
    '// test("[MQTT-1.5.4-3] four")',
    'other("[MQTT-1.5.4-3] five");',
  ].join("\n");
  assert.deepEqual(
    proofsIn("a.test.ts", text).map(({ sentence }) => sentence),
    ["one", "two, in both versions"],
  );
});

test("each id stands in its standard once, in its order of sections", () => {
  assert.deepEqual(
    standards.map(({ version, statements }) => [version, statements.length]),
    [
      ["5.0", 251],
      ["3.1.1", 141],
    ],
  );
  for (const { statements } of standards) {
    const ids = statements.map(([id]) => id);
    assert.equal(new Set(ids).size, ids.length);
    const key = (id: string) => id.split(/[.-]/).map(Number);
    const isSorted = (a: string, b: string) => {
      const [left, right] = [key(a), key(b)];
      const at = left.findIndex((part, i) => part !== right[i]);
      return (left[at] ?? 0) < (right[at] ?? 0);
    };
    for (const [i, id] of ids.entries()) assert.ok(i === 0 || isSorted(ids[i - 1] ?? "", id), id);
  }
});

test("a statement on servers without a test, an id that there is not and an old page are named", () => {
  const ids = (at: number) => standards[at]?.statements.filter(isOurs).map(([id]) => id) ?? [];
  const all: Proof = { file: "a.test.ts", sentence: "all", ids: { "5.0": ids(0), "3.1.1": ids(1) } };
  assert.deepEqual(complaintsAbout([all], render([all])), []);
  assert.equal(complaintsAbout([], render([])).length, ids(0).length + ids(1).length);
  const [proof] = proofsIn("a.test.ts", 'test("[MQTT-3.12.4-1] [MQTT-9.9.9-9] a PINGREQ is answered", () => {});');
  assert.ok(proof);
  assert.deepEqual(complaintsAbout([all, proof], render([all])), [
    'a.test.ts: MQTT 5.0 has no statement MQTT-9.9.9-9 ("a PINGREQ is answered")',
    "docs/mqtt.md is out of date: run node tools/mqtt.ts --write",
  ]);
  assert.match(render([proof]), /\| 3\.12\.4-1 \| server \| .* \| \[a PINGREQ is answered\]\(\.\.\/a\.test\.ts\) \|/);
});
