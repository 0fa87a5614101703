export { DevicesTabs } from "./tabs.tsx";
export { GroupPage } from "./group.tsx";
export { Groups } from "./groups.tsx";
