import assert from "node:assert/strict";
import { test } from "node:test";
import { plan } from "./import.ts";

const products = [{ id: "prd_1", name: "Pump" }];

test("a file is planned row by row, and what is wrong is said beside its row", () => {
  const planned = plan(
    'Name;Product;Alias;Tags\nOne;Pump;a-1;"floor=3, site=north"\n;prd_1;;\nThree;Fan;a-1;x\n',
    products,
  );
  assert.deepEqual(
    planned?.map(({ row, name, product, alias, tags, errors }) => [row, name, product, alias, tags, errors.length]),
    [
      [2, "One", "prd_1", "a-1", { floor: "3", site: "north" }, 0],
      [3, "", "prd_1", undefined, {}, 1],
      [4, "Three", undefined, "a-1", {}, 3],
    ],
  );
});

test("a file without a column of names is none", () => {
  assert.equal(plan("title\nx\n", products), undefined);
  assert.deepEqual(plan("name\n", products), []);
});
