export { AlertList } from "./alert-list.tsx";
export { Alerts } from "./alerts.tsx";
export { AlertRules } from "./rules.tsx";
export { Webhooks } from "./webhooks.tsx";
