export { SetUp } from "./set-up.tsx";
export { SignIn } from "./sign-in.tsx";
