export { Forgot } from "./forgot.tsx";
export { Reset } from "./reset.tsx";
export { Verify } from "./verify.tsx";
