export { DeviceMark, markOf } from "./device-mark.tsx";
export { DeviceName } from "./device-name.tsx";
export { DevicePicker } from "./device-picker.tsx";
export { PersonName } from "./person-name.tsx";
export { useMembers } from "./use-members.ts";
