export { CodeInput, isCodeAsked } from "./code-input.tsx";
export { Confirmation } from "./confirmation.tsx";
export { Door } from "./door.tsx";
export { useKept } from "./kept.ts";
export { linkSecret } from "./link-secret.ts";
export { sessionQuery, useCan, useOrg, type Member } from "./session.ts";
export { SetUp } from "./set-up.tsx";
export { SignIn } from "./sign-in.tsx";
export { useSignOut } from "./use-sign-out.ts";
