export { openMessages, type Messages } from "./broker.ts";
export type { MessageLog } from "./log.ts";
export type { Beside, SaidOfChild } from "./beside.ts";
export { ToDevice } from "./to-device.ts";
export { MqttSessions } from "./mqtt-sessions.ts";
export type { Trouble } from "./condition.ts";
export { neverSeen, presenceStateOf, sentenceOfCause, type Presence } from "./presence.ts";
export { Presences, type PresenceChange } from "./presences.ts";
export { Wheel, type Dated } from "./wheel.ts";
