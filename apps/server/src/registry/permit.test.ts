import type { Audit } from "../audit/index.ts";
import type { Permit, Reach } from "../authority/index.ts";
import type { Catalogue } from "./catalogue.ts";
import type { Registry } from "./registry.ts";

declare const registry: Registry;
declare const catalogue: Catalogue;
declare const audit: Audit;
declare const reading: Permit<"device.read">;
declare const creating: Permit<"device.create">;
declare const both: Permit<"device.read" | "device.retire">;
declare const many: Reach<"device.read">;

export const _enough = () => registry.retire(both);
// @ts-expect-error a permit to read does not retire
export const _wrongAction = () => registry.retire(reading);
// @ts-expect-error nor does one about an application
export const _wrongThing = () => registry.retire(creating);
// @ts-expect-error nor does anything made by hand
export const _forged = () => registry.retire({ may: { "device.retire": true }, on: reading.on, scope: reading.scope });
// @ts-expect-error leave to read many is no leave to read one
export const _reachForPermit = () => registry.read(many);
// @ts-expect-error nor the other way round
export const _permitForReach = () => registry.list(reading, { limit: 1 });
// @ts-expect-error a reach over devices is none over applications
export const _otherReach = () => catalogue.applications(many, { limit: 1 });
// @ts-expect-error an audit log is read by leave to read it
export const _audit = () => audit.entries(creating, { limit: 1 });
