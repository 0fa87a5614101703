export { apiFor, onSessionEnded, queryClient, sessionEnded } from "./api.ts";
export { useAct } from "./use-act.ts";
export { useList } from "./use-list.ts";
