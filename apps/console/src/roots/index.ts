export { DeviceRoots } from "./device-roots.tsx";
export { InstanceRoots } from "./instance-roots.tsx";
