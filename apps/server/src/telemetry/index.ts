export { EpochSeconds, parseCbor } from "./cbor.ts";
export { codeOf } from "./codes.ts";
export { openMarks, sealMarks } from "./marks.ts";
export { Asking } from "./asking.ts";
export { messagesIn, openMessages } from "./message-log.ts";
export type { BodyKind } from "./body.ts";
export type { Carrier, Source, Stored } from "./observer.ts";
export { Telemetry } from "./telemetry.ts";
export { plainOf } from "./value.ts";
