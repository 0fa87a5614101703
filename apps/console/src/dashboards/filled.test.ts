import assert from "node:assert/strict";
import { test } from "node:test";
import type { Id } from "@holdfast/kernel";
import type { Widget } from "@holdfast/protocol";
import { bandsIn, fieldsOf, widgetOf } from "./filled.ts";

const device = `dev_${"a".repeat(32)}` as Id<"device">; // as ours are
const product = `prd_${"b".repeat(32)}` as Id<"product">;
const common = { id: "w1", title: "One", place: { x: 0, y: 0, w: 3, h: 2 } };
const one = { device, attribute: "temperature", unit: "°C" };

test("what a form is opened with comes out of it again, for every kind of widget", () => {
  const widgets: readonly Widget[] = [
    {
      ...common,
      type: "line",
      lines: [
        { of: { devices: [device] }, attribute: "temperature", unit: "°C" },
        { of: { tag: { key: "site", value: "north" } }, attribute: "humidity" },
      ],
      range: "24h",
      aggregate: "max",
    },
    { ...common, type: "value", ...one, range: "7d", aggregate: "avg", compare: true, decimals: 2 },
    {
      ...common,
      type: "gauge",
      ...one,
      min: -20,
      max: 80,
      bands: [
        { from: -20, to: 60, level: "good" },
        { from: 60, to: 80, level: "bad", label: "too hot" },
      ],
    },
    { ...common, type: "table", of: { product }, attributes: ["temperature", "humidity"] },
    { ...common, type: "map", of: { product }, at: { location: "position" }, attributes: ["speed"] },
    { ...common, type: "map", of: { product }, at: { latitude: "lat", longitude: "lon" }, attributes: [] },
    { ...common, type: "status", of: { devices: [device] } },
  ];
  for (const widget of widgets)
    assert.deepEqual(widgetOf(fieldsOf(widget, String), widget.id, widget.place), widget, widget.type);
});

test("what is missing is said in a sentence, and a line that is no range is named", () => {
  const empty = fieldsOf(undefined, String);
  assert.equal(widgetOf(empty, "w1", common.place), "Choose a device.");
  const withTag = {
    ...empty,
    lines: [{ ...empty.lines[0], source: { by: "tag", devices: [], key: "a", value: "b", product: "" } }],
  };
  assert.equal(widgetOf(withTag as typeof empty, "w1", common.place), "Name an attribute.");
  assert.equal(bandsIn("0-60 good\n60 80 warn"), "60 80 warn");
  assert.deepEqual(bandsIn("-10 to 5.5 warn frost"), [{ from: -10, to: 5.5, level: "warn", label: "frost" }]);
});
