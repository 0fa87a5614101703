export { Failed, Nowhere } from "./failed.tsx";
export { Shell } from "./shell.tsx";
