export { Identity } from "./identity.ts";
export { Organisations } from "./organisation.ts";
export { SetupOffer } from "./setup.ts";
