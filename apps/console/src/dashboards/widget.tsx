import type { Widget } from "@holdfast/protocol";
import { lazy, Suspense } from "react";
import { Slow } from "../kit/index.ts";
import { GaugeWidget } from "./gauge.tsx";
import { LineWidget } from "./line.tsx";
import { StatusWidget } from "./status.tsx";
import { TableWidget } from "./table.tsx";
import { ValueWidget } from "./value.tsx";

// With it comes the outline of the land.
const MapWidget = lazy(async () => ({ default: (await import("./map.tsx")).MapWidget }));

/** What a widget shows, whatever it is. */
export function WidgetBody({ widget }: { readonly widget: Widget }) {
  switch (widget.type) {
    case "line":
      return <LineWidget widget={widget} />;
    case "value":
      return <ValueWidget widget={widget} />;
    case "gauge":
      return <GaugeWidget widget={widget} />;
    case "table":
      return <TableWidget widget={widget} />;
    case "map":
      return (
        <Suspense fallback={<Slow />}>
          <MapWidget widget={widget} />
        </Suspense>
      );
    case "status":
      return <StatusWidget widget={widget} />;
  }
}
