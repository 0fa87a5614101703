import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseCsv } from "@holdfast/kernel";
import { formatCsv } from "./csv.ts";

test("what is written to CSV is read back", () => {
  const cell = fc
    .string({ unit: "grapheme", minLength: 1 })
    .filter((text) => !/^\s*[=+\-@\t\r\ufeff]|\ufffd/.test(text) && text.trim() !== "");
  const rows = fc.array(fc.array(cell, { minLength: 2, maxLength: 4 }), { minLength: 1 });
  fc.assert(
    fc.property(rows, (given) => {
      // The first row decides between comma and semicolon.
      const all = [["a", "b"], ...given];
      assert.deepEqual(parseCsv(formatCsv(all)), all);
    }),
  );
});

test("files of spreadsheets are read: semicolons, a byte order mark, quotes, any line end", () => {
  assert.deepEqual(parseCsv('\ufeffname;tags\r\n"a;""b""";x\r\n\r\n'), [
    ["name", "tags"],
    ['a;"b"', "x"],
  ]);
  assert.throws(() => parseCsv('a,"b'), /quote/);
  const latin1 = new TextDecoder().decode(Uint8Array.of(0x6e, 0x0a, 0x50, 0xfc, 0x0a)); // "Pü", as Excel saves it
  assert.throws(() => parseCsv(latin1), /UTF-8/);
});

test("no cell is a formula to a spreadsheet", () => {
  assert.equal(formatCsv([["=1+1", "@x", "-2", "ok"]]), "'=1+1,'@x,'-2,ok\r\n");
});
