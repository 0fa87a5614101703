export { fit } from "./fit.ts";
export { clauseOf, shownTo, type DeviceRefusal, type Told } from "./refusal.ts";
export { LiveRefusals } from "./refusals.ts";
export { plainly, Strangers, type Stranger } from "./strangers.ts";
