import { isId } from "@holdfast/kernel";
import type { DashboardSource, Widget } from "@holdfast/protocol";
import { words } from "../words/index.ts";

const own = words.dashboards.form;

/** Whose, as it is chosen: of the three ways the one that is meant, and what was chosen in the others meanwhile. */
export type SourceFields = {
  readonly by: "devices" | "tag" | "product";
  readonly devices: readonly { readonly id: string; readonly name: string }[];
  readonly key: string;
  readonly value: string;
  readonly product: string;
};
export type LineFields = {
  readonly source: SourceFields;
  readonly attribute: string;
  readonly unit: string;
};
export type Fields = {
  readonly type: Widget["type"];
  readonly title: string;
  readonly lines: readonly LineFields[];
  readonly attributes: string;
  readonly range: "15m" | "1h" | "24h" | "7d" | "30d";
  readonly aggregate: string;
  readonly compare: boolean;
  readonly decimals: string;
  readonly min: string;
  readonly max: string;
  readonly bands: string;
  readonly position: "location" | "two";
  readonly location: string;
  readonly latitude: string;
  readonly longitude: string;
};

const noSource: SourceFields = { by: "devices", devices: [], key: "", value: "", product: "" };
export const noLine: LineFields = { source: noSource, attribute: "", unit: "" };

const sourceFieldsOf = (of: DashboardSource, nameOf: (id: string) => string): SourceFields => {
  if ("devices" in of) return { ...noSource, devices: of.devices.map((id) => ({ id, name: nameOf(id) })) };
  if ("tag" in of) return { ...noSource, by: "tag", ...of.tag };
  return { ...noSource, by: "product", product: of.product };
};

/** What a widget says, as fields; of none what is usual. */
export function fieldsOf(widget: Widget | undefined, nameOf: (id: string) => string): Fields {
  const usual: Fields = {
    type: "line",
    title: "",
    lines: [noLine],
    attributes: "",
    range: "1h",
    aggregate: "avg",
    compare: true,
    decimals: "",
    min: "0",
    max: "100",
    bands: "",
    position: "two",
    location: "location",
    latitude: "latitude",
    longitude: "longitude",
  };
  if (!widget) return usual;
  const common = { ...usual, type: widget.type, title: widget.title };
  const lineOf = (of: DashboardSource, attribute = "", unit = ""): LineFields => ({
    source: sourceFieldsOf(of, nameOf),
    attribute,
    unit,
  });
  switch (widget.type) {
    case "line": {
      const lines = widget.lines.map(({ of, attribute, unit }) => lineOf(of, attribute, unit));
      return { ...common, lines, range: widget.range, aggregate: widget.aggregate };
    }
    case "value": {
      const { device, attribute, unit, range, aggregate, compare, decimals } = widget;
      const lines = [lineOf({ devices: [device] }, attribute, unit)];
      return { ...common, lines, range, aggregate, compare, decimals: decimals === undefined ? "" : String(decimals) };
    }
    case "gauge": {
      const { device, attribute, unit, min, max, bands, decimals } = widget;
      const written = bands.map(({ from, to, level, label }) => `${from}-${to} ${level}${label ? ` ${label}` : ""}`);
      const said = { min: String(min), max: String(max), bands: written.join("\n") };
      const lines = [lineOf({ devices: [device] }, attribute, unit)];
      return { ...common, lines, ...said, decimals: decimals === undefined ? "" : String(decimals) };
    }
    case "table":
      return { ...common, lines: [lineOf(widget.of)], attributes: widget.attributes.join(", ") };
    case "map": {
      const { at } = widget;
      const attributes = widget.attributes.join(", ");
      const where =
        "location" in at
          ? { position: "location" as const, location: at.location }
          : { position: "two" as const, ...at };
      return { ...common, lines: [lineOf(widget.of)], attributes, ...where };
    }
    case "status":
      return { ...common, lines: [lineOf(widget.of)] };
  }
}

