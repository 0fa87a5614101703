export { CodeAttempts } from "./attempts.ts";
export { Handovers } from "./handovers.ts";
export { Claims } from "./claims.ts";
export { Notices } from "./notices.ts";
