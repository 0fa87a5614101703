export { Entries } from "./entries.tsx";
