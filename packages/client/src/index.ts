export { Client, type Callable, type ClientOptions, type Input, type Payload, type Reply } from "./client.ts";
export type { LiveEvent } from "./live.ts";
export type { LivePresence, LiveReading, LiveRefused, LiveStranger } from "@holdfast/protocol";
export { newKeyAndRequest, requestOf, type KeyAndRequest } from "@holdfast/kernel";
export { fetchTransport } from "./fetch-transport.ts";
export { measuredText } from "./measured.ts";
export { ApiProblem, StrangeReply, unsaid } from "./problem.ts";
export { ProvingKey, type PrivateKey } from "./proving-key.ts";
export { NotReached, type Distance, type Incoming, type Outgoing, type Transport } from "./transport.ts";
