export { useLive, type Heard } from "./use-live.ts";
