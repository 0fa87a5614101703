export { Relay } from "./relay.ts";
export { Sockets } from "./sockets.ts";
export type { Sender } from "./answer.ts";
