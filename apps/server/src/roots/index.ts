export { Roots } from "./roots.ts";
export { parseTrusted } from "./trusted.ts";
export { Trusting } from "./trusting.ts";
