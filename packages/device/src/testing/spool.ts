// For the tests of a spool on a file, which stand outside because this package knows no files.
export { Spool, type Limits } from "../spool.ts";
export { reported, telemetry } from "../topics.ts";
