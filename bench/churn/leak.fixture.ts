import { subscribe } from "node:diagnostics_channel";

// Loaded before a server (`--import`) it makes one that never forgets: some 200 bytes for each connection.
const kept: unknown[] = [];
subscribe("net.server.socket", () => kept.push(Array.from({ length: 23 }, (_, at) => at)));
