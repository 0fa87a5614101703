export { Failed, FailedPage, Nowhere } from "./failed.tsx";
export { Shell } from "./shell.tsx";
export { OwnFrame } from "./own-frame.tsx";
