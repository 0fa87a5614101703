export { verifyBackup } from "./backup.ts";
export { parseKek } from "./kek.ts";
export { Keyring } from "./keyring.ts";
export { restoreKeyring } from "./restore.ts";
export { NoKeyring, type Site } from "./site.ts";
