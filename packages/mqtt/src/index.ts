export { Broker, type BrokerNeeds } from "./broker.ts";
export { packet, reason } from "./codes.ts";
export { defaultLimits, type Limits } from "./limits.ts";
export type { Mount, Synonym } from "./mounts.ts";
export type {
  Asked,
  Challenge,
  Closing,
  Counters,
  Ending,
  Gate,
  Journal,
  Message,
  Naming,
  Opened,
  Policy,
  Proof,
  ProtocolVersion,
  QoS,
  Refusable,
  Renaming,
  Revived,
  SpaceKey,
  Transport,
  TurnedAway,
  Welcome,
} from "./policy.ts";
export type { Properties } from "./properties.ts";
export type { Publication, Publisher } from "./publication.ts";
export type { Standing } from "./standing.ts";
export type { Statistics } from "./statistics.ts";
export type { Arrival, Listener } from "./subscription.ts";
export { systemTime } from "./system-time.ts";
export type { Time } from "./time.ts";
export { matches } from "./topics.ts";
