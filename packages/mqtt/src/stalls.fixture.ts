import { createServer, type AddressInfo } from "node:net";
import { Broker } from "./broker.ts";
import { openPolicy } from "./standalone/policy.ts";
import { systemTime } from "./system-time.ts";

// A broker in a process of its own, which says how long the longest turn of its event loop was since it was asked last. Run by fork().
const retainedTopics = 100_000;

let assigned = 0;
const broker = new Broker({
  policy: openPolicy([], undefined),
  time: systemTime,
  newClientId: () => `assigned-${++assigned}`,
  reportFault: (fault) => process.send?.({ fault: String(fault) }),
});
const payload = Buffer.from("x".repeat(20));
for (let i = 0; i < retainedTopics; i++) {
  broker.publish("everything", { topic: `kept/${i % 300}/${i}`, payload, qos: 0, retain: true });
}
const server = createServer((socket) => broker.accept(socket, { remoteAddress: "", secure: false, name: "mqtt" }));

// Microseconds of CPU from one turn to the next: what a turn takes, however many other processes want the processor meanwhile.
let longest = 0;
let before = spent();
function spent(): number {
  const { user, system } = process.threadCpuUsage();
  return user + system;
}
function turn(): void {
  const now = spent();
  longest = Math.max(longest, now - before);
  before = now;
  setImmediate(turn);
}
turn();

process.on("message", () => {
  process.send?.({ longest: longest / 1_000 });
  longest = 0;
});
process.on("disconnect", () => process.exit(0));
server.listen(0, "127.0.0.1", () => process.send?.({ port: (server.address() as AddressInfo).port })); // TCP has one
