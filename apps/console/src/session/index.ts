export { useKept } from "./kept.ts";
export { sessionQuery, useCan, useOrg } from "./session.ts";
export { SetUp, setupSecret } from "./set-up.tsx";
export { SignIn } from "./sign-in.tsx";
