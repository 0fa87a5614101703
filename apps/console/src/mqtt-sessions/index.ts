export { MqttSessions } from "./mqtt-sessions.tsx";
