export { Browsers } from "./browsers.ts";
export { Identity } from "./identity.ts";
export { Invitations } from "./invitations.ts";
export { Members } from "./members.ts";
export { Organisations } from "./organisation.ts";
export { SetupOffer } from "./setup.ts";
