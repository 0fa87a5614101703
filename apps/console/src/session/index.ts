export { sessionQuery, useCan, useOrg, type Member, type Session } from "./session.ts";
export { SetUp, setupSecret } from "./set-up.tsx";
export { SignIn } from "./sign-in.tsx";
