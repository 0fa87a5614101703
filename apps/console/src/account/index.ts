export { AccountFrame } from "./frame.tsx";
export { SigningIn } from "./signing-in.tsx";
