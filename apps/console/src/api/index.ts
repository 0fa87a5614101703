export { apiFor, queryClient } from "./api.ts";
export { confirmBy } from "./confirming.ts";
export { everyPage } from "./every-page.ts";
export { on, sessionEnded } from "./heard.ts";
export { useAct } from "./use-act.ts";
export { useList } from "./use-list.ts";
