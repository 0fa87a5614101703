// For the tests of a spool on a file, which stand outside because this package knows no files.
export type { Limits } from "../room.ts";
export { Commands } from "../commands.ts";
export { Emitter } from "../emitter.ts";
export { Spool } from "../spool.ts";
export { reported, telemetry } from "../topics.ts";
