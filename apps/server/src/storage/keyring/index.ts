export { verifyBackup } from "./backup.ts";
export { parseKek } from "./kek.ts";
export { Keyring } from "./keyring.ts";
export { restoreKeyring } from "./restore.ts";
export { NoKeyring, type Site } from "./site.ts";
export type { Past, Revocation as Revoked, Ruling as Ruled } from "./store.ts";
