import assert from "node:assert/strict";
import { test } from "node:test";
import { readPublicKey } from "../held/public-key.ts";
import { plan, type Planned } from "./import.ts";

const there = { products: [{ id: "prd_1", name: "Pump" }], aliases: new Set(["a-0"]), keyOf: readPublicKey };
const rowsOf = (text: string): readonly Planned[] => {
  const planned = plan(text, there);
  return "fault" in planned ? assert.fail(planned.fault) : planned;
};
const faultOf = (text: string): string => {
  const planned = plan(text, there);
  return "fault" in planned ? planned.fault : assert.fail("it is taken");
};

test("a file is planned row by row, and what is wrong is said beside its row", () => {
  const planned = rowsOf('Name;Product;Alias;Tags\nOne;Pump;a-1;"floor=3, site=north"\n;prd_1;;\nThree;Fan;a-1;x\n');
  assert.deepEqual(
    planned.map(({ row, name, product, alias, tags, errors }) => [row, name, product, alias, tags, errors.length]),
    [
      [2, "One", "prd_1", "a-1", { floor: "3", site: "north" }, 0],
      [3, "", "prd_1", undefined, {}, 1],
      [4, "Three", undefined, "a-1", {}, 3],
    ],
  );
});

test("rows have the numbers that a spreadsheet gives them, past lines with nothing on them, and a name that two products have is none", () => {
  const products = [...there.products, { id: "prd_2", name: "Fan" }, { id: "prd_3", name: "Fan" }];
  const planned = plan("\nname,product\nOne,Fan\n\n,,\nTwo,prd_3\n\n", { ...there, products });
  assert.ok(!("fault" in planned));
  assert.deepEqual(
    planned.map(({ row, product, errors }) => [row, product, errors]),
    [
      [3, "prd_2", ["Several products are called so: say which by its id."]],
      [6, "prd_3", []],
    ],
  );
});

test("an alias that a device has, and a cell without a column, are wrong before anything is made", () => {
  const planned = rowsOf("name,alias\nOne,a-0\nTwo,a-2,floor=3\n");
  assert.deepEqual(
    planned.map(({ errors }) => errors),
    [["A device has this alias already."], ["It has more cells than the heading."]],
  );
});

test("a secret and a public key that devices bring are each one device's, and a private key is told as such", () => {
  const key = (d: object = {}) => `"${JSON.stringify({ kty: "OKP", crv: "Ed25519", x: "A".repeat(43), ...d })}"`;
  const quoted = (text: string) => `"${text.slice(1, -1).replaceAll('"', '""')}"`;
  const planned = rowsOf(
    `name,secret,publicKey\nOne, s ,${quoted(key())}\nTwo, s ,${quoted(key())}\nThree,,${quoted(key({ d: "x" }))}\nFour,,\n`,
  );
  assert.deepEqual(
    planned.map(({ secret, publicKey, errors }) => [secret, publicKey?.crv, errors.length]),
    [
      [" s ", "Ed25519", 0],
      [" s ", "Ed25519", 2],
      [undefined, undefined, 1],
      [undefined, undefined, 0],
    ],
  );
});

test("a file without a column of names is none, nor one with a column that nobody reads", () => {
  assert.match(faultOf("title\nx\n"), /no column called name/);
  assert.match(faultOf("name,password\nOne,x\n"), /password/);
  assert.match(faultOf('name\n"One\n'), /quote is not closed/);
  assert.deepEqual(rowsOf("name\n"), []);
});
