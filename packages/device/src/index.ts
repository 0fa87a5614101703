export { Device, type Measured, type Options, type Values } from "./device.ts";
export type { Command, Handler } from "./commands.ts";
export type { Events } from "./emitter.ts";
export { DeviceError, type DeviceErrorCode } from "./failure.ts";
export type { Journal } from "./journal.ts";
export type { Identity, Shown } from "./identity.ts";
export { Roots, type Place, type RootsNeeds, type Told } from "./roots.ts";
export type { Limits } from "./spool.ts";
export type { Desired, OnDesired } from "./twin.ts";
