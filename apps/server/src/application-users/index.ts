export { Attempts } from "./attempts.ts";
export { PasskeySignIns } from "./passkey-sign-in.ts";
export { Passkeys } from "./passkeys.ts";
export { usersIn } from "./postgres.ts";
export { RefreshTokens } from "./refresh-tokens.ts";
export { SignIns } from "./sign-in.ts";
export { Users } from "./users.ts";
