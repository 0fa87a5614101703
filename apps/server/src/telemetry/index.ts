export { TelemetryQueries } from "./query.ts";
export { Telemetry, type Stored } from "./telemetry.ts";