/** A widget of what was filled in, as the platform reads it; or a sentence of what is missing. */
export function widgetOf(fields: Fields, id: string, place: Widget["place"]): Widget | string {
  const { type, title, lines, range } = fields;
  const common = { id, title: title.trim(), place };
  const sources = lines.map(({ source }) => sourceOf(source));
  const wrong = sources.find((source) => typeof source === "string");
  if (typeof wrong === "string") return wrong;
  const of = sources.flatMap((source) => (typeof source === "string" || source === undefined ? [] : [source]));
  const [first] = of;
  const [{ attribute, unit } = noLine] = lines;
  const isOfOne = type === "value" || type === "gauge";
  const device = first && "devices" in first ? first.devices[0] : undefined;
  if (!first || (isOfOne && !device)) return own.errors.device;
  const names = fields.attributes.split(",").flatMap((name) => name.trim() || []);
  const isOfAttribute = isOfOne || type === "line";
  if (isOfAttribute && lines.some((line) => line.attribute.trim() === "")) return own.errors.attribute;
  if (type === "table" && names.length === 0) return own.errors.attribute;
  const measured = (one: LineFields) => ({
    attribute: one.attribute.trim(),
    ...(one.unit.trim() !== "" && { unit: one.unit.trim() }),
  });
  const decimals = /^[0-6]$/.test(fields.decimals) ? { decimals: Number(fields.decimals) } : {};
  switch (type) {
    case "line": {
      const drawn = lines.flatMap((line, at) => (of[at] ? [{ of: of[at], ...measured(line) }] : []));
      return { ...common, type, lines: drawn, range, aggregate: ofSteps(fields.aggregate) };
    }
    case "value": {
      const aggregate = aggregates.find((name) => name === fields.aggregate) ?? "last";
      const one = { device: device ?? first, ...measured({ ...noLine, attribute, unit }) };
      return { ...common, type, ...one, ...decimals, range, aggregate, compare: fields.compare } as Widget; // device was looked at
    }
    case "gauge": {
      const [min, max] = [Number(fields.min), Number(fields.max)];
      if (!(min < max)) return own.errors.numbers;
      const bands = bandsIn(fields.bands);
      if (typeof bands === "string") return own.errors.bands(bands);
      const one = { device: device ?? first, ...measured({ ...noLine, attribute, unit }) };
      return { ...common, type, ...one, ...decimals, min, max, bands } as Widget; // device was looked at
    }
    case "table":
      return { ...common, type, of: first, attributes: names.slice(0, 8) };
    case "map": {
      const { position, location, latitude, longitude } = fields;
      const at = position === "location" ? { location: location.trim() } : { latitude, longitude };
      if (Object.values(at).some((name) => name.trim() === "")) return own.errors.attribute;
      return { ...common, type, of: first, at, attributes: names.slice(0, 4) };
    }
    case "status":
      return { ...common, type, of: first };
  }
}

const aggregates = ["last", "avg", "min", "max", "sum", "count"] as const;
const ofSteps = (name: string): "avg" | "min" | "max" | "sum" | "count" =>
  (["avg", "min", "max", "sum", "count"] as const).find((one) => one === name) ?? "avg";

function sourceOf({ by, devices, key, value, product }: SourceFields): DashboardSource | string {
  switch (by) {
    case "devices": {
      const ids = devices.flatMap(({ id }) => (isId("device", id) ? [id] : []));
      return ids.length > 0 ? { devices: ids } : own.errors.device;
    }
    case "tag":
      return key.trim() === "" ? own.errors.tag : { tag: { key: key.trim(), value: value.trim() } };
    case "product":
      return isId("product", product) ? { product } : own.errors.product;
  }
}

type Band = (Widget & { readonly type: "gauge" })["bands"][number];

/** `0-60 good`, one a line; with words of their own behind. Answers with the line that is none. */
export function bandsIn(text: string): Band[] | string {
  const bands: Band[] = [];
  for (const line of text.split("\n").map((one) => one.trim())) {
    if (line === "") continue;
    const [, from, to, level, label] =
      /^(-?[\d.]+) *(?:-|–|to) *(-?[\d.]+) +(good|warn|bad)(?: +(.{1,40}))?$/.exec(line) ?? [];
    const found = (["good", "warn", "bad"] as const).find((one) => one === level);
    if (!found || !(Number(from) < Number(to)) || bands.length === 8) return line;
    bands.push({ from: Number(from), to: Number(to), level: found, ...(label !== undefined && { label }) });
  }
  return bands;
}
