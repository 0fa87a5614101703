export { TelemetryQueries } from "./query.ts";
export { messagesIn, openMessages } from "./message-log.ts";
export type { Carrier, Stored } from "./observer.ts";
export { Telemetry } from "./telemetry.ts";
