export { useLive, type Heard, type Live } from "./use-live.ts";
