export { AccountFrame } from "./frame.tsx";
export { OwnOrganisations } from "./organisations.tsx";
export { SigningIn } from "./signing-in.tsx";
export { AccountSessions } from "./sessions.tsx";
