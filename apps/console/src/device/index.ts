export { DeviceAccess } from "./access.tsx";
export { DeviceOverview } from "./device.tsx";
export { DeviceLive } from "./live.tsx";
export { DeviceTelemetry } from "./telemetry.tsx";
