import type { Id } from "@holdfast/kernel";
import { dashboardFile, type DashboardFile, type DashboardSource, type Widget } from "./dashboards.ts";

export type SourceOfWidget = { readonly of: DashboardSource; readonly attributes: readonly string[] };

/** Each source of a widget, in the order in which it has them, with the attributes that are shown of it. */
export function sourcesOf(widget: Widget): readonly SourceOfWidget[] {
  switch (widget.type) {
    case "line":
      return widget.lines.map(({ of, attribute }) => ({ of, attributes: [attribute] }));
    case "value":
    case "gauge":
      return [{ of: { devices: [widget.device] }, attributes: [widget.attribute] }];
    case "table":
      return [{ of: widget.of, attributes: widget.attributes }];
    case "map": {
      const { at } = widget;
      const position = "location" in at ? [at.location] : [at.latitude, at.longitude];
      return [{ of: widget.of, attributes: [...position, ...widget.attributes] }];
    }
    case "status":
      return [{ of: widget.of, attributes: [] }];
  }
}

/** The devices that are meant by their identifiers, each once. */
export function devicesNamed(widgets: readonly Widget[]): readonly Id<"device">[] {
  const all = widgets.flatMap((widget) => sourcesOf(widget).flatMap(({ of }) => ("devices" in of ? of.devices : [])));
  return [...new Set(all)];
}

type Exported = Pick<DashboardFile, "name" | "widgets"> & { readonly description?: string | undefined };

/** As it is written into a file: who sees it and which links there are stays where it is. */
export const dashboardFileOf = ({ name, description, widgets }: Exported): string =>
  `${JSON.stringify({ format: "holdfast-dashboard/1", name, ...(description !== undefined && { description }), widgets }, null, 2)}\n`;

/** What a file says, or a sentence for each thing that is wrong with it. */
export function readDashboardFile(text: string): DashboardFile | { readonly faults: readonly string[] } {
  let read: unknown;
  try {
    read = JSON.parse(text);
  } catch {
    return { faults: ["This is not JSON. Choose a file that a dashboard was exported to."] };
  }
  const parsed = dashboardFile.safeParse(read);
  if (parsed.success) return parsed.data;
  return { faults: parsed.error.issues.map(({ path, message }) => `${placeOf(path)}: ${sentence(message)}`) };
}

/** `widgets.2.place` is of the third widget, for whoever counts. */
function placeOf(path: readonly PropertyKey[]): string {
  if (path.length === 0) return "The file";
  const [first, at, ...rest] = path;
  if (first !== "widgets" || typeof at !== "number") return path.join(".");
  return rest.length === 0 ? `Widget ${at + 1}` : `Widget ${at + 1}, ${rest.join(".")}`;
}

const sentence = (message: string): string => (/[.!?]$/.test(message) ? message : `${message}.`);
