export { Alerts } from "./alerts.ts";
export { Deliveries } from "./deliveries.ts";
export { Lookout } from "./lookout.ts";
