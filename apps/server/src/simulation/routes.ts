import { routes } from "@holdfast/protocol";
import { on, type Handler } from "../authority/index.ts";
import type { Simulation } from "./simulation.ts";

export const simulationRoutes = (simulation: Simulation): Handler[] => [
  on(routes.endSimulation, async ({ permit }) => {
    await simulation.end(permit);
    return {};
  }),
];
