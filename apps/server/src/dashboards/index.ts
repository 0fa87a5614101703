export { Dashboards } from "./dashboards.ts";
export { Pictures } from "./pictures.ts";
export { knownDashboards } from "./postgres.ts";
