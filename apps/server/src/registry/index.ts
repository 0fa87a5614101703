export { Catalogue } from "./catalogue.ts";
export type { Device } from "./device.ts";
export { thingsIn } from "./postgres.ts";
export { Registry } from "./registry.ts";
