export { Catalogue } from "./catalogue.ts";
export { DeviceList } from "./device-list.ts";
export { Doors } from "./doors.ts";
export { Directories } from "./directories.ts";
export { applicationNameIn, deviceNamesIn, signUpOf, thingsIn } from "./postgres.ts";
export { Postures } from "./postures.ts";
export { Registry } from "./registry.ts";
