import type { Handler } from "./authority/index.ts";
import { dashboardRoutes } from "./dashboards/routes.ts";
import { telemetryRoutes } from "./telemetry/routes.ts";

type Needs = Parameters<typeof telemetryRoutes>[0] & Omit<Parameters<typeof dashboardRoutes>[0], "questions">;

/** What was measured: sent, read back, and shown in pictures. */
export const measuredRoutes = (needs: Needs): Handler[] => [
  ...telemetryRoutes(needs),
  ...dashboardRoutes({ ...needs, questions: needs.asking.questions }),
];
