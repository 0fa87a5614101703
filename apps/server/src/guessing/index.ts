export { Attempts, type Attempt, type Patience } from "./attempts.ts";
