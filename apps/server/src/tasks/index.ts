export { Board } from "./board.ts";
export { doByWire, leasedReply } from "./wire.ts";
