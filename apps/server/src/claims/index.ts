export { CodeAttempts } from "./attempts.ts";
export { Claims } from "./claims.ts";
