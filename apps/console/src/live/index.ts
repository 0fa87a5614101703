export { follow } from "./follow.ts";
export { reasonOf } from "./reason.ts";
export { useLive, type Heard } from "./use-live.ts";
