export { Board } from "./board.ts";
export { doByWire } from "./wire.ts";
