export { Audit } from "./audit.ts";
export { recorder } from "./record.ts";
export { Refusals } from "./refusals.ts";
