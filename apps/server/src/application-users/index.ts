export { Attempts } from "./attempts.ts";
export { usersIn } from "./postgres.ts";
export { SignIns } from "./sign-in.ts";
export { Users } from "./users.ts";
