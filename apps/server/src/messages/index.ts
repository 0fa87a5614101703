export { brokerFor, Hub } from "./hub.ts";
