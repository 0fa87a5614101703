export { knownDashboards } from "./postgres.ts";
