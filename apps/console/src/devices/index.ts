export { AddDevice } from "./add-device.tsx";
export { Devices } from "./devices.tsx";
export { ImportDevices } from "./import-devices.tsx";
export { parseFilter } from "./filter.ts";
