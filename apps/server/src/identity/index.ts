export { Browsers } from "./browsers.ts";
export { found } from "./founding.ts";
export { Identity, type Fleet } from "./identity.ts";
export { Invitations } from "./invitations.ts";
export { Members } from "./members.ts";
export { demandsIn, demandsRuling, Organisations, organisationsIn } from "./organisation.ts";
export { isLongEnough, normalEmail } from "./person.ts";
export { Proving } from "./proving.ts";
export { SetupOffer } from "./setup.ts";
