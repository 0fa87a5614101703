import { parseId } from "@holdfast/kernel";
import type { Widget } from "@holdfast/protocol";
import { words } from "../words/index.ts";
import { freePlace } from "./grid.ts";

const own = words.dashboards.first;

export type Known = {
  readonly id: string;
  readonly name: string;
  readonly product: string | undefined;
  /** What it measured last. */
  readonly latest: readonly { readonly attribute: string; readonly value: unknown }[];
  readonly units: Readonly<Record<string, string | undefined>>;
};

const size = { status: { w: 3, h: 5 }, value: { w: 3, h: 2 }, line: { w: 9, h: 5 }, table: { w: 12, h: 5 } } as const;

/** Something to look at and to change: who is there, the first numbers of each product's first device over a day, and all of them as a table. */
export function firstWidgets(devices: readonly Known[]): readonly Widget[] {
  const widgets: Widget[] = [];
  const add = (make: (common: Pick<Widget, "id" | "place">) => Widget, type: keyof typeof size) =>
    void widgets.push(make({ id: `w${widgets.length + 1}`, place: freePlace(widgets, size[type]) }));
  const ids = devices.slice(0, 20).map(({ id }) => parseId("device", id));
  if (ids.length === 0) return widgets;
  const kinds = [...Map.groupBy(devices, ({ product }) => product ?? "").values()].slice(0, 3);
  const numbers = kinds.flatMap((alike) => {
    const measuring = alike.find(({ latest }) => latest.some(({ value }) => typeof value === "number"));
    const one = measuring?.latest.find(({ value }) => typeof value === "number");
    return measuring && one ? [{ alike, device: measuring, attribute: one.attribute }] : [];
  });
  add((common) => ({ ...common, type: "status", title: own.connected, of: { devices: ids } }), "status");
  for (const { alike, attribute, device } of numbers) {
    const unit = device.units[attribute];
    const of = { devices: alike.slice(0, 4).map(({ id }) => parseId("device", id)) };
    const lines = [{ of, attribute, ...(unit !== undefined && { unit }) }];
    const title = own.lastDay(attribute);
    add((common) => ({ ...common, type: "line", title, lines, range: "24h", aggregate: "avg" }), "line");
  }
  for (const { attribute, device } of numbers) {
    const unit = device.units[attribute];
    const of = { device: parseId("device", device.id), attribute, ...(unit !== undefined && { unit }) };
    const title = `${device.name}: ${attribute}`;
    const said = { range: "1h", aggregate: "avg", compare: true } as const;
    add((common) => ({ ...common, type: "value", title, ...of, ...said }), "value");
  }
  const attributes = [...new Set(numbers.map(({ attribute }) => attribute))];
  if (attributes.length > 0)
    add((common) => ({ ...common, type: "table", title: own.latest, of: { devices: ids }, attributes }), "table");
  return widgets;
}
