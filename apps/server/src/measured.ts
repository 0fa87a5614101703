import type { Handler } from "./authority/index.ts";
import { dashboardRoutes } from "./dashboards/routes.ts";
import { TelemetryQueries } from "./telemetry/index.ts";
import { telemetryRoutes } from "./telemetry/routes.ts";

type Needs = ConstructorParameters<typeof TelemetryQueries>[0] &
  Omit<Parameters<typeof telemetryRoutes>[0], "queries"> &
  Omit<Parameters<typeof dashboardRoutes>[0], "queries">;

/** What was measured: sent, read back, and shown in pictures. */
export function measuredRoutes(needs: Needs): Handler[] {
  const queries = new TelemetryQueries(needs);
  return [...telemetryRoutes({ ...needs, queries }), ...dashboardRoutes({ ...needs, queries })];
}
