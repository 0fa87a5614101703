export { Failed, FailedPage, Nowhere } from "./failed.tsx";
export { Connection } from "./connection.tsx";
export { Shell } from "./shell.tsx";
export { TopBarActions } from "./top-bar.tsx";
export { useSessionEnd } from "./use-session-end.ts";
