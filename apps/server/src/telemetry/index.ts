export { TelemetryQueries } from "./query.ts";
export { messagesIn, openMessages } from "./message-log.ts";
export type { BodyKind } from "./body.ts";
export type { Carrier, Source, Stored } from "./observer.ts";
export { Telemetry } from "./telemetry.ts";
export { plainOf } from "./value.ts";
