export { Security } from "./security.tsx";
export { Settings } from "./settings.tsx";
