export { Identity } from "./identity.ts";
export { Organisations } from "./organisation.ts";
export { SetupOffer, setupLifetime } from "./setup.ts";
