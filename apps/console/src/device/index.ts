export { DeviceAccess } from "./access.tsx";
export { DeviceCommands } from "./commands.tsx";
export { DeviceOverview } from "./device.tsx";
export { DeviceHistory } from "./history.tsx";
export { DeviceLive } from "./live.tsx";
export { DeviceTelemetry } from "./telemetry.tsx";
export { DeviceTwin } from "./twin.tsx";
