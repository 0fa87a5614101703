export { Sessions } from "./sessions.tsx";
export { Usage } from "./usage.tsx";
