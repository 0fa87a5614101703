export { TelemetryQueries } from "./query.ts";
export { Telemetry, type Observer, type Source, type Stored } from "./telemetry.ts";
