import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { fields, table, type Column } from "./table.ts";
import { clipped, printable, printableJson, width } from "./text.ts";

type Row = { name: string; n?: number };
const columns: Column<Row>[] = [
  { title: "NAME", cell: ({ name }: Row) => name },
  { title: "N", cell: ({ n }: Row) => (n === undefined ? "" : String(n)), align: "right" },
];

test("columns are as wide as their widest cell, and an empty one is left out", () => {
  const rows = [
    { name: "Pump", n: 7 },
    { name: "Ventilator", n: 1_000 },
  ];
  assert.equal(table(rows, columns), ["NAME           N", "Pump           7", "Ventilator  1000"].join("\n"));
  assert.equal(table([{ name: "Pump" }], columns), "NAME\nPump");
  assert.equal(
    fields(
      [
        ["id", "1"],
        ["empty", ""],
        ["name", "Pump"],
      ],
      (name) => `<${name}>`,
    ),
    "<id  >  1\n<name>  Pump",
  );
});

test("signs that take two columns of a terminal, or none, do not push the rest aside", () => {
  assert.deepEqual(["水ポンプ", "🚰", "e\u0301", "Pumpe ä", ""].map(width), [8, 2, 1, 7, 0]);
  const rows = [
    { name: "水ポンプ", n: 1 },
    { name: "x", n: 2 },
  ];
  assert.equal(table(rows, columns), ["NAME      N", "水ポンプ  1", "x         2"].join("\n"));
  assert.equal(clipped("水ポンプ", 5), "水ポ…");
  assert.equal(clipped("short", 5), "short");
});

const sign = fc.integer({ min: 0, max: 0x2fff }).map((code) => String.fromCodePoint(code));

test("nothing that a terminal would obey gets through, and JSON still means the same", () => {
  assert.equal(table([{ name: "a\u001b[2Jb\n\u202ec" }], columns), "NAME\na\\u{1b}[2Jb\\u{a}\\u{202e}c");
  fc.assert(
    fc.property(fc.string({ unit: sign }), (text) => {
      assert.doesNotMatch(printable(text), /\p{Cc}/u);
      assert.doesNotMatch(printableJson({ text }), /\p{Cc}/u);
      assert.deepEqual(JSON.parse(printableJson({ text })), { text });
    }),
  );
});
