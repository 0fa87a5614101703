export type { Account, Admitted } from "./account.ts";
export { Accounts } from "./accounts.ts";
export type { Line, Meter } from "./book.ts";
export type { Cause as EndingOfConnection } from "./connection.ts";
export { silence, type Traffic } from "./counts.ts";
export { Plans } from "./plans.ts";
export { Usage } from "./usage.ts";
