import type { Broker } from "@holdfast/mqtt";
import type { Telemetry } from "./telemetry/index.ts";

/** Counters in Prometheus' text format (version 0.0.4). Nothing in them names an organisation. */
export function metricsOf({ telemetry, broker }: { telemetry: Telemetry; broker: Pick<Broker, "statistics"> }): string {
  const lines: string[] = [];
  for (const [part, numbers] of [
    ["telemetry", telemetry.statistics],
    ["mqtt", broker.statistics],
  ] as const) {
    for (const [name, value] of Object.entries(numbers)) {
      const metric = `holdfast_${part}_${name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)}`;
      lines.push(`# TYPE ${metric} untyped`, `${metric} ${Number(value)}`);
    }
  }
  return `${lines.join("\n")}\n`;
}
